"""What the command line says to words and settings that it does not know."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Skyscript

COMMANDS = [
    *("db", "load", "remove", "collections", "run", "build", "status", "failures"),
    *("tags", "scorers", "search", "describe", "export", "sheet", "rehydrate", "model"),
    *("groundability", "why", "earth-engine-emulator"),
]


def test_help_lists_every_command(offline: Skyscript) -> None:
    told = offline("--help")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith("Usage: skyscript [OPTIONS] COMMAND [ARGS]...\n")
    listed = told.out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == COMMANDS


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        *("load osm", "load rasters", "load earth-engine", "load stac"),
        *("remove osm", "remove collection", "remove plan", "model stand-in"),
        *("groundability train", "groundability evaluate", "groundability show"),
        *("groundability override", "groundability why", "groundability default"),
        *("db start", "db stop", "db status", "db url", "db shell", "db upgrade"),
    ],
)
def test_every_command_has_help(offline: Skyscript, command: str) -> None:
    told = offline(*command.split(), "--help")
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(f"Usage: skyscript {command} [OPTIONS]")


def test_version(offline: Skyscript) -> None:
    told = offline("--version")
    assert (told.status, told.out, told.err) == (0, "skyscript, version 0.1.0\n", "")


MISUSE = {
    "unknown command": (["frobnicate"], "Error: No such command 'frobnicate'."),
    "no job": (["run"], "Error: Missing argument 'JOB'."),
    "unknown job": (
        ["run", "nonsense"],
        "skyscript: no job named 'nonsense'; the jobs are: collect_tags, ground_tags,",
    ),
    "unknown setting": (
        ["-s", "nonsense=1", "status"],
        "skyscript: --set takes NAME=VALUE with one of: batch_size, caption_recipe,",
    ),
    "setting without value": (["-s", "workers", "status"], "takes NAME=VALUE"),
    "setting of another type": (
        ["-s", "chip_side_px=abc", "status"],
        "SKYSCRIPT_CHIP_SIDE_PX: Input should be a valid integer",
    ),
    "setting out of range": (
        ["--set", "SKYSCRIPT_JPEG_QUALITY=0", "status"],
        "SKYSCRIPT_JPEG_QUALITY: Input should be greater than or equal to 1",
    ),
    "limit of none": (["build", "--limit", "0"], "Invalid value for '--limit'"),
    "no GSD": (["describe", "0,0,1,1"], "Error: Missing option '--gsd'."),
    "GSD of nothing": (
        ["load", "rasters", "x.tif", "--collection", "x", "--gsd", "0"],
        "Invalid value for '--gsd': '0' is neither auto nor a number of metres",
    ),
    "GSD in words": (
        ["load", "rasters", "x.tif", "--collection", "x", "--gsd", "fine"],
        "Invalid value for '--gsd': 'fine' is neither auto nor a number of metres",
    ),
    "no collection": (["load", "rasters", "x.tif"], "Missing option '--collection'."),
    "date in words": (
        ["load", "rasters", "x.tif", "--collection", "x", "--date", "June"],
        "Invalid value for '--date': 'June' does not match",
    ),
    "no format": (["export", "x"], "Missing option '--format'"),
    "unknown format": (["export", "x", "--format", "zip"], "'zip' is not one of 'csv'"),
    "no tag": (["search", "tree", "--tag", "natural"], "'natural' is not KEY=VALUE"),
    "k of nothing": (["search", "tree", "-k", "0"], "0 is not in the range"),
    "GSD below nothing": (["status", "--max-gsd", "-1"], "-1.0 is not in the range"),
    "unknown split": (["search", "x", "--split", "all"], "'all' is not one of"),
}


@pytest.mark.parametrize("case", MISUSE)
def test_misuse_is_told(offline: Skyscript, case: str) -> None:
    words, message = MISUSE[case]
    told = offline(*words)
    assert (told.status, told.out) == (2, "")
    assert message in told.err


def test_setting_in_the_environment_is_checked(offline: Skyscript) -> None:
    told = offline("status", SKYSCRIPT_BATCH_SIZE="0")
    assert (told.status, told.out, told.err) == (
        2,
        "",
        "skyscript: a setting is out of range: SKYSCRIPT_BATCH_SIZE: Input should be "
        "greater than or equal to 1\n",
    )


def test_a_server_that_is_not_there_is_told(offline: Skyscript) -> None:
    told = offline("status")
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith("skyscript: cannot connect to PostgreSQL: ")
    assert told.err.endswith("`skyscript db start` runs a server of its own.\n")
