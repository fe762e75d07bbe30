from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from skyscript_db import queries, schema
from skyscript_db.database import connect, engine
from skyscript_db.errors import SchemaOutOfDate, ServerError
from skyscript_db.models import metadata
from skyscript_db.paths import DB

LIST = queries.parse(Path(__file__).with_name("catalogue.sql").read_text())["list"]


def catalogue(info: str) -> list[str]:
    with connect(info) as conn:
        return [line for (line,) in conn.execute(LIST)]


def tables_only(lines: list[str]) -> list[str]:
    return [line for line in lines if not line.startswith(("view ", "function "))]


def test_there_is_one_head():
    scripts = ScriptDirectory.from_config(schema.alembic_config())
    assert scripts.get_heads() == [schema.head_revision()]


def test_upgrade_downgrade_and_upgrade_give_the_same_catalogue(database):
    before = catalogue(database.info)
    schema.downgrade(database.info)
    assert catalogue(database.info) == []
    schema.upgrade(database.info)
    assert catalogue(database.info) == before


def test_models_equal_migrations(database, empty_database):
    with connect(empty_database) as conn:
        conn.execute((DB / "bootstrap.sql").read_bytes())
        conn.execute("CREATE SCHEMA osm")
    with engine(empty_database).begin() as connection:
        metadata.create_all(connection)
    assert catalogue(empty_database) == tables_only(catalogue(database.info))


def test_autogenerate_finds_nothing_to_do(database):
    config = schema.alembic_config()
    with engine(database.info).begin() as connection:
        config.attributes["connection"] = connection
        command.check(config)


def test_every_table_column_view_and_function_has_a_comment(conn):
    uncommented = conn.execute(
        "SELECT c.oid::regclass || '.' || a.attname FROM pg_class AS c"
        " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0"
        " AND NOT a.attisdropped"
        " WHERE c.relnamespace::regnamespace::text IN ('skyscript', 'osm')"
        " AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'"
        " AND col_description(c.oid, a.attnum) IS NULL"
        " UNION ALL SELECT c.oid::regclass::text FROM pg_class AS c"
        " WHERE c.relnamespace::regnamespace::text IN ('skyscript', 'osm')"
        " AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'alembic_version'"
        " AND obj_description(c.oid, 'pg_class') IS NULL"
        " UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc AS p"
        " WHERE p.pronamespace = 'skyscript'::regnamespace"
        " AND obj_description(p.oid, 'pg_proc') IS NULL"
    ).fetchall()
    assert uncommented == []


def test_a_failing_upgrade_leaves_everything_as_it_was(database, monkeypatch, tmp_path):
    before = catalogue(database.info)
    broken = tmp_path / "broken.sql"
    broken.write_text("CREATE VIEW skyscript.half AS SELECT 1; SELECT no_such_column;")
    files = [*schema.replaceable_files(), broken]
    monkeypatch.setattr(schema, "replaceable_files", lambda: files)
    with pytest.raises(psycopg.errors.UndefinedColumn):
        schema.upgrade(database.info)
    assert catalogue(database.info) == before


def test_an_object_of_the_users_that_depends_on_ours_is_not_dropped(database):
    database.conn.execute(
        "CREATE VIEW public.mine AS SELECT chip_id FROM skyscript.pair"
    )
    with pytest.raises(ServerError, match="an object of yours depends on one of ours"):
        schema.upgrade(database.info)
    assert database.conn.execute("SELECT count(*) FROM public.mine").fetchone() == (0,)


def test_check_says_what_to_do_about_an_old_schema(database):
    schema.check(database.conn)
    database.conn.execute("UPDATE skyscript.alembic_version SET version_num = '0001'")
    with pytest.raises(SchemaOutOfDate, match="run `skyscript db upgrade`"):
        schema.check(database.conn)


def test_check_says_what_to_do_about_a_newer_schema(database):
    database.conn.execute("UPDATE skyscript.alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaOutOfDate, match="upgrade skyscript-db"):
        schema.check(database.conn)


def test_check_notices_that_only_functions_changed(database, monkeypatch, tmp_path):
    changed = tmp_path / "new.sql"
    changed.write_text("CREATE VIEW skyscript.new AS SELECT 1 AS n;")
    files = [*schema.replaceable_files(), changed]
    monkeypatch.setattr(schema, "replaceable_files", lambda: files)
    with pytest.raises(SchemaOutOfDate, match="functions, views or labels"):
        schema.check(database.conn)
    schema.upgrade(database.info)
    schema.check(database.conn)
    assert database.conn.execute("SELECT n FROM skyscript.new").fetchone() == (1,)


def test_upgrade_fills_the_reference_tables_and_keeps_the_users_verdicts(database):
    conn = database.conn
    conn.execute(
        "INSERT INTO skyscript.tag (key, value, text, n_features)"
        " VALUES ('shop', 'bakery', 'shop of bakery', 1)"
    )
    conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', 0.2, 'its sign is on the roof' FROM skyscript.tag"
    )
    conn.execute("DELETE FROM skyscript.tag_label")
    schema.upgrade(database.info)
    (n_labels,) = conn.execute("SELECT count(*) FROM skyscript.tag_label").fetchone()
    assert n_labels > 400
    verdict = conn.execute(
        "SELECT source, max_gsd_m FROM skyscript.tag_verdict"
    ).fetchall()
    assert verdict == [("override", 0.2)]
