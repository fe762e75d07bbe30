"""A password never comes out again, whatever goes wrong."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Skyscript

SECRET = "hunter2canary"

URLS = {
    "no server": f"postgresql://u:{SECRET}@localhost:1/x",
    "no port": f"postgresql://u:{SECRET}@localhost:99999/x",
    "no scheme": f"u:{SECRET}@localhost/x",
    "half a scheme": f"postgresql//u:{SECRET}@localhost/x",
    "unknown option": f"postgresql://u:{SECRET}@localhost:1/x?{SECRET}=1",
    "odd characters": f"postgresql://u:%{SECRET}@localhost:1/x",
    "words": f"user=u password={SECRET} host=localhost port=1 nonsense",
    "no host": f"host=/nowhere user=u password={SECRET}",
}


@pytest.mark.parametrize("case", URLS)
@pytest.mark.parametrize("command", ["status", "-v db status", "db upgrade", "build"])
def test_no_error_tells_the_password(
    offline: Skyscript, command: str, case: str
) -> None:
    told = offline(*command.split(), SKYSCRIPT_DATABASE_URL=URLS[case])
    assert (told.status, told.out) == (1, "")
    assert "SKYSCRIPT_DATABASE_URL" in told.err
    assert SECRET not in told.err


@pytest.mark.parametrize(
    "assignment",
    [
        f"databaseurl=postgresql://u:{SECRET}@localhost/x",
        f"SKYSCRIPT_DATABASE_URLS=postgresql://u:{SECRET}@localhost/x",
        f"workers={SECRET}",
        f"chip_side_px={SECRET}",
    ],
)
def test_a_misspelt_setting_is_named_without_its_value(
    offline: Skyscript, assignment: str
) -> None:
    told = offline("--set", assignment, "status")
    assert (told.status, told.out) == (2, "")
    assert SECRET not in told.err


@pytest.mark.parametrize("command", ["status", "db status", "run split_pairs --json"])
def test_a_password_that_works_is_not_told_either(
    on_town: Skyscript, town_url: str, command: str
) -> None:
    # A socket trusts its user, whatever password is given.
    url = f"{town_url} password={SECRET}"
    told = on_town("-v", *command.split(), SKYSCRIPT_DATABASE_URL=url)
    assert told.status == 0
    assert SECRET not in told.out + told.err
