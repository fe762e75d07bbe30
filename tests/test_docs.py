"""The documentation says what the code does."""

from __future__ import annotations

import os
import re

from skyscript_db.cli import COMMANDS
from skyscript_db.jobs import JOBS
from skyscript_db.jobs.runner import name_of
from tests.conftest import ROOT

SCHEMA = ROOT / "docs" / "schema.md"

INTRODUCTION = """\
# The schema

Made from the comments in the database. After a change, write it anew:

    SKYSCRIPT_WRITE_DOCS=1 python -m pytest tests/test_docs.py

Generated columns are filled by the server; a dot marks columns that may be NULL.
"""

TABLES = """
SELECT c.oid, c.oid::regclass::text, obj_description(c.oid, 'pg_class'), c.relkind::text
FROM pg_class AS c
WHERE c.relnamespace::regnamespace::text IN ('skyscript', 'osm')
    AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'alembic_version'
ORDER BY c.relkind = 'v' DESC, 2
"""
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_attribute AS a
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
FUNCTIONS = """
SELECT p.proname, pg_get_function_identity_arguments(p.oid),
    pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc')
FROM pg_proc AS p
WHERE p.pronamespace = 'skyscript'::regnamespace
ORDER BY 1
"""


def schema_page(conn) -> str:
    parts = [INTRODUCTION, "## Views and tables\n"]
    for oid, name, comment, kind in conn.execute(TABLES).fetchall():
        parts.append(f"### {name}{' (view)' if kind == 'v' else ''}\n\n{comment}\n")
        columns = conn.execute(COLUMNS, [oid]).fetchall()
        if kind == "v":
            parts.append(
                "Columns: " + ", ".join(f"`{row[0]}`" for row in columns) + "\n"
            )
            continue
        rows = [
            f"| `{column}` | {type_}{'' if required else ' ·'} | {text} |"
            for column, type_, required, text in columns
        ]
        parts.append("\n".join(["| column | type | |", "|---|---|---|", *rows]) + "\n")
    parts.append("## Functions\n")
    for name, arguments, result, comment in conn.execute(FUNCTIONS).fetchall():
        parts.append(f"- `skyscript.{name}({arguments})` → `{result}`: {comment}")
    return "\n".join(parts) + "\n"


def test_the_schema_page_is_current(conn):
    page = schema_page(conn)
    if os.environ.get("SKYSCRIPT_WRITE_DOCS"):
        SCHEMA.write_text(page, encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == page, "write docs/schema.md anew"


def test_every_command_and_job_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for job in JOBS:
        assert name_of(job) in readme
    for command in ("load", "build", "status", "search", "describe", "export", "sheet"):
        assert f"skyscript {command}" in readme
        assert command in COMMANDS


def test_the_readmes_queries_run(conn):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sql\n(.*?)```", readme, re.DOTALL)
    for statement in filter(str.strip, block.split(";\n")):
        conn.execute(statement.encode())


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_decisions_are_numbered_and_say_why():
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "## Decision" in text, page.name
        assert "## Why" in text, page.name
