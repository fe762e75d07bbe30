"""Loading of OSM files: what becomes a feature, what is left out, what can go wrong."""

from __future__ import annotations

import bz2
import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from loaders import osm
from skyscript_db.errors import UsageError
from tests.loaders.osm_files import CORNERS, escape, opl, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fix_database import Database


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    return database.conn.execute(query.encode()).fetchall()


def load(database: Database, path: Path, **options: Any) -> osm.OsmLoad:
    return osm.load(database.conn, database.info, path, **options)


def kinds(database: Database) -> dict[str, str]:
    return dict(rows(database, "SELECT osm_type || osm_id, kind FROM osm.feature"))


def test_nodes_ways_and_relations_become_features(
    database: Database, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "town.opl",
        *CORNERS,
        "n9 v3 t2021-05-06T07:08:09Z Tnatural=tree,note=old x9.5 y47.5",
        "w1 v2 Thighway=path Nn1,n2,n3",
        "w2 v1 Tbuilding=yes Nn1,n2,n3,n4,n1",
        "w3 v1 Nn1,n2,n3",
        "w4 v1 Nn3,n4,n1",
        "r1 v1 Ttype=multipolygon,landuse=forest Mw3@outer,w4@outer",
        "r2 v1 Ttype=boundary,boundary=national_park Mw2@outer",
    )
    result = load(database, path)
    assert rows(
        database,
        """SELECT osm_type || osm_id, kind, ST_AsText(geom), tags, version, changed_at
           FROM osm.feature ORDER BY osm_type, osm_id""",
    ) == [
        (
            "N9",
            "n",
            "POINT(9.5 47.5)",
            {"natural": "tree", "note": "old"},
            3,
            datetime(2021, 5, 6, 7, 8, 9, tzinfo=UTC),
        ),
        (
            "R1",
            "a",
            "POLYGON((9 47,9.1 47,9.1 47.1,9 47.1,9 47))",
            {"type": "multipolygon", "landuse": "forest"},
            1,
            None,
        ),
        (
            "R2",
            "a",
            "POLYGON((9 47,9.1 47,9.1 47.1,9 47.1,9 47))",
            {"type": "boundary", "boundary": "national_park"},
            1,
            None,
        ),
        ("W1", "w", "LINESTRING(9 47,9.1 47,9.1 47.1)", {"highway": "path"}, 2, None),
        (
            "W2",
            "a",
            "POLYGON((9 47,9.1 47,9.1 47.1,9 47.1,9 47))",
            {"building": "yes"},
            1,
            None,
        ),
    ]
    assert result.extract == "town"
    assert (result.n_nodes, result.n_ways, result.n_relations) == (5, 4, 2)
    assert (result.n_features, result.left_out) == (5, {"no tags": 6})
    assert result.data_at == datetime(2021, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_objects_without_history_have_none(database: Database, tmp_path: Path) -> None:
    result = load(database, write(tmp_path / "a.opl", "n1 Tnatural=tree x9 y47"))
    found = rows(database, "SELECT version, changed_at FROM osm.feature")
    assert found == [(None, None)]
    assert result.data_at is None


AREAS = {
    "building=yes": "a",
    "building=no": "w",
    "building=yes,area=no": "w",
    "landuse=forest": "a",
    "natural=water": "a",
    "natural=coastline": "w",
    "natural=cliff": "w",
    "natural=tree_row": "w",
    "natural=tree_row,area=yes": "a",
    "leisure=pitch": "a",
    "leisure=track": "w",
    "leisure=track,area=yes": "a",
    "amenity=parking": "a",
    "highway=service": "w",
    "highway=pedestrian,area=yes": "a",
    "highway=services": "a",
    "junction=roundabout": "w",
    "barrier=fence": "w",
    "barrier=fence,landuse=meadow": "a",
    "railway=rail": "w",
    "railway=station": "a",
    "waterway=river": "w",
    "waterway=riverbank": "a",
    "power=line": "w",
    "power=substation": "a",
    "man_made=pipeline": "w",
    "man_made=bridge": "a",
    "aeroway=taxiway": "w",
    "aeroway=apron": "a",
    "boundary=protected_area": "a",
    "name=nothing": "w",
}


def test_closed_ways_are_areas_by_their_tags(
    database: Database, tmp_path: Path
) -> None:
    ways = [f"w{i} v1 T{tags} Nn1,n2,n3,n4,n1" for i, tags in enumerate(AREAS, 1)]
    load(database, write(tmp_path / "a.opl", *CORNERS, *ways))
    found = kinds(database)
    assert {tags: found[f"W{i}"] for i, tags in enumerate(AREAS, 1)} == AREAS


def test_open_way_is_a_line_whatever_its_tags(
    database: Database, tmp_path: Path
) -> None:
    way = "w1 v1 Tbuilding=yes,area=yes Nn1,n2,n3"
    load(database, write(tmp_path / "a.opl", *CORNERS, way))
    assert kinds(database) == {"W1": "w"}


TAGS = {
    "name": "O'Brien's \"bar\" \\ 100 % {x} %s $1",
    "note:de": "two\nlines\tand a tab\r\n",
    "inscription": "'; DROP SCHEMA osm CASCADE; --",
    "name:ar": "\u0645\u0633\u062c\u062f \u200f\u202e",
    "emoji": "\U0001f3f0" * 255,
    'odd "key" \\': "=",
    "control": "\x01\x7f",
    "jsonish": '{"a": null}',
}


def test_tags_are_kept_to_the_letter(database: Database, tmp_path: Path) -> None:
    tags = ",".join(f"{escape(key)}={escape(value)}" for key, value in TAGS.items())
    load(database, write(tmp_path / "a.opl", f"n1 v1 T{tags} x9 y47"))
    assert rows(database, "SELECT tags FROM osm.feature") == [(TAGS,)]


def test_left_out_objects_are_counted_by_reason(
    database: Database, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "a.opl",
        *CORNERS,
        "n5 v1 Tnatural=tree x9.05 y95.0",
        "n6 v1 Tnatural=tree x200.0 y47.0",
        "n7 v1 Tcreated_by=JOSM,source:geometry=survey x9.5 y47.5",
        "n8 v1 x9.1 y47.0",
        "n9 v1 x9.2 y47.0",
        "n10 v1 Ttiger:cfcc=A41,fixme=x x9.5 y47.5",
        "w1 v1 Thighway=path Nn1,n99",  # one point
        "w2 v1 Thighway=path Nn2,n8",  # two nodes in one place
        "w3 v1 Thighway=path Nn1,n99,n2",  # a short cut past a missing node
        "w4 v1 Tbuilding=yes Nn1,n2,n99,n4,n1",
        "w5 v1 Tbuilding=yes Nn1,n2,n9,n1",  # all on one line
        "w6 v1 Tbuilding=yes Nn1,n3,n2,n4,n1",  # crosses itself
        "w7 v1 Tlanduse=x Nn1,n2,n3",
        "w8 v1 Nn3,n4,n1",
        "w9 v1 Tarea=yes Nn1,n2,n3,n1",
        "w10 v1 Thighway=path N",
        "r1 v1 Ttype=multipolygon,landuse=x Mw7@outer,w8@outer,w99@inner",
        "r2 v1 Ttype=multipolygon,landuse=x Mw7@outer",  # not closed
        "r3 v1 Ttype=route,ref=1 Mw7@",
        "r4 v1 Ttype=multipolygon Mw7@outer,w8@outer",
        "r5 v1 Tname=x Mw7@",
    )
    result = load(database, path)
    assert kinds(database) == {"W7": "w"}
    assert result.left_out == {
        "no tags": 7,
        "no valid geometry": 6,
        "no descriptive tag": 4,
        "location outside the world": 2,
        "nodes missing from the file": 2,
        "relation type without geometry": 2,
        "members missing from the file": 1,
    }
    n_read = result.n_nodes + result.n_ways + result.n_relations
    assert n_read == result.n_features + sum(result.left_out.values()) == 25


def test_repeated_points_are_not_taken_for_missing_ones(
    database: Database, tmp_path: Path
) -> None:
    line = "w1 v1 Thighway=path Nn1,n2,n8,n3"
    load(database, write(tmp_path / "a.opl", *CORNERS, "n8 v1 x9.1 y47.0", line))
    assert kinds(database) == {"W1": "w"}


XML = """<?xml version="1.0"?><osm version="0.6" generator="hand">
<node id="1" version="2" timestamp="2020-01-01T00:00:00Z" lat="47" lon="9">
<tag k="natural" v="tree"/></node></osm>"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.osm", XML.encode()),
        ("a.osm.gz", gzip.compress(XML.encode())),
        ("a.osm.bz2", bz2.compress(XML.encode())),
        ("a.opl", b"n1 v2 t2020-01-01T00:00:00Z Tnatural=tree x9 y47\n"),
    ],
)
def test_every_format_gives_the_same(
    database: Database, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert load(database, path).extract == "a"
    assert rows(
        database, "SELECT osm_id, tags, version, ST_AsText(geom) FROM osm.feature"
    ) == [(1, {"natural": "tree"}, 2, "POINT(9 47)")]


BAD_FILES = {
    "empty": ("a.osm.pbf", b"", "is empty: download it again"),
    "text named pbf": ("a.osm.pbf", b"hello, I am a text", "is not a PBF file"),
    "a few bytes": ("a.pbf", b"\x00\x00", "is cut short"),
    "zeros": ("a.pbf", bytes(1000), "is not a PBF file"),
    "other suffix": ("a.txt", b"hello", r"its name must end in one of .*\.osm\.pbf"),
    "text named osm": ("a.osm", b"hello", "damaged, cut short, or not what its name"),
    "text named opl": ("a.opl", b"hello\n", "damaged, cut short, or not what its"),
    "text named gz": ("a.osm.gz", b"hello", "damaged, cut short, or not what its"),
    "cut gz": ("a.osm.gz", gzip.compress(XML.encode())[:-20], "cut short"),
    "cut bz2": ("a.osm.bz2", bz2.compress(XML.encode())[:-20], "cut short"),
    "cut xml": ("a.osm", XML.encode()[:-20], "XML parsing error at line 3"),
    "entities": (
        "a.osm",
        b'<!DOCTYPE a [<!ENTITY x "y">]><osm version="0.6"/>',
        "XML entities are not supported",
    ),
    "not a number": ("a.osm", XML.replace('"9"', '"NaN"').encode(), "'NaN'"),
    "no objects": ("a.opl", b"\n", "holds no OSM objects"),
    "twice": ("a.opl", opl("n1 v1 x1 y1", "n1 v2 x1 y1"), "appears more than once"),
    "negative": ("a.opl", opl("n-1 v1 x1 y1"), "osmium renumber"),
    "deleted": ("a.opl", opl("n1 v2 dD"), "osmium time-filter"),
    "5,000 characters": (
        "a.opl",
        opl(f"n1 v1 Tname={'x' * 5000} x1 y1"),
        "tag value is too long.\n.*1,024 bytes.*shorten the tag",
    ),
    "long key": ("a.opl", opl(f"n1 v1 T{'x' * 5000}=y x1 y1"), "tag key is too long"),
    "not UTF-8": ("a.opl", b"n1 v1 Tname=\xff\xfe x1 y1\n", "not text in UTF-8"),
}


def test_bad_files_are_refused_and_change_nothing(
    database: Database, tmp_path: Path
) -> None:
    load(database, write(tmp_path / "good.opl", "n1 Tnatural=tree x9 y47"), name="a")
    for name, content, message in BAD_FILES.values():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UsageError, match=message):
            load(database, path, name="a")
    assert kinds(database) == {"N1": "n"}
    assert rows(database, "SELECT FROM pg_namespace WHERE nspname ~ '^osm_load'") == []
    statuses = "SELECT DISTINCT status FROM skyscript.osm_import ORDER BY 1"
    assert rows(database, statuses) == [("failed",), ("loaded",)]


def test_missing_file_and_folder_are_refused(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"no file .*check its name"):
        load(database, tmp_path / "none.osm.pbf")
    (tmp_path / "folder.osm").mkdir()
    with pytest.raises(UsageError, match=r"cannot read .*Is a directory"):
        load(database, tmp_path / "folder.osm")


@pytest.mark.real_data
def test_pbf_cut_anywhere_is_refused(
    database: Database, tmp_path: Path, real_data: Path
) -> None:
    content = (real_data / "osm/finland_rural_2019.osm.pbf").read_bytes()
    n_bytes = len(content)
    path = tmp_path / "cut.osm.pbf"
    for end in (2, 10, *range(n_bytes // 10, n_bytes, n_bytes // 10), n_bytes - 1):
        path.write_bytes(content[:end])
        with pytest.raises(UsageError, match=f"cut short: it ends at byte {end}"):
            load(database, path)
    path.write_bytes(content + b"\x00\x00")
    with pytest.raises(UsageError, match=f"blob that begins at byte {n_bytes}"):
        load(database, path)
    path.write_bytes(content[:20_000] + content[20_100:])
    with pytest.raises(UsageError, match=r"damaged|cut short"):
        load(database, path)
    assert rows(database, "SELECT FROM osm.feature") == []


REAL = {
    "osm/liechtenstein_2022.osm.pbf": {
        "n_nodes": 306_700,
        "n_ways": 32_585,
        "n_relations": 890,
        "n_features": 48_939,
        "left_out": {
            "no tags": 290_530,
            "relation type without geometry": 629,
            "no descriptive tag": 46,
            "members missing from the file": 31,
        },
        "data_at": datetime(2022, 7, 24, 20, 21, 51, tzinfo=UTC),
    },
    "osm/krems_2013.osm.gz": {
        "n_nodes": 15_042,
        "n_ways": 2_402,
        "n_relations": 73,
        "n_features": 2_935,
        "left_out": {
            "no tags": 14_497,
            "relation type without geometry": 40,
            "no descriptive tag": 36,
            "members missing from the file": 9,
        },
        "data_at": datetime(2013, 12, 16, 20, 39, 13, tzinfo=UTC),
    },
    "pairs/banepa_osm.osm.pbf": {
        "n_nodes": 7_626,
        "n_ways": 1_466,
        "n_relations": 0,
        "n_features": 1_466,
        "left_out": {"no tags": 7_626},
        "data_at": None,
    },
}


@pytest.mark.real_data
@pytest.mark.parametrize("file", REAL)
def test_real_extracts_reconcile(
    database: Database, real_data: Path, file: str
) -> None:
    result = load(database, real_data / file)
    assert {name: getattr(result, name) for name in REAL[file]} == REAL[file]
    n_read = result.n_nodes + result.n_ways + result.n_relations
    assert n_read == result.n_features + sum(result.left_out.values())
    assert rows(
        database,
        """SELECT count(*), count(*) FILTER (WHERE ST_IsEmpty(geom)
               OR kind = 'a' AND ST_Area(geom) = 0
               OR kind <> CASE ST_Dimension(geom)
                   WHEN 0 THEN 'n' WHEN 1 THEN 'w' ELSE 'a' END)
           FROM osm.feature""",
    ) == [(result.n_features, 0)]
