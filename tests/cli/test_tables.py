"""Tables, on a terminal that is narrow."""

from __future__ import annotations

import pytest

from skyscript_db.cli import common

LICENCE = "Copernicus Sentinel Data Terms and Conditions (free, full and open)"


def printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> list[str]:
    monkeypatch.setattr(common, "_width", lambda: width)
    common.print_table(
        ["collection", "GSD m", "n", "licence"],
        [["orthos", 0.13229193, 1234567, "CC0"], ["sentinel", 10.0, 7, LICENCE]],
    )
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_long_texts_take_more_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert printed(capsys, monkeypatch, 60) == [
        "collection  GSD m          n  licence",
        "orthos      0.132  1 234 567  CC0",
        "sentinel       10          7  Copernicus Sentinel Data Terms",
        "                              and Conditions (free, full and",
        "                              open)",
    ]


def test_numbers_and_names_are_whole_on_any_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = printed(capsys, monkeypatch, 10)
    assert lines[1] == "orthos      0.132  1 234 567  CC0"
    assert "".join(line[30:] for line in lines[2:]).replace(" ", "") == (
        LICENCE.replace(" ", "")
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.13229193, "0.132"), (0.5, "0.5"), (28.5, "28.5"), (1000.0, "1000")],
)
def test_numbers_are_rounded_sensibly(value: float, told: str) -> None:
    assert common.rounded(value) == told
