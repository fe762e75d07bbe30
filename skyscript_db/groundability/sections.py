"""Sections of the evaluation's page: more labels, parts, who decides, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db.groundability import sources
from skyscript_db.groundability.findings import GROUPED, PLAIN
from skyscript_db.groundability.tables import table, three

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skyscript_db.groundability.findings import Report, Wrong
    from skyscript_db.groundability.metrics import Binary

WRONG = ("tag", "label", "verdict", "p", "features")


def curves(found: Report) -> str:
    """Return F1 of stage I by how many labels it learned from."""
    rows = []
    for kind in (PLAIN, GROUPED):
        for point in found.curves[kind]:
            spread = f"{point.lowest:.3f} - {point.highest:.3f}"
            cells = [kind, f"{point.share:.0%}", f"{point.n_labels:,}"]
            rows.append([*cells, three(point.f1), spread if point.share < 1 else ""])
    header = ["folds", "of the training labels", "labels", "F1", "draws"]
    return (
        "## Would more labels help?\n\n"
        "Stage I, learned from a part of the training folds. Of plain folds, single "
        "labels are left out; of those grouped by key, all labels of a key at once.\n\n"
        + table(header, rows)
        + _slope(found)
    )


def _slope(found: Report) -> str:
    gains = []
    for kind in (PLAIN, GROUPED):
        half, *_, whole = [x for x in found.curves[kind] if x.share >= 0.5]
        gains.append(f"{whole.f1 - half.f1:+.3f} {kind}")
    return f"\nFrom half of the labels to all: {', '.join(gains)}.\n"


def parts(found: Report) -> str:
    """Return stage I on parts of the labels."""
    told = [found.parts(kind) for kind in (PLAIN, GROUPED)]
    rows = [
        [name, f"{n:,}", *_cells(one), *_cells(two)]
        for (name, n, one), (_, _, two) in zip(*told, strict=True)
    ]
    measures = ["precision", "recall", "F1", "accuracy"]
    header = ["labels", "tags", *measures, *(f"{x}, grouped" for x in measures)]
    return (
        "## Where it is right\n\n"
        "Stage I on parts of the labels, learned from all. Where the raters differ, no "
        "answer is sure. F1 depends on how much of a part can be seen.\n\n"
        + table(header, rows)
    )


def _cells(told: Binary) -> list[str]:
    measured = (told.precision, told.recall, told.f1, told.accuracy)
    return [three(x) for x in measured]


def decided(found: Report) -> str:
    """Return who decides the tags of loaded features."""
    title = "## Who decides\n"
    total = sum(x.n_features for x in found.decided)
    if total == 0:
        return f"{title}\nNo feature is loaded: nothing to decide.\n"
    rows = [
        [
            *(x.source, f"{x.n_tags:,}", f"{x.n_features:,}"),
            *(f"{x.n_features / total:.3%}", f"{x.n_told:,}"),
        ]
        for x in found.decided
    ]
    header = ["source", "tags", "occurrences", "share", "of a tag that can be seen"]
    return (
        f"{title}\nWhose verdict counts, for the {total:,} tags that loaded features "
        "carry, as `ground_tags` left them. `label` speaks of the very tag, `wildcard` "
        "of its whole key, `nothing` awaits a verdict.\n\n"
        + table(header, rows)
        + _price(found, total)
    )


def _price(found: Report, total: int) -> str:
    n = sum(x.n_features for x in found.decided if x.source == sources.CLASSIFIER)
    if n == 0:
        return "\nThe classifier decides none of them: its errors cost nothing here.\n"
    lines = []
    for kind in (PLAIN, GROUPED):
        rates = found.rates(kind)
        wrong = sources.expected_errors(found.decided, rates)
        lines.append(
            f"- {kind}: {rates.told_unseen:.0%} of what it tells cannot be seen, "
            f"{rates.refused_seen:.0%} of what it refuses can: about {wrong:.0f} of "
            f"its {n:,} are wrong, {wrong / total:.4%} of all."
        )
    return (
        "\nWere it wrong on those that it decides as often as on labelled tags:\n\n"
        + "\n".join(lines)
        + "\n"
    )


def worst(found: Report) -> str:
    """Return the errors that most features carry."""
    rows = _rows(found.worst(PLAIN))
    return "## The dearest errors, plain folds\n\n" + table(WRONG, rows)


def surest(found: Report) -> str:
    """Return the errors of which the classifier was surest."""
    told = table(WRONG, _rows(found.surest(PLAIN, is_told=True)))
    refused = table(WRONG, _rows(found.surest(PLAIN, is_told=False)))
    return (
        "## The surest errors, plain folds\n\n"
        f"Told, though the label says that it cannot be seen:\n\n{told}\n"
        f"Refused, though it can be seen:\n\n{refused}"
    )


def _rows(wrong: Sequence[Wrong]) -> list[list[str]]:
    return [
        [f"`{tag}`", label, told, f"{p:.2f}", f"{n:,}"]
        for tag, label, told, p, n in wrong
    ]
