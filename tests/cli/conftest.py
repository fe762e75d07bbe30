"""The command line, in this process or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skyscript_db import cli
from skyscript_db.config import Settings
from tests.conftest import ROOT
from tests.fix_database import Database
from tests.fix_project import Project, environment
from tests.fix_stages import Site


@dataclass(frozen=True)
class Told:
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        assert (self.status, self.err) == (0, "")
        return json.loads(self.out)


Skyscript = Callable[..., Told]


@pytest.fixture
def told(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Mapping[str, str], tuple[str, ...]], Told]:
    """Return a function that runs a command with variables set, in this process."""

    def run(variables: Mapping[str, str], words: tuple[str, ...]) -> Told:
        with monkeypatch.context() as patch:
            for name in [x for x in os.environ if x.startswith(("SKYSCRIPT_", "PG"))]:
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["skyscript", *words])
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                cli.main()
        assert isinstance(ended.value.code, int)
        return Told(ended.value.code, *capfd.readouterr())

    return run


@pytest.fixture
def skyscript(
    told: Any, database: Database, project: Project, tmp_path: Path
) -> Skyscript:
    """Return a function that runs a command on an empty database."""
    variables = environment(project.on(database.info, tmp_path / "home"))
    return lambda *words, **more: told(variables | more, words)


@pytest.fixture
def on_town(told: Any, town: Site) -> Skyscript:
    """Return a function that runs a command on a project that is built."""
    variables = environment(town.settings)
    return lambda *words, **more: told(variables | more, words)


@pytest.fixture
def offline(told: Any, tmp_path: Path) -> Skyscript:
    """Return a function that runs a command where no server can be reached."""
    url = f"host={tmp_path}/nowhere dbname=x user=x"
    variables = {
        "SKYSCRIPT_HOME": str(tmp_path / "home"),
        "SKYSCRIPT_DATABASE_URL": url,
    }
    return lambda *words, **more: told(variables | more, words)


def process(settings: Settings, *words: str, **more: str) -> Told:
    """Run a command as users do, in a process of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SKYSCRIPT_", "PG"))
    }
    ended = subprocess.run(
        [sys.executable, "-m", "skyscript_db", *words],
        cwd=ROOT,
        env={**kept, **environment(settings), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Told(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def town_url(town: Site) -> str:
    """Return the connection string of the project that is built."""
    url = town.settings.database_url
    assert url is not None
    return url.get_secret_value()
