"""An evaluation as a page of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db.errors import StorageError
from skyscript_db.groundability import sections
from skyscript_db.groundability.findings import GROUPED, PLAIN
from skyscript_db.groundability.labels import CLASSES_M
from skyscript_db.groundability.metrics import calibration_error
from skyscript_db.groundability.tables import table, three

if TYPE_CHECKING:
    from pathlib import Path

    from skyscript_db.groundability.findings import Report

# What the project asks of the sentence encoder: F1 of stage I, plain and grouped, and
# the share of stage II that is at most one class off.
TARGETS = {PLAIN: 0.90, GROUPED: 0.85}
TARGET_WITHIN_ONE = 0.85

INTRODUCTION = """\
# How far to trust the classifier

Made by `skyscript groundability evaluate --markdown` from the labels in the database;
run it again after changing them. Each tag is judged by a model that learned from the
other four of five folds. **Plain** folds spread the tags of a key over all folds;
folds **grouped by key** ask of keys that no label speaks of. Strengths and thresholds
are chosen inside the training folds. Single labelled tags alone are examples: rows
that label a whole key, and tags that a rule decides, are not.
"""


def markdown(found: Report) -> str:
    """Return the tables of an evaluation."""
    parts = [
        INTRODUCTION,
        _about(found),
        _groundable(found),
        _gsd(found),
        _confusion(found),
        _calibration(found),
        sections.curves(found),
        sections.parts(found),
        sections.decided(found),
        _cost(found),
        _order(found),
        sections.worst(found),
        sections.surest(found),
    ]
    return "\n".join(parts)


def write(text: str, path: Path) -> None:
    """Write a page.

    Raises:
        StorageError: It cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"cannot write {path}: {error.strerror}; give another file"
        ) from error


def _about(found: Report) -> str:
    of = found.labels.classes
    counts = [f"{int((of == n).sum()):,} at {x:g} m" for n, x in enumerate(CLASSES_M)]
    n_keys = len({key for key, _ in found.labels.tags})
    n_seen = int(found.labels.is_groundable.sum())
    return (
        f"Text encoder `{found.encoder}`, told of a tag: {found.inputs}. "
        f"{len(found.labels):,} labels of single tags, {n_seen:,} of them groundable "
        f"({', '.join(counts)}), of {n_keys:,} keys. "
        f"To call every tag groundable has F1 {_f1_of_all(found):.3f}.\n"
    )


def _f1_of_all(found: Report) -> float:
    share = float(found.labels.is_groundable.mean())
    return 2 * share / (1 + share)


def _groundable(found: Report) -> str:
    names = list(found.groundable[PLAIN])
    rows = []
    for name in names:
        cells: list[str] = [_mark(name, found)]
        for kind in (PLAIN, GROUPED):
            told = found.groundable[kind][name]
            cells += [three(told.precision), three(told.recall), f"**{told.f1:.3f}**"]
            cells += [three(told.accuracy)]
        rows.append(cells)
    measures = ["precision", "recall", "F1", "accuracy"]
    header = ["stage I", *measures, *(f"{x}, grouped" for x in measures)]
    met = []
    for kind, target in TARGETS.items():
        f1 = found.groundable[kind][_name(found)].f1
        verb = "meets" if f1 >= target else "misses"
        met.append(f"F1 {f1:.3f} {kind} ({verb} {target:.2f})")
    return (
        "## Stage I: can it be seen at all?\n\n"
        + table(header, rows)
        + f"\nThe classifier that is trained by default is marked: {'; '.join(met)}. "
        "Its line goes through vectors of nearness to fixed landmarks, which makes it "
        "a kernel machine that PostgreSQL still judges by one dot product a tag; "
        "the other classifiers draw theirs through the encoder's vectors as they "
        "are. Every threshold, ours and those of the rivals, is chosen for F1 on folds "
        "inside the training folds: more is told, and less of it surely.\n"
        + _chance(found)
        + _ceiling(found)
    )


def _chance(found: Report) -> str:
    told = [
        f"{sum(f1) / len(f1):.3f} {kind} ({min(f1):.3f} to {max(f1):.3f})"
        for kind, f1 in found.deals.items()
    ]
    n = len(found.deals[PLAIN])
    return (
        f"\nHow much of that is chance: on {n} further deals of the folds its F1 is "
        f"{' and '.join(told)} on average.\n"
    )


def _ceiling(found: Report) -> str:
    if found.raters is None:
        return ""
    return (
        "\nWhat could be had: the two raters behind the labels, who read the same "
        f"guide and saw words alone, have F1 {found.raters:.3f} by each other. No "
        "reader of text alone can be expected above that, and no classifier comes near "
        "it. The task is hard, since the answer is no matter of topic, which is what "
        "an encoder knows: `wetland=marsh` can be seen and `wetland=fen` is not told "
        "from other mires. Many labels turn on conventions of the guide, and a key "
        "that no label speaks of has its own.\n"
    )


def _gsd(found: Report) -> str:
    rows = []
    for name in found.gsd[PLAIN]:
        cells = [_mark(name, found)]
        for kind in (PLAIN, GROUPED):
            told = found.gsd[kind][name]
            cells += [
                three(told.exact),
                f"**{told.within_one:.3f}**",
                three(told.error),
            ]
        rows.append(cells)
    measures = ["exact", "within one class", "mean distance"]
    header = ["stage II", *measures, *(f"{x}, grouped" for x in measures)]
    name = _name(found).replace("classifier", "cumulative")
    met = [
        f"{found.gsd[kind][name].within_one:.3f} {kind} "
        + (
            "meets"
            if found.gsd[kind][name].within_one >= TARGET_WITHIN_ONE
            else "misses"
        )
        for kind in (PLAIN, GROUPED)
    ]
    return (
        "## Stage II: at which GSD?\n\n"
        "Five ordered classes, over the groundable labels. Cumulative: for each class "
        "but the finest, a regression says whether the tag is seen at it. It knows of "
        "the order, which the multinomial does not, and assumes no equal steps, as "
        "ridge does; a doubt makes the verdict finer, never coarser.\n\n"
        + table(header, rows)
        + f"\nWithin one class, against {TARGET_WITHIN_ONE:.2f}: {'; '.join(met)}.\n"
    )


def _confusion(found: Report) -> str:
    names = [*(f"{x:g} m" for x in CLASSES_M), "none"]
    parts = ["## Both stages: label (row) and verdict (column)\n"]
    for kind in (PLAIN, GROUPED):
        counts = found.confusion(kind).tolist()
        rows = [[name, *map(str, row)] for name, row in zip(names, counts, strict=True)]
        parts.append(table([kind, *names], rows))
    return "\n".join(parts)


def _calibration(found: Report) -> str:
    parts = ["## Calibration of stage I\n"]
    for kind in (PLAIN, GROUPED):
        bins = found.calibration(kind)
        rows = [
            [
                f"{x.low:.1f} - {x.high:.1f}",
                str(x.n),
                three(x.predicted),
                three(x.observed),
            ]
            for x in bins
        ]
        parts.append(table([kind, "tags", "said", "so"], rows))
        parts.append(f"Expected calibration error: {calibration_error(bins):.3f}.\n")
    return "\n".join(parts)


def _cost(found: Report) -> str:
    n = int(found.labels.n_features.sum())
    title = "## What errors cost\n"
    if n == 0:
        return f"{title}\nNo feature with a labelled tag is loaded: nothing to weigh.\n"
    rows = []
    for kind in (PLAIN, GROUPED):
        cost = found.cost(kind)
        assert cost is not None  # noqa: S101 - features are loaded
        shares = (cost.accepted, cost.refused, cost.too_coarse, cost.too_fine)
        rows.append([kind, *(f"{x:.1%}" for x in (*shares, cost.total))])
    header = ["folds", "told, unseen", "seen, refused", "too coarse", "too fine", "any"]
    return (
        f"{title}\nShares of the {n:,} labelled tags of loaded features, had the "
        "classifier judged them instead of the labels: frequent tags weigh more.\n\n"
        + table(header, rows)
    )


def _order(found: Report) -> str:
    lines = [
        "## The order of sources\n",
        f"Rules decide {found.rules.n:,} labelled tags too, "
        f"{found.rules.n - len(found.rules.differing):,} of them as the label does"
        + _differing(found)
        + ".",
    ]
    for kind in (PLAIN, GROUPED):
        n, whole, told = found.in_wildcards(kind)
        if n:
            lines.append(
                f"Of {n:,} labelled tags whose whole key is labelled not groundable, "
                f"that label is right on {whole:.1%}, the classifier ({kind}) on "
                f"{told:.1%}."
            )
    if found.in_wildcards(PLAIN)[0]:
        lines.append(
            "Labels of single tags are often written as exceptions to the label of the "
            "key: how both fare on all its other tags, these cannot say."
        )
    return "\n".join(lines) + "\n"


def _differing(found: Report) -> str:
    tags = [f"`{key}={value}`" for key, value in found.rules.differing]
    return f" (not {', '.join(tags)}: there the label counts)" if tags else ""


def _name(found: Report) -> str:
    return f"classifier, {found.inputs}"


def _mark(name: str, found: Report) -> str:
    is_ours = name in {_name(found), f"cumulative, {found.inputs}"}
    return f"**{name}**" if is_ours else name
