"""The hint at tags that nobody has judged."""

from __future__ import annotations

from tests.cli.conftest import Skyscript
from tests.fix_database import Database
from tests.fix_rows import add_feature

HINT = (
    "pending tags: 1; no caption tells what nobody has judged. "
    "`skyscript groundability train` judges them"
)


def test_pending_tags_are_told_with_who_judges_them(
    skyscript: Skyscript, database: Database
) -> None:
    add_feature(database.conn, "POINT(1 1)", osm_id=1, natural="oddity")
    for job in ("collect_tags", "ground_tags"):
        skyscript("run", job)
    assert skyscript("tags").err.startswith(HINT)
    assert f"\n{HINT}" in skyscript("status").out
    listed = skyscript("tags", "--source", "none")
    assert ("natural=oddity" in listed.out, listed.err) == (True, "")
    (tag,) = skyscript("tags", "--source", "none", "--json").json()
    assert (tag["tag"], tag["source"]) == ("natural=oddity", None)
    words = ("override", "natural=oddity", "--max-gsd", "none", "--reason", "unknown")
    skyscript("groundability", *words)
    # At once, though the ledger's last run of ground_tags had one.
    assert skyscript("tags").err == ""
    assert "pending tags" not in skyscript("status").out
