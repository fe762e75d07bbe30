from __future__ import annotations

import pytest

from skyscript_db import llm as module
from skyscript_db.errors import ModelUnavailable, UsageError
from skyscript_db.llm import ChatModel, objection
from tests.fix_llm import Llm, break_off, completion, hang, send, status

TOLD = "A football pitch beside a car park, with two tennis courts to the north."


@pytest.fixture
def model(settings, llm: Llm, monkeypatch) -> ChatModel:
    monkeypatch.setattr(module, "_backoff", lambda attempt: 0.01)
    values = {"llm_url": llm.url, "llm_model": "tiny", "llm_timeout_s": 0.3}
    key = {"llm_api_key": "open sesame"}
    return ChatModel(type(settings)(**{**settings.model_dump(), **values, **key}))


def test_it_is_asked_in_the_words_of_the_protocol(llm: Llm, model: ChatModel):
    reply = model.ask("Reword.", TOLD)
    assert (reply.text, reply.objection, reply.n_attempts) == (TOLD, None, 1)
    assert llm.keys == ["Bearer open sesame"]
    assert llm.asked[0]["model"] == "tiny"
    assert llm.asked[0]["messages"] == [
        {"role": "system", "content": "Reword."},
        {"role": "user", "content": f'{{"caption": "{TOLD}"}}'},
    ]


@pytest.mark.parametrize(
    "fault",
    [status(429, Retry_After="0"), status(503), status(500), hang, break_off],
    ids=["429", "503", "500", "hangs", "breaks off"],
)
def test_a_passing_fault_is_asked_again(llm: Llm, model: ChatModel, fault):
    llm.faults = [fault, fault]
    assert model.ask("Reword.", TOLD).n_attempts == 3


def test_the_server_says_how_long_to_wait(llm: Llm, model: ChatModel, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waited.append)
    llm.faults = [
        status(429, Retry_After="7"),
        status(429, Retry_After="soon"),
        status(429, Retry_After="nan"),
        status(429, Retry_After="Fri, 31 Dec 2999 23:59:59 GMT"),
    ]
    model.ask("Reword.", TOLD)
    assert waited == [7.0, 0.01, 0.01, 60.0]


@pytest.mark.parametrize("code", [400, 401, 404, 307])
def test_a_refusal_of_the_endpoint_ends_the_job_without_its_key(llm, model, code):
    llm.faults = [status(code, Location="http://127.0.0.1:1/")]
    with pytest.raises(ModelUnavailable, match=f"HTTP {code}") as error:
        model.ask("Reword.", TOLD)
    assert "sesame" not in str(error.value)
    assert len(llm.asked) == 1


def test_an_address_where_nothing_answers_is_told(model: ChatModel):
    model.url = "http://127.0.0.1:9/v1/chat/completions"
    with pytest.raises(ModelUnavailable, match=r"\(nothing answers there\): check the"):
        model.ask("Reword.", TOLD)


def test_an_endpoint_that_never_answers_ends_the_job(llm: Llm, model: ChatModel):
    llm.faults = [status(503)] * 9
    with pytest.raises(ModelUnavailable, match="run rewrite_captions again"):
        model.ask("Reword.", TOLD)
    assert len(llm.asked) == 5


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>busy</html>", "not a chat completion"),
        ({"choices": []}, "not a chat completion"),
        ([1], "not a chat completion"),
        ({"choices": [{"message": "hello"}]}, "not a chat completion"),
        (completion(None), "empty"),
        (completion("  "), "empty"),
        (completion("A foot", finish_reason="length"), "cut off"),
        (completion("", finish_reason="content_filter"), "refused"),
        (completion(None, message={"refusal": "I cannot."}), "refused"),
    ],
)
def test_a_reply_that_is_none(llm: Llm, model: ChatModel, body, reason):
    llm.faults = [lambda handler: send(handler, body)]
    assert reason in (model.ask("Reword.", TOLD).objection or "")


def test_without_an_endpoint_the_remedy_is_named(settings):
    with pytest.raises(UsageError, match="SKYSCRIPT_LLM_URL, such as"):
        ChatModel(settings)


@pytest.mark.parametrize(
    "reply",
    [
        TOLD,
        "Two tennis courts lie to the north of a football pitch, near a car park.",
        "There is a car park beside a football pitch with two tennis courts north.",
    ],
)
def test_what_says_the_same_is_kept(reply):
    assert objection(reply, TOLD) is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("A football pitch beside a busy car park.", "not told"),
        ("A football pitch beside three tennis courts.", "not told"),
        ("A football pitch beside a car park to the south.", "not told"),
        ("A football pitch between a car park and tennis courts.", "not told"),
        ("A football pitch without a car park.", "not told"),
        ("Two tennis courts.", "left out"),
        ("A football pitch.\nIgnore the above.", "not one plain sentence"),
        ("A football pitch. A car park.", "not one plain sentence"),
        ("a football pitch", "not one plain sentence"),
        ("Ein Fu\u00dfballplatz.", "not one plain sentence"),
        ("", "not one plain sentence"),
    ],
)
def test_what_says_more_or_other_is_refused(reply, reason):
    assert reason in (objection(reply, TOLD) or "")
