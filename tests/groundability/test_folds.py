from __future__ import annotations

from collections import Counter

from skyscript_db.groundability import folds

TAGS = [(f"key{i % 7}", f"value{i}") for i in range(100)]
CLASSES = [i % 4 == 0 for i in range(100)]


def test_plain_folds_spread_every_class_evenly():
    where = folds.plain(TAGS, CLASSES)
    counts = Counter(zip(where.tolist(), CLASSES, strict=True))
    assert counts == {
        (n, of): 5 if of else 15 for n in range(5) for of in (True, False)
    }


def test_grouped_folds_keep_the_tags_of_a_key_together():
    where = folds.grouped(TAGS, CLASSES)
    fold_of = {(key, fold) for (key, _), fold in zip(TAGS, where, strict=True)}
    assert len(fold_of) == 7
    assert sorted(Counter(where.tolist()).values()) == [14, 15, 15, 28, 28]


def test_folds_do_not_depend_on_the_order_of_tags():
    there = dict(zip(TAGS, folds.plain(TAGS, CLASSES), strict=True))
    back = folds.plain(TAGS[::-1], CLASSES[::-1])
    assert dict(zip(TAGS[::-1], back, strict=True)) == there


def test_another_deal_gives_other_folds():
    for kind in (folds.plain, folds.grouped):
        one, two = kind(TAGS, CLASSES), kind(TAGS, CLASSES, deal=1)
        assert one.tolist() != two.tolist()
        assert kind(TAGS, CLASSES, deal=1).tolist() == two.tolist()


def test_no_tag_is_trained_on_and_tested():
    seen = []
    for train, test in folds.splits(folds.plain(TAGS, CLASSES)):
        assert not set(train) & set(test)
        assert len(train) + len(test) == 100
        seen += test.tolist()
    assert sorted(seen) == list(range(100))
