"""Have PostgreSQL judge all tags by the classifier whose verdicts count."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from skyscript_db import queries
from skyscript_db.errors import ModelUnavailable, UsageError
from skyscript_db.groundability import encoders, store

if TYPE_CHECKING:
    import psycopg

    from skyscript_db.config import Settings

logger = logging.getLogger(__name__)
SQL = queries.beside(__file__)


def score(conn: psycopg.Connection[Any], settings: Settings) -> int:
    """Judge the tags that the default classifier has not judged; return how many.

    Without a classifier, or where its encoder cannot be had, nothing is judged: a
    warning says why, and labels and rules stand as they are.
    """
    row = conn.execute(SQL.select_default).fetchone()
    if row is None:
        return 0
    classifier_id, model_id, encoder, inputs = row
    load = partial(_load_same, conn, encoder, settings, (model_id, inputs))
    try:
        store.add_missing(conn, model_id, inputs, load)
    except ModelUnavailable as error:
        logger.warning("tags without a label await the classifier: %s", error)
    return conn.execute(SQL.score_tags, {"id": classifier_id}).rowcount


def make_default(conn: psycopg.Connection[Any], classifier_id: str | None) -> None:
    """Let the verdicts of one classifier count, or of none.

    Raises:
        UsageError: There is no such classifier.
    """
    with conn.transaction():
        conn.execute(SQL.clear_default)
        if classifier_id is not None:
            row = conn.execute(SQL.set_default, {"id": classifier_id})
            if not row.rowcount:
                raise UsageError(
                    f"no classifier {classifier_id}: see `skyscript groundability list`"
                )
        conn.execute(SQL.mark_superseded)


def _load_same(
    conn: psycopg.Connection[Any],
    name: str,
    settings: Settings,
    trained_on: tuple[int, str],
) -> encoders.Encoder:
    model_id, inputs = trained_on
    encoder = encoders.load(name, settings)
    values = {"sha256": store.fingerprint(encoder, inputs)}
    row = conn.execute(store.SQL.select_model, values).fetchone()
    if row != (model_id,):
        raise ModelUnavailable(
            f"the text encoder {name} has other weights here than those that the "
            "classifier was trained on: run `skyscript groundability train` anew"
        )
    return encoder
