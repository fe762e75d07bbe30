"""What an export says of itself: counts, content hash, licences, dataset version."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import errors
from psycopg.types.json import Jsonb

from skyscript_db import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

    from skyscript_db.export.selection import Sample

logger = logging.getLogger(__name__)
SQL = queries.beside(__file__)

ATTRIBUTION = "ATTRIBUTION.md"
SYNTHETIC = (
    "**SYNTHETIC**: {n} of the {n_chips} images were drawn by a program. They show no "
    "place on Earth and must not be taken for photographs."
)
OSM = """\
Captions and tags are derived from OpenStreetMap, © OpenStreetMap contributors, under
the Open Database License (ODbL) 1.0: https://www.openstreetmap.org/copyright. A public
use of this dataset must credit them, and a derived database must be shared alike."""


@dataclass(slots=True)
class Tally:
    """Counts and the hash of what an export holds, added up as it is written."""

    n_pairs: int = 0
    n_synthetic: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    terms: Counter[tuple[str, str]] = field(default_factory=Counter)
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, sample: Sample) -> None:
        """Count a chip that was written."""
        self.n_pairs += sample.n_captions
        self.n_synthetic += sample.is_synthetic
        self.splits[sample.split] += 1
        self.terms[sample.licence or "not stated", sample.attribution] += 1
        content = [
            sample.chip_id,
            sample.split,
            sample.sha256,
            sample.focus,
            sample.multi_feature,
        ]
        self._hash.update(json.dumps(content).encode() + b"\n")

    @property
    def n_chips(self) -> int:
        """Chips written."""
        return self.splits.total()

    @property
    def content_sha256(self) -> str:
        """Hash over ids, splits, image hashes and captions in order, in hex."""
        return str(self._hash.hexdigest())

    def counts(self) -> dict[str, Any]:
        """Return the counts for the manifest: selected = chips + rejected."""
        return {
            "selected": self.n_chips + self.rejected.total(),
            "chips": self.n_chips,
            "pairs": self.n_pairs,
            "synthetic": self.n_synthetic,
            "splits": dict(sorted(self.splits.items())),
            "rejected": dict(sorted(self.rejected.items())),
        }

    def attribution(self) -> str:
        """Return the text of ``ATTRIBUTION.md``."""
        parts = ["# Attribution", OSM]
        if self.n_synthetic:
            warning = SYNTHETIC.format(n=self.n_synthetic, n_chips=self.n_chips)
            parts.insert(1, warning)
        rows = sorted(self.terms.items(), key=lambda item: (-item[1], item[0]))
        table = [
            f"| {n} | {_cell(licence)} | {_cell(credit)} |"
            for (licence, credit), n in rows
        ]
        head = ["| images | licence | attribution |", "|---:|---|---|"]
        parts += ["## Images", "\n".join(head + table)]
        return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def origin(conn: psycopg.Connection[Any]) -> dict[str, Any]:
    """Return what the pairs come from: scorer, extracts, split scheme, revision."""
    row = conn.execute(SQL.select_origin).fetchone()
    assert row is not None  # noqa: S101 - the statement returns one row
    return dict(row[0])


def enter_dataset(
    conn: psycopg.Connection[Any],
    tally: Tally,
    *,
    name: str,
    sql: str,
    parameters: Mapping[str, Any],
) -> int | None:
    """Enter an export in ``skyscript.dataset``; return its version.

    The version is the newest one's if the content is, else the next. None if this role
    may only read.
    """
    values = {
        "name": name,
        "format": parameters["format"],
        "sql": sql,
        "parameters": Jsonb(dict(parameters)),
        "n_chips": tally.n_chips,
        "n_pairs": tally.n_pairs,
        "content_sha256": tally.content_sha256,
    }
    try:
        with conn.transaction():
            conn.execute(SQL.lock)
            row = conn.execute(SQL.enter_dataset, values).fetchone()
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction):
        logger.warning("not entered in skyscript.dataset: this role may only read")
        return None
    assert row is not None  # noqa: S101 - the statement returns one row
    return int(row[0])
