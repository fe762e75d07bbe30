"""Texts on pictures."""

from __future__ import annotations

import pytest

from skyscript_db import lettering


@pytest.mark.parametrize(
    ("text", "n_lines", "expected"),
    [
        ("", 2, [""]),
        ("road", 2, ["road"]),
        ("landuse of quarry with resource of bauxite", 3, 3),
        ("landuse of quarry with resource of bauxite", 2, 2),
        ("x" * 100, 3, 3),
    ],
)
def test_wrap_keeps_lines_within_the_width(
    text: str, n_lines: int, expected: list[str] | int
) -> None:
    face = lettering.font(15)

    lines = lettering.wrap(text, face, 130, n_lines)

    assert all(face.getlength(line) <= 130 for line in lines)
    if isinstance(expected, int):
        assert len(lines) == expected
        assert lines[-1].endswith(lettering.CUT) or " ".join(lines) == text
    else:
        assert lines == expected


def test_what_is_left_out_is_marked() -> None:
    face = lettering.font(15)
    assert lettering.wrap("a quarry, beside a road", face, 130, 1) == [
        "a quarry, beside […]"
    ]
    unknown = bytes(face.getmask("\uffff"))
    assert all(bytes(face.getmask(mark)) != unknown for mark in "[…]")
