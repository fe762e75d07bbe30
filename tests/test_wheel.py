"""What a wheel has to carry beside Python modules."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

from skyscript_db import paths
from tests.conftest import ROOT

WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"][
    "targets"
]["wheel"]


def test_a_wheel_has_all_that_is_looked_for_beside_the_packages() -> None:
    looked_for = {
        value.name
        for name, value in vars(paths).items()
        if isinstance(value, Path) and not name.startswith("_")
    }
    assert WHEEL["force-include"] == {
        name: f"skyscript_db/_resources/{name}" for name in looked_for
    }
    assert WHEEL["packages"] == ["skyscript_db", "loaders"]


def test_no_file_of_the_packages_is_kept_out_of_a_wheel() -> None:
    """The builder leaves out what git ignores, tracked or not."""
    folders = [*WHEEL["packages"], *WHEEL["force-include"]]
    files = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {path.rpartition(".")[2] for path in files} >= {
        *("py", "sql", "lua", "txt", "csv", "toml", "sh", "mako"),
    }
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"],
        cwd=ROOT,
        input="\n".join(files),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ignored.stdout == ""
