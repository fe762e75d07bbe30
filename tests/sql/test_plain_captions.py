"""Plain English by rule: nouns, articles, where things lie, whole sentences."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.sql.test_captions import judged, one  # noqa: F401 - a fixture


@pytest.mark.parametrize(
    ("tags", "kind", "words"),
    [
        ({"leisure": "pitch", "sport": "tennis"}, "a", "a tennis court"),
        ({"landuse": "quarry", "resource": "bauxite"}, "a", "a bauxite quarry"),
        ({"landuse": "farmland", "crop": "cotton"}, "a", "a cotton field"),
        ({"highway": "footway", "footway": "sidewalk"}, "w", "a sidewalk"),
        (
            {"highway": "footway", "footway": "sidewalk", "surface": "paving_stones"},
            "w",
            "a paved sidewalk",
        ),
        (
            {"highway": "residential", "sidewalk": "both"},
            "w",
            "a residential street with sidewalks on both sides",
        ),
        ({"barrier": "block"}, "n", "a barrier block"),
        (
            {"highway": "primary", "lanes": "2", "surface": "asphalt", "bridge": "yes"},
            "w",
            "a two-lane asphalt main road on a bridge",
        ),
        (
            {"building": "yes", "roof:shape": "gabled", "roof:colour": "red"},
            "a",
            "a building with a red gabled roof",
        ),
        ({"building": "industrial"}, "a", "an industrial building"),
        ({"building": "yes", "amenity": "university"}, "a", "a university"),
        ({"landuse": "grass"}, "a", "grass"),
        ({"power": "generator", "generator:source": "wind"}, "n", "a wind turbine"),
        ({"natural": "water", "water": "pond"}, "a", "a pond"),
        ({"man_made": "odd_thing;other"}, "n", "an odd thing"),
    ],
)
def test_a_feature_alone(conn, tags, kind, words):
    told = one(
        conn, "t.alone FROM skyscript.plain_texts(%s, %s, NULL) AS t", Jsonb(tags), kind
    )
    assert told == words


@pytest.mark.parametrize(
    ("noun", "article"),
    [
        ("apple", "an"),
        ("university", "a"),
        ("unpaved road", "an"),
        ("unit", "a"),
        ("one-way street", "a"),
        ("onion dome", "an"),
        ("hour", "an"),
        ("utility pole", "a"),
        ("European garden", "a"),
        ("school", "a"),
        ("underpass", "an"),
    ],
)
def test_the_article_goes_by_the_sound(conn, noun, article):
    assert one(conn, "skyscript.article(%s)", noun) == article


SQUARE = "ST_MakeEnvelope(40, 40, 60, 60)"


@pytest.mark.parametrize(
    ("part", "kind", "lies"),
    [
        ("ST_MakeEnvelope(0, 0, 100, 100)", "a", ("around", None, 0)),
        ("ST_MakeEnvelope(45, 45, 50, 50)", "a", ("inside", None, 0)),
        ("ST_MakePoint(50, 50)", "n", ("inside", None, 0)),
        ("ST_MakeEnvelope(65, 40, 90, 60)", "a", ("beside", "east", 5)),
        ("ST_MakeEnvelope(40, 80, 60, 90)", "a", ("near", "north", 20)),
        ("ST_MakeEnvelope(0, 0, 10, 10)", "a", ("near", "south-west", 42.4)),
        ("ST_MakePoint(50, 0)", "n", ("near", "south", 40)),
        ("ST_GeomFromText('LINESTRING(0 36, 100 36)')", "w", ("along", "south", 4)),
        ("ST_GeomFromText('LINESTRING(64 0, 64 99)')", "w", ("along", "east", 4)),
        ("ST_GeomFromText('LINESTRING(0 50, 100 50)')", "w", ("across", None, 0)),
        ("ST_GeomFromText('LINESTRING(48 48, 52 52)')", "w", ("inside", None, 0)),
        ("ST_GeomFromText('LINESTRING(0 90, 100 90)')", "w", ("near", "north", 30)),
    ],
)
def test_how_features_lie_to_an_area(conn, part, kind, lies):
    relation, direction, px = conn.execute(
        f"SELECT * FROM skyscript.lies({SQUARE}, 'a', {part}, %s, 10)", [kind]
    ).fetchone()
    assert (relation, direction) == lies[:2]
    assert px == pytest.approx(lies[2], abs=0.1)


@pytest.mark.parametrize(
    ("part", "relation"),
    [
        ("LINESTRING(50 0, 50 100)", "across"),
        ("LINESTRING(100 50, 150 50)", "meeting"),
        ("LINESTRING(0 55, 100 55)", "along"),
        ("LINESTRING(0 90, 100 90)", "near"),
    ],
)
def test_how_lines_lie_to_a_line(conn, part, relation):
    told = one(
        conn,
        "relation FROM skyscript.lies('LINESTRING(0 50, 100 50)'::geometry, 'w',"
        " %s::geometry, 'w', 10)",
        part,
    )
    assert told == relation


NEIGHBOURS = [
    ("a car park", "car parks", "on", "beside", "east", 2, 0.1),
    ("a tennis court", "tennis courts", "on", "near", "north", 2, 0.05),
    ("a residential street", None, "on", "along", "south", 1, 0.3),
    ("a park", "parks", "in", "around", None, 2, 1.0),
]


def sentence(
    conn,
    rows,
    *,
    head: str = "a football pitch",
    kind: str = "a",
    most: int = 9,
    room: int = 70,
    spatial: bool = True,
) -> str:
    columns = list(zip(*rows, strict=True))
    ones, manys, prepositions, relations, directions, rarities, shares = columns
    n = len(ones)
    return conn.execute(
        "SELECT skyscript.sentence(concat(%s::text, words))"
        " FROM (VALUES (1)) AS one LEFT JOIN skyscript.plain_surroundings("
        "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON true",
        (
            head,
            *([1] * n, [head] * n, [kind] * n, ["on"] * n, [room] * n),
            *(list(ones), list(manys), list(prepositions), list(relations)),
            *(list(directions), [4] * n, list(rarities), list(shares)),
            *([2 if one == "a tennis court" else 1 for one in ones], most, spatial),
        ),
    ).fetchone()[0]


def test_a_whole_sentence(conn):
    assert sentence(conn, NEIGHBOURS) == (
        "A football pitch in a park beside a car park, with a residential street along"
        " its southern edge and two tennis courts to the north."
    )


def test_without_spatial_words(conn):
    assert sentence(conn, NEIGHBOURS, spatial=False) == (
        "A football pitch, with a park, a car park, a residential street and two tennis"
        " courts nearby."
    )


def test_no_more_neighbours_than_asked_for_and_the_most_salient(conn):
    assert sentence(conn, NEIGHBOURS, most=2) == (
        "A football pitch in a park beside a car park."
    )
    assert sentence(conn, NEIGHBOURS, room=8) == "A football pitch in a park."
    assert sentence(conn, NEIGHBOURS, room=0) == "A football pitch."


def test_between_two_things_on_opposite_sides(conn):
    rows = [
        ("a road", None, "on", "along", "north", 1, 0.2),
        ("a river", None, "in", "along", "south", 2, 0.2),
        ("a football pitch", "football pitches", "on", "near", "east", 2, 0.1),
    ]
    assert sentence(conn, rows) == (
        "A football pitch between a river and a road, with another football pitch to"
        " the east."
    )
    assert sentence(conn, rows, most=1) == "A football pitch beside a river."


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [
                ("a barrier block", None, "in", "beside", None, 1, 0.1),
                ("a sidewalk", None, "in", "along", None, 2, 0.2),
            ],
            "A path beside a barrier block and along a sidewalk.",
        ),
        (
            [
                ("a park", None, "in", "around", None, 2, 1.0),
                ("a sidewalk", None, "in", "along", None, 2, 0.2),
            ],
            "A path in a park along a sidewalk.",
        ),
    ],
)
def test_a_line_lies_beside_one_thing_and_along_another(conn, rows, words):
    assert sentence(conn, rows, head="a path", kind="w") == words


def test_every_primary_key_has_a_noun(conn):
    missing = conn.execute(
        "SELECT r.key FROM skyscript.caption_rule AS r WHERE r.role = 'primary' AND NOT"
        " EXISTS (SELECT FROM skyscript.noun(r.key, 'anything'))"
    ).fetchall()
    assert missing == []


def test_every_word_of_the_vocabulary_is_of_a_tag_that_can_be_seen(conn):
    known = conn.execute(
        "SELECT w.key, w.value FROM skyscript.caption_word AS w WHERE w.value <> '*'"
        " AND w.place <> 'noun' AND NOT EXISTS (SELECT FROM skyscript.caption_rule AS r"
        " WHERE r.key = w.key AND r.role = 'attribute')"
    ).fetchall()
    assert known == []


def test_chips_told_together_are_told_as_they_are_alone(conn):
    chips, heads, kinds = [1, 2, 1, 2], ["a pond", "a road"] * 2, ["a", "w"] * 2
    told = conn.execute(
        "SELECT chip_id, words FROM skyscript.plain_surroundings("
        "%s, %s, %s, ARRAY['in', 'on', 'in', 'on'], ARRAY[70, 70, 70, 70],"
        " ARRAY['a park', 'a river', 'a tree', 'a tree'],"
        " ARRAY[NULL, NULL, 'trees', 'trees'], ARRAY['in', 'in', 'at', 'at'],"
        " ARRAY['around', 'across', 'near', 'near'],"
        " ARRAY[NULL, NULL, 'north', 'south'], ARRAY[3, 3, 3, 3], ARRAY[2, 2, 1, 1],"
        " ARRAY[1, 0.2, 0.1, 0.1], ARRAY[1, 1, 3, 1], 5, true) ORDER BY chip_id",
        (chips, heads, kinds),
    ).fetchall()
    assert told == [
        (1, " in a park, with three trees to the north"),
        (2, ", crossed by a river, with a tree to the south"),
    ]


@pytest.mark.parametrize(
    ("head", "words", "told"),
    [
        ("a barn", " beside a road", "a barn beside a road"),
        (
            "a barn with a flat roof",
            " beside a road",
            "a barn with a flat roof, beside a road",
        ),
        (
            "a barn with a flat roof",
            " on farmland beside a road",
            "a barn with a flat roof on farmland beside a road",
        ),
        ("a barn with a flat roof", None, "a barn with a flat roof"),
    ],
)
def test_it_is_not_the_roof_that_lies_beside_a_road(conn, head, words, told):
    said = conn.execute("SELECT skyscript.surrounded(%s, %s)", (head, words)).fetchone()
    assert said == (told,)
