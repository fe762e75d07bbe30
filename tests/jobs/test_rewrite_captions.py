from __future__ import annotations

import pytest

from skyscript_db import llm as module
from skyscript_db.errors import ModelUnavailable, UsageError
from tests.fix_llm import Llm, status
from tests.jobs.test_write_captions import linked  # noqa: F401 - a fixture

CAPTIONS = """
SELECT c.recipe, c.kind, t.text
FROM skyscript.caption AS c
INNER JOIN skyscript.caption_text AS t ON t.id = c.text_id
INNER JOIN skyscript.chip ON chip.id = c.chip_id
WHERE chip.osm_id = 1
ORDER BY c.recipe, c.kind
"""


@pytest.fixture
def rewrite(linked, run_job, llm: Llm, monkeypatch):  # noqa: F811
    """Return a function that runs the job by llm-1 against the local model."""
    monkeypatch.setattr(module, "_backoff", lambda attempt: 0.01)
    chosen = {"caption_recipe": "llm-1", "llm_url": llm.url, "llm_model": "tiny"}
    run_job(linked.conn, "write_captions", **chosen)

    def run(**changes):
        return run_job(linked.conn, "rewrite_captions", **{**chosen, **changes})

    return run


def test_what_the_model_says_stands_beside_the_rules_own(rewrite, linked, llm):  # noqa: F811
    llm.answer = lambda caption: caption.replace("A building", "The building")
    counts = rewrite()
    assert counts.n_pending == 0
    assert counts.n_ok > 0
    said = linked.conn.execute(CAPTIONS).fetchall()
    assert said == [
        ("llm-1", "focus", "The building."),
        ("llm-1", "multi_feature", said[1][2]),
        ("plain-1", "focus", "A building."),
        ("plain-1", "multi_feature", said[3][2]),
    ]
    assert said[1][2] == said[3][2].replace("A building", "The building")
    n_asked = len(llm.asked)
    rewrite()
    assert len(llm.asked) == n_asked


def test_what_was_not_told_is_refused_and_the_reason_kept(rewrite, linked, llm):  # noqa: F811
    llm.answer = lambda caption: "A lovely building near a swimming pool."
    counts = rewrite()
    assert counts.rejected == {"the reply said what was not told": counts.n_in}
    said = linked.conn.execute(CAPTIONS).fetchall()
    assert said[0][2] == said[2][2] == "A building."
    kept = linked.conn.execute(
        "SELECT DISTINCT model, reply, fallback_reason FROM skyscript.caption_rewrite"
    ).fetchall()
    assert kept == [
        (
            "tiny",
            "A lovely building near a swimming pool.",
            "the reply said what was not told",
        )
    ]


def test_half_a_character_is_kept_as_well_as_can_be(rewrite, linked, llm):  # noqa: F811
    llm.answer = lambda caption: "A building \ud83d\0"
    assert rewrite().n_pending == 0
    kept = linked.conn.execute("SELECT DISTINCT reply FROM skyscript.caption_rewrite")
    assert kept.fetchall() == [("A building ?",)]


def test_what_is_too_long_is_refused(rewrite, llm):
    llm.answer = lambda caption: caption[:-1] + " and the" * 80 + "."
    counts = rewrite()
    assert counts.rejected == {"the reply was too long": counts.n_in}


def test_a_run_that_ends_early_is_taken_up_again(rewrite, llm):
    llm.answer = lambda caption: caption.replace("A ", "The ")
    llm.faults = [status(401)]
    with pytest.raises(ModelUnavailable):
        rewrite()
    assert rewrite(limit=1).n_pending > 0
    assert rewrite().n_pending == 0


def test_it_needs_an_endpoint_only_for_a_recipe_of_style_llm(rewrite):
    assert rewrite(caption_recipe="plain-1", llm_url=None).n_in == 0
    with pytest.raises(UsageError, match="SKYSCRIPT_LLM_URL"):
        rewrite(llm_url=None)


def test_the_key_is_in_no_table(rewrite, linked):  # noqa: F811
    rewrite(llm_api_key="open sesame")
    (ledger,) = linked.conn.execute(
        "SELECT string_agg(r::text, ' ') FROM skyscript.job_run AS r"
    ).fetchone()
    assert "sesame" not in ledger
