"""The caption grammar: every function of it, by small rows."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

# SkyScript's own examples, told from all tags, and at no GSD in particular.
SKYSCRIPT_FOCUS = [
    (
        {"landuse": "quarry", "resource": "bauxite"},
        "landuse of quarry, resource of bauxite",
    ),
    ({"amenity": "fountain"}, "amenity of fountain"),
    ({"power": "pole"}, "power pole"),
    ({"landuse": "farmland", "crop": "cotton"}, "landuse of farmland, crop of cotton"),
]
SKYSCRIPT_PHRASES = [
    (
        {"landuse": "quarry", "resource": "bauxite"},
        "landuse of quarry with resource of bauxite",
    ),
    (
        {"landuse": "farmland", "crop": "cotton"},
        "landuse of farmland with crop of cotton",
    ),
    ({"natural": "tree"}, "natural tree"),
    ({"highway": "footway"}, "road of footway"),
    (
        {"power": "line", "cables": "3", "voltage": "16000"},
        "power line with cables of 3 and voltage of 16000",
    ),
]


@pytest.fixture
def judged(conn):
    """Return a function that gives tags their labels, as ground_tags would."""

    def judge(*pairs: tuple[str, str], **overrides: float) -> None:
        for key, value in pairs:
            conn.execute(
                "INSERT INTO skyscript.tag (key, value, text, n_features)"
                " VALUES (%s, %s, skyscript.tag_text(%s, %s), 1)",
                (key, value, key, value),
            )
        from skyscript_db.jobs import ground_tags

        conn.execute(ground_tags.SQL.upsert_verdicts, {"limit": None})

    return judge


def one(conn, statement: str, *values: object) -> object:
    return conn.execute(f"SELECT {statement}", values).fetchone()[0]


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("building", "yes", "building"),
        ("building", "church", "building of church"),
        ("highway", "footway", "road of footway"),
        ("power", "pole", "power pole"),
        ("man_made", "storage_tank", "man made storage tank"),
        ("natural", "tree", "natural tree"),
        ("golf", "bunker", "golf bunker"),
        ("roof:shape", "gabled", "roof shape of gabled"),
        ("no_such:key", "some_value", "no such key of some value"),
    ],
)
def test_tag_text(conn, key, value, text):
    assert one(conn, "skyscript.tag_text(%s, %s)", key, value) == text


@pytest.mark.parametrize(("tags", "caption"), SKYSCRIPT_FOCUS)
def test_focus_captions_read_as_skyscripts(conn, tags, caption):
    told = conn.execute(
        "SELECT alone FROM skyscript.feature_texts(%s, 'a', NULL)", [Jsonb(tags)]
    ).fetchone()
    assert told == (caption,)


@pytest.mark.parametrize(("tags", "phrase"), SKYSCRIPT_PHRASES)
def test_feature_phrases_read_as_skyscripts(conn, tags, phrase):
    assert one(conn, "skyscript.feature_phrase(%s, NULL)", Jsonb(tags)) == phrase


def test_multi_caption_reads_as_skyscripts(conn):
    caption = one(
        conn,
        "skyscript.multi_caption('amenity of fountain',"
        " ARRAY['road of footway', 'natural tree'], ARRAY[NULL, NULL],"
        " ARRAY[3, 2], ARRAY[10, 20]::float8[], 70)",
    )
    assert caption == (
        "amenity of fountain, surrounded by natural tree; road of footway"
    )


def test_multi_caption_without_neighbours_is_the_head(conn):
    caption = one(
        conn, "skyscript.multi_caption('power pole', NULL, NULL, NULL, NULL, 70)"
    )
    assert caption == "power pole"


def test_a_neighbour_that_goes_on_as_the_head_is_not_told_again(conn):
    caption = one(
        conn,
        "skyscript.multi_caption('road of trunk', ARRAY['road of trunk', 'building',"
        " 'building'], ARRAY[NULL, 'buildings', 'buildings'], ARRAY[3, 2, 2],"
        " ARRAY[3, 2, 1]::float8[], 70)",
    )
    assert caption == "road of trunk, surrounded by two buildings"


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1, "building"),
        (2, "two buildings"),
        (3, "three buildings"),
        (4, "several buildings"),
        (9, "several buildings"),
        (10, "many buildings"),
        (500, "many buildings"),
    ],
)
def test_equal_neighbours_are_counted_in_words(conn, n, words):
    assert one(conn, "skyscript.counted('building', 'buildings', %s)", n) == words
    assert one(conn, "skyscript.counted('landuse of grass', NULL, %s)", n) == (
        "landuse of grass"
    )


def test_multi_caption_leaves_out_what_does_not_fit_the_smallest_first(conn):
    names = [f"road of {word}" for word in ("track", "path", "steps")]
    caption = one(
        conn,
        "skyscript.multi_caption('building', %s, ARRAY[NULL, NULL, NULL],"
        " ARRAY[3, 3, 3], ARRAY[1, 3, 2]::float8[], 11)",
        names,
    )
    assert caption == "building, surrounded by road of path; road of steps"


def test_a_tag_that_cannot_be_seen_is_not_told(conn, judged):
    judged(("building", "yes"), ("name", "Town Hall"), ("addr:street", "High Street"))
    tags = {"building": "yes", "name": "Town Hall", "addr:street": "High Street"}
    assert one(conn, "skyscript.feature_phrase(%s, 0.3)", Jsonb(tags)) == "building"


def test_an_attribute_is_not_told_without_its_primary_tag(conn, judged):
    judged(("surface", "asphalt"), ("highway", "residential"))
    tags = Jsonb({"highway": "residential", "surface": "asphalt"})
    assert one(conn, "skyscript.feature_phrase(%s, 0.5)", tags) == (
        "road of residential with surface of asphalt"
    )
    conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, reason)"
        " SELECT id, 'override', 'for the test' FROM skyscript.tag"
        " WHERE key = 'highway'"
    )
    assert one(conn, "skyscript.feature_phrase(%s, 0.5)", tags) is None


def test_the_gsd_decides_which_tags_are_told(conn, judged):
    judged(("building", "yes"), ("roof:shape", "gabled"))
    tags = Jsonb({"building": "yes", "roof:shape": "gabled"})
    assert one(conn, "skyscript.feature_phrase(%s, 0.1)", tags) == (
        "building with roof shape of gabled"
    )
    assert one(conn, "skyscript.feature_phrase(%s, 1)", tags) == "building"
    assert one(conn, "skyscript.feature_phrase(%s, 10)", tags) is None


def test_a_value_that_cannot_be_seen_leaves_the_word_of_its_key(conn, judged):
    judged(("building", "yes"), ("building", "office"), ("building", "ruins"))
    assert one(
        conn, "skyscript.feature_phrase(%s, 1)", Jsonb({"building": "office"})
    ) == ("building")
    ruins = Jsonb({"building": "ruins"})
    assert one(conn, "skyscript.feature_phrase(%s, 10)", ruins) is None


def test_an_override_beats_a_label(conn, judged):
    judged(("shop", "bakery"))
    assert one(conn, "skyscript.groundable('shop', 'bakery', 0.1)") is False
    conn.execute(
        "INSERT INTO skyscript.tag_groundability (tag_id, source, max_gsd_m, reason)"
        " SELECT id, 'override', 0.2, 'a loaf on the roof' FROM skyscript.tag"
    )
    assert one(conn, "skyscript.groundable('shop', 'bakery', 0.2)") is True
    assert one(conn, "skyscript.groundable('shop', 'bakery', 0.6)") is False


def test_a_tag_never_seen_is_not_groundable(conn):
    assert one(conn, "skyscript.groundable('no', 'such tag', 0.1)") is False


def test_captions_never_exceed_clips_tokens(conn):
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    labels = conn.execute(
        "SELECT skyscript.tag_text(key, value) FROM skyscript.tag_label"
        " WHERE is_groundable AND value <> '*'"
    ).fetchall()
    texts = [text for (text,) in labels]
    texts += ["3 lanes, 16000 volts; école №7 (two)", "a satellite image of 日本", ""]
    for text in texts:
        bound = one(conn, "skyscript.n_tokens(%s)", text)
        assert bound >= len(tokenizer.encode(text)), text
    # For the words that we ship, the bound is the count itself.
    assert one(conn, "skyscript.n_tokens(%s)", texts[0]) == len(
        tokenizer.encode(texts[0])
    )


def test_the_shipped_token_counts_are_the_tokenizers(conn):
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    rows = conn.execute("SELECT word, n_tokens FROM skyscript.word_tokens").fetchall()
    wrong = [word for word, n in rows if len(tokenizer.encode(word)) != n]
    assert wrong == [], "run db/reference/make_word_tokens.py"


def test_all_primary_tags_are_told_before_all_attributes(conn):
    last_primary, first_attribute = conn.execute(
        "SELECT max(rank) FILTER (WHERE role = 'primary'),"
        " min(rank) FILTER (WHERE role = 'attribute') FROM skyscript.caption_rule"
    ).fetchone()
    assert last_primary < first_attribute
