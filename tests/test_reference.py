"""The reference tables, read as files: the labels of tags and the caption rules."""

from __future__ import annotations

import csv
import gzip
import html
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from sklearn.metrics import cohen_kappa_score

from skyscript_db.paths import DB
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLASSES = ("0.1", "0.2", "0.6", "1", "10")
NOT_GROUNDABLE = ""
XML_TAG = re.compile(r"""<tag k=(["'])(.*?)\1 v=(["'])(.*?)\3""")


def read(table: str) -> list[list[str]]:
    with (DB / "reference" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


LABEL_HEADER, *LABELS = read("tag_label")
RULE_HEADER, *RULES = read("caption_rule")
MAX_GSD_M = {(key, value): max_gsd_m for key, value, max_gsd_m, _ in LABELS}
_, *TAG_RULES = read("tag_rule")
RULE = {key: dict(zip(RULE_HEADER, [key, *rest], strict=True)) for key, *rest in RULES}


def is_decided(key: str, value: str) -> bool:
    is_labelled = (key, value) in MAX_GSD_M or (key, "*") in MAX_GSD_M
    return is_labelled or rule_of(key, value) is not None


def rule_of(key: str, value: str) -> tuple[str, str] | None:
    """Return kind and largest GSD of the rule that decides a tag, as SQL would."""
    for _, kind, of_key, of_value, max_gsd_m, _ in TAG_RULES:
        if re.search(of_key, key) and re.search(of_value, value):
            return kind, max_gsd_m
    return None


def test_what_hides_a_feature_is_not_seen_itself():
    _, *hiding = read("hiding_tag")
    assert [tag for *tag, _, _ in hiding if MAX_GSD_M.get(tuple(tag))] == []


def test_labels_have_the_header_that_the_database_copies():
    assert LABEL_HEADER == ["key", "value", "max_gsd_m", "reason"]


def test_labels_are_sorted_and_unique():
    tags = [(key, value) for key, value, _, _ in LABELS]
    assert tags == sorted(set(tags))


def test_no_field_is_padded_or_broken_over_lines():
    for row in [*LABELS, *RULES]:
        assert all(field == " ".join(field.split()) for field in row), row


def test_every_label_has_a_class_and_a_reason():
    for key, value, max_gsd_m, reason in LABELS:
        assert key, (key, value)
        assert value, (key, value)
        assert max_gsd_m in {*CLASSES, NOT_GROUNDABLE}, (key, value)
        assert 3 <= len(reason.split()) <= 10, (key, value, reason)


def test_every_class_is_used():
    used = Counter(MAX_GSD_M.values())
    assert min(used[name] for name in [*CLASSES, NOT_GROUNDABLE]) >= 25


def test_at_least_450_tags_are_listed_one_by_one():
    assert sum(value != "*" for _, value in MAX_GSD_M) >= 450


def test_what_is_not_there_cannot_be_seen():
    denied = {tag for tag in MAX_GSD_M if tag[1].lower() in {"no", "none"}}
    assert len(denied) >= 20
    assert {MAX_GSD_M[tag] for tag in denied} == {NOT_GROUNDABLE}


def test_a_whole_key_is_never_groundable_unseen():
    whole_keys = [max_gsd_m for tag, max_gsd_m in MAX_GSD_M.items() if tag[1] == "*"]
    assert set(whole_keys) == {NOT_GROUNDABLE}


@pytest.mark.parametrize(
    ("tag", "max_gsd_m"),
    [
        ("building=yes", "1"),
        ("building=house", "0.6"),
        ("highway=motorway", "10"),
        ("highway=residential", "1"),
        ("highway=footway", "0.6"),
        ("highway=street_lamp", "0.1"),
        ("natural=tree", "0.6"),
        ("natural=water", "10"),
        ("landuse=forest", "10"),
        ("leisure=pitch", "1"),
        ("sport=tennis", "0.6"),
        ("amenity=fountain", "0.2"),
        ("power=pole", "0.2"),
        ("roof:shape=gabled", "0.2"),
        ("surface=asphalt", "0.6"),
        ("bridge=yes", "1"),
    ],
)
def test_a_tag_that_can_be_seen(tag: str, max_gsd_m: str):
    key, value = tag.split("=")
    assert MAX_GSD_M[key, value] == max_gsd_m


@pytest.mark.parametrize(
    "tag",
    [
        "amenity=bench",
        "amenity=post_box",
        "amenity=pharmacy",
        "barrier=bollard",
        "highway=stop",
        "boundary=*",
        "building:levels=*",
        "layer=*",
        "maxspeed=*",
        "oneway=*",
        "shop=*",
        "tunnel=*",
    ],
)
def test_a_tag_that_nobody_can_see(tag: str):
    key, value = tag.split("=")
    assert MAX_GSD_M[key, value] == NOT_GROUNDABLE


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("name=Town Hall", "name"),
        ("name:zh-Hans=x", "name"),
        ("old_name_2=x", "name"),
        ("amenity=Pub Zum Adler", "name"),
        ("natural:odd=b\u00e4ume", "name"),
        ("addr:street=Main Street", "address"),
        ("contact:phone=x", "address"),
        ("phone_2=+423 123 45 67", "address"),
        ("foo=+423 123 45 67", "phone"),
        ("foo=https://example.org/", "url"),
        ("foo=Q42", "identifier"),
        ("brand:wikidata=Q42", "identifier"),
        ("ref=A 1", "identifier"),
        ("gnis:feature_id=1", "identifier"),
        ("foo=2019-04-21", "date"),
        ("start_date=1867", "date"),
        ("opening_hours=24/7", "opening hours"),
        ("foo=Mo-Fr 08:00-12:00", "opening hours"),
        ("height=12.5 m", "number"),
        ("foo=10;20", "number"),
        ("roof:colour=#45A12B", "code"),
        ("description=x", "remark"),
        ("source=Bing", "remark"),
        ("foo=one two three four five six", "free text"),
        ("bridge=no", "absence"),
        ("disused:shop=kiosk", "gone"),
        ("payment:cash=yes", "service"),
        ("bicycle:conditional=x", "opening hours"),
        ("maxspeed:forward=x", "law"),
        ("amenity=parkingparking=street_side", "broken"),
    ],
)
def test_the_form_of_a_tag_that_nobody_can_see(tag: str, kind: str):
    key, _, value = tag.partition("=")
    assert rule_of(key, value) == (kind, NOT_GROUNDABLE)


def test_lanes_and_tracks_are_numbers_that_can_be_seen():
    assert rule_of("lanes", "10") == ("visible number", "0.2")
    assert rule_of("tracks", "2") == ("visible number", "0.6")
    assert rule_of("building:levels", "3") == ("number", NOT_GROUNDABLE)


@pytest.mark.parametrize(
    "tag",
    [
        "building=apartments",
        "historic=castle",
        "generator:source=solar",
        "man_made=survey_point",
        "bus_bay=right",
        "surface=paving_stones:30",
        "bridge:structure=suspension",
        "sport=tennis;basketball",
        "highway=unclassified",
    ],
)
def test_words_are_left_to_labels_and_the_classifier(tag: str):
    key, _, value = tag.partition("=")
    assert rule_of(key, value) is None


def test_rules_are_ranked_and_say_why():
    ranks = [int(rank) for rank, *_ in TAG_RULES]
    assert ranks == sorted(set(ranks))
    for _, kind, of_key, of_value, max_gsd_m, reason in TAG_RULES:
        assert kind
        assert of_key or of_value
        assert max_gsd_m in {*CLASSES, NOT_GROUNDABLE}
        assert 3 <= len(reason.split()) <= 10, reason


def test_rules_agree_with_the_labels_that_they_would_overlook():
    differing = {
        f"{key}={value}"
        for (key, value), max_gsd_m in MAX_GSD_M.items()
        if value != "*"
        and (found := rule_of(key, value)) is not None
        and found[1] != max_gsd_m
    }
    # A label beats a rule: these still show, whatever their form says.
    assert differing == {
        "abandoned:aeroway=runway",
        "construction:building=yes",
        "construction:highway=motorway",
        "crossing_ref=zebra",
        "disused:railway=rail",
        "railway=disused",
        "sport=pesäpallo",
        "turn:lanes=left|through|right",
        "turn:lanes=through|right",
    }


def test_no_whole_key_is_labelled_that_a_rule_decides():
    whole = [key for key, value in MAX_GSD_M if value == "*"]
    assert not [key for key in whole if rule_of(key, "some_value")]


def test_rules_have_the_header_that_the_database_copies():
    assert [
        *("key", "role", "rank", "word", "form", "plural", "counted", "is_generic"),
    ] == RULE_HEADER


def test_every_key_that_can_be_seen_has_one_rule():
    keys = [key for key, *_ in RULES]
    seen = {key for (key, _), max_gsd_m in MAX_GSD_M.items() if max_gsd_m}
    # The released captions tell these two, which nobody can see.
    assert Counter(keys) == Counter(seen | {"cables", "voltage"})


def test_ranks_are_unique_and_ascending():
    ranks = [int(rule["rank"]) for rule in RULE.values()]
    assert ranks == sorted(set(ranks))


def test_primary_tags_are_told_before_attributes():
    roles = [rule["role"] for rule in RULE.values()]
    n_primary = roles.count("primary")
    assert 0 < n_primary < len(roles)
    assert roles == ["primary"] * n_primary + ["attribute"] * (len(roles) - n_primary)


@pytest.mark.parametrize("key", ["sport", "bridge", "water", "surface", "roof:shape"])
def test_how_an_object_is_does_not_say_what_it_is(key: str):
    assert RULE[key]["role"] == "attribute"


@pytest.mark.parametrize("key", ["building", "highway", "natural", "power", "place"])
def test_what_an_object_is(key: str):
    assert RULE[key]["role"] == "primary"


def test_a_key_reads_as_it_is_written_but_for_roads():
    words = {key: key.replace("_", " ").replace(":", " ") for key in RULE}
    words["highway"] = "road"
    assert {key: rule["word"] for key, rule in RULE.items()} == words


def test_four_keys_come_straight_before_their_value():
    forms = {key: rule["form"] for key, rule in RULE.items()}
    assert set(forms.values()) == {"key of value", "key value"}
    assert {key for key, form in forms.items() if form == "key value"} == {
        "golf",
        "man_made",
        "natural",
        "power",
    }


def test_only_what_can_be_counted_has_a_plural():
    for rule in RULE.values():
        is_counted = rule["counted"] != "-"
        assert re.fullmatch("-|n?w?a?", rule["counted"]), rule
        assert rule["counted"], rule
        assert rule["role"] == "primary" or not is_counted, rule
        takes_plural = is_counted and rule["form"] == "key of value"
        assert bool(rule["plural"]) == takes_plural, rule


@pytest.mark.parametrize(
    "keys",
    [
        ["landuse", "resource"],
        ["landuse", "crop"],
        ["power", "cables", "voltage"],
        ["building", "amenity", "roof:shape"],
        ["highway", "bridge", "surface", "lanes"],
        ["leisure", "sport", "surface"],
        ["natural", "water"],
    ],
)
def test_tags_of_one_object_are_told_in_this_order(keys: list[str]):
    assert sorted(keys, key=lambda key: int(RULE[key]["rank"])) == keys


@pytest.mark.real_data
def test_the_frequent_tags_of_a_real_town_are_decided(real_data: Path):
    path = real_data / "osm" / "krems_2013.osm.gz"
    if not path.is_file():
        pytest.skip(f"real data absent: no file {path}")
    counts = Counter(_tags(path))
    assert counts.total() == 9525
    assert not [tag for tag, n in counts.items() if n >= 20 and not is_decided(*tag)]
    n_decided = sum(n for tag, n in counts.items() if is_decided(*tag))
    assert n_decided >= 0.99 * counts.total()


def _tags(path: Path) -> Iterator[tuple[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for _, key, _, value in XML_TAG.findall(file.read()):
            yield html.unescape(key), html.unescape(value)


# --- the votes behind the labels ------------------------------------------------------

VOTE_HEADER, *VOTES = read("tag_vote")
VOTE = {(key, value, rater): max_gsd_m for key, value, rater, max_gsd_m, _ in VOTES}
TAGS = sorted({(key, value) for key, value, *_ in VOTES})


def settled(key: str, value: str) -> str:
    """Return what both raters say, or the one who settles what they differ in."""
    one, two = VOTE[key, value, "a"], VOTE[key, value, "b"]
    return one if one == two else VOTE[key, value, "c"]


def test_votes_have_the_header_that_the_database_copies():
    assert VOTE_HEADER == ["key", "value", "rater", "max_gsd_m", "reason"]


def test_every_tag_has_two_votes_and_a_third_only_where_they_differ():
    for tag in TAGS:
        differ = VOTE[*tag, "a"] != VOTE[*tag, "b"]
        assert ((*tag, "c") in VOTE) == differ, tag


# Labels that the guide settles otherwise than the votes did, or without any; the data
# card has the reasons.
SETTLED_ANEW = {
    **{("lanes", str(n)): "0.2" for n in (3, 4, 5, 6, 7, 8, 10, 12)},
    ("crossing", "uncontrolled"): NOT_GROUNDABLE,
    ("crossing_ref", "zebra"): "0.2",
    ("landuse", "farmy"): NOT_GROUNDABLE,
    ("landuse", "retail"): NOT_GROUNDABLE,
    ("tracktype", "grade5"): "0.2",
}


def test_at_least_2500_tags_were_voted_on_and_each_label_follows():
    assert len(TAGS) >= 2500
    labels = {tag: gsd for tag, gsd in MAX_GSD_M.items() if tag[1] != "*"}
    voted = {tag: settled(*tag) for tag in TAGS}
    assert {tag for tag in SETTLED_ANEW if voted.get(tag) == SETTLED_ANEW[tag]} == set()
    assert labels == voted | SETTLED_ANEW


def test_the_data_card_tells_each_label_that_was_settled_anew():
    page = (ROOT / "docs" / "tag-labels.md").read_text(encoding="utf-8")
    for key, value in SETTLED_ANEW:
        assert f"`{key}={'...' if key == 'lanes' else value}`" in page, (key, value)


def test_the_raters_agree_as_the_data_card_says():
    seen = [[bool(VOTE[*tag, rater]) for tag in TAGS] for rater in "ab"]
    order = ["", *CLASSES]
    rank = [[order.index(VOTE[*tag, rater]) for tag in TAGS] for rater in "ab"]
    assert cohen_kappa_score(*seen) == pytest.approx(0.833, abs=0.0005)
    weighted = cohen_kappa_score(*rank, weights="quadratic")
    assert weighted == pytest.approx(0.848, abs=0.0005)
