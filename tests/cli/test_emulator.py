"""``skyscript earth-engine-emulator``, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from skyscript_db.cli import skyscript
from skyscript_db.errors import UsageError
from tests.fix_rasters import noise, write_raster

COMMAND = [sys.executable, "-m", "skyscript_db", "earth-engine-emulator"]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, ending: int) -> None:
    write_raster(tmp_path / "served" / "USDA" / "NAIP" / "one.tif", noise(1))
    write_raster(tmp_path / "other" / "a_1.tif", noise(1))
    write_raster(tmp_path / "other" / "b_1.tif", noise(1))
    listed = tmp_path / "collections.toml"
    listed.write_text(
        '["X/A"]\nfolder = "other"\nfiles = "a_*.tif"\nstart = 2019-02-03'
    )
    options = ["--rasters", str(tmp_path / "served"), "--collections", str(listed)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*COMMAND, *options, "--misbehave", "503 path=NAIP"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(2)]
        url = said[0][1].removeprefix("SKYSCRIPT_EARTH_ENGINE_URL=")
        assert said[1] == ["export", "SKYSCRIPT_EARTH_ENGINE_PROJECT=emulated"]
        start = f"{url}/v1/projects/earthengine-public/assets"
        (image,) = requests.get(f"{start}/X/A:listAssets", timeout=9).json()["assets"]
        struck = requests.get(f"{start}/USDA/NAIP:listAssets", timeout=9)
        process.send_signal(ending)
        _, errors = process.communicate(timeout=20)
    assert (image["id"], image["startTime"]) == ("X/A/a_1", "2019-02-03T00:00:00.000Z")
    assert struck.status_code == 503
    assert process.returncode == 0
    first, last = errors.splitlines()
    assert first == "Collections: USDA/NAIP, X/A"
    assert json.loads(last)["by_path"] == {"listAssets": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["A"]\nbands = ["R"]', "a collection has no folder"),
        ('["A"]\nfolder = "none"', "no folder .*none"),
        ('["A"]\nfolder = "."\ncolour = 1', "'colour' is none of bands, end"),
        ('["A"', "Expected ']'"),
    ],
)
def test_a_faulty_list_of_collections_is_told(
    tmp_path: Path, text: str, message: str
) -> None:
    listed = tmp_path / "collections.toml"
    listed.write_text(text)
    result = CliRunner().invoke(
        skyscript,
        [
            "earth-engine-emulator",
            f"--rasters={tmp_path}",
            f"--collections={listed}",
        ],
    )
    assert isinstance(result.exception, UsageError)
    with pytest.raises(UsageError, match=message):
        raise result.exception


def test_a_faulty_rule_is_told(tmp_path: Path) -> None:
    arguments = ["earth-engine-emulator", f"--rasters={tmp_path}", "--misbehave=418"]
    result = CliRunner().invoke(skyscript, arguments)
    assert isinstance(result.exception, UsageError)
    assert "no fault '418'" in str(result.exception)
