from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from skyscript_db import queries

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path
    for folder in ("skyscript_db", "loaders")
    for path in (ROOT / folder).rglob("*.sql")
    if "_resources" not in path.parts
)
# What these statements read is made by others of the same run.
TEMPORARY = """
CREATE TEMPORARY TABLE pending (n bigint, id bigint);
CREATE TEMPORARY TABLE tag_count (key text, value text, n_features bigint);
CREATE TEMPORARY TABLE told (chip_id bigint, kind text, text text);
CREATE TEMPORARY TABLE fetched (
    chip_id bigint, loaded_at timestamptz, state text, cause text, image_path text,
    sha256 text, file_bytes integer, nodata_fraction real, http_status integer,
    encoding jsonb, cloud_fraction real
);
CREATE TEMPORARY TABLE text_told (text text, id bigint, n_tokens integer);
CREATE TEMPORARY TABLE basis (key text, value text, digest text);
CREATE TEMPORARY TABLE change (key text, value text);
CREATE TEMPORARY TABLE level (max_gsd_m float8, n bigint);
CREATE TEMPORARY TABLE tellable (key text, value text, max_gsd_m float8);
CREATE TEMPORARY TABLE phrase (hash bigint, told_id integer);
CREATE TEMPORARY TABLE told_feature (
    id integer GENERATED ALWAYS AS IDENTITY, alone text, one text, many text,
    n_tokens integer, head_tokens integer, preposition text, rarity integer
);
CREATE TEMPORARY TABLE told_news (
    hash bigint, alone text, one text, many text, n_tokens integer,
    head_tokens integer, preposition text, rarity integer
);
CREATE TEMPORARY TABLE tag_vector (key text, value text, embedding halfvec);
CREATE TEMPORARY TABLE chosen (
    n bigint, chip_id bigint, caption_kind text, stem text, nth_of_stem bigint
);
"""
PREPARABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES")


def statements() -> list[pytest.ParameterSet]:
    return [
        pytest.param(text, id=f"{path.relative_to(ROOT)}:{name}")
        for path in FILES
        for name, text in queries.parse(path.read_text(encoding="utf-8")).items()
        # With a name to be filled in, the statement is run by its module's own test.
        if first_word(text) in PREPARABLE and not re.search(r"\{\w+\}", text)
    ]


def first_word(text: str) -> str:
    code = re.sub(r"--[^\n]*\n", "", text).strip()
    return code.split()[0].upper()


def numbered(text: str) -> str:
    """Turn %(name)s into $n, as PREPARE wants it."""
    names: dict[str, int] = {}
    text = re.sub(
        r"%\((\w+)\)[sbt]",
        lambda match: f"${names.setdefault(match[1], len(names) + 1)}",
        text,
    )
    return text.replace("%%", "%")


@pytest.mark.parametrize("text", statements())
def test_every_statement_prepares(conn, text):
    conn.execute(TEMPORARY)
    try:
        conn.execute(f"PREPARE statement AS {numbered(text)}")
    except psycopg.errors.IndeterminateDatatype:
        pytest.fail("cast the parameter, so that its type does not hang on the caller")


def test_parse_splits_by_name_and_drops_the_last_semicolon():
    text = "-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT 2;\n"
    assert queries.parse(text) == {"one": "SELECT 1", "two": "-- why\nSELECT 2"}


def test_parse_refuses_a_name_given_twice():
    with pytest.raises(ValueError, match="named twice"):
        queries.parse("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")


def test_a_missing_statement_is_named():
    with pytest.raises(AttributeError, match="no statement named 'three'"):
        _ = queries.Queries(one="SELECT 1").three
