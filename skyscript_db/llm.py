"""A chat model behind any endpoint that speaks OpenAI's protocol.

The reply is never trusted: ``objection`` says why it may not be told.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import requests

from skyscript_db.errors import ModelUnavailable, RequestFailed, UsageError
from skyscript_db.remote import call_again, is_unanswered, retry_after_s

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from skyscript_db.config import Settings

RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
ATTEMPTS = 5
LONGEST_WAIT_S = 60.0

# What a sentence needs to hold together. Nothing here counts, names a thing, or says
# where one lies more closely than near: such words must come from what was told.
FUNCTION_WORDS = frozenset(
    word
    for line in """
    a an the this that which of in on at to by with and its it itself their is are
    there here has have as from also while
    near nearby next close adjacent neighbouring neighboring around
    located situated lies lie lying stands stand standing sits sit sitting set
    seen visible shows show showing view image scene overhead above area
    """.splitlines()
    for word in line.split()
)

_WORDS = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"[A-Z0-9][A-Za-z0-9 ,;:'()-]*\.")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said, or why it said nothing that can be used.

    Attributes:
        text: Its words; empty if there are none.
        objection: Why they cannot be used; None if they can be looked at.
        n_attempts: Requests made.
    """

    text: str
    objection: str | None
    n_attempts: int


class ChatModel:
    """A model at an endpoint of the user's; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        if not settings.llm_url or not settings.llm_model:
            raise UsageError(
                "a caption recipe of style llm needs SKYSCRIPT_LLM_URL, such as "
                "http://localhost:8000/v1, and SKYSCRIPT_LLM_MODEL"
            )
        if not settings.llm_url.startswith(("http://", "https://")):
            raise UsageError("SKYSCRIPT_LLM_URL must begin with http:// or https://")
        self.url = settings.llm_url.rstrip("/") + "/chat/completions"
        self.name = settings.llm_model
        self.timeout_s = settings.llm_timeout_s
        self._headers = {"Content-Type": "application/json"}
        if settings.llm_api_key is not None:
            key = settings.llm_api_key.get_secret_value()
            self._headers["Authorization"] = f"Bearer {key}"

    def ask(self, instructions: str, caption: str) -> Reply:
        """Ask for a caption in other words.

        Raises:
            ModelUnavailable: The endpoint refuses us, or does not answer in time
                however often it is asked.
        """
        body = {
            "model": self.name,
            "temperature": 0,
            "max_tokens": 120,
            "messages": [
                {"role": "system", "content": instructions},
                # As JSON: what OpenStreetMap says is data, whatever it says.
                {"role": "user", "content": json.dumps({"caption": caption})},
            ],
        }
        attempts = count(1)

        def once() -> Reply:
            n_attempts = next(attempts)
            return Reply(*read(self._post(json.dumps(body).encode())), n_attempts)

        try:
            return call_again(
                once, max_tries=ATTEMPTS, wait_s=_wait_s, sleep=time.sleep
            )
        except RequestFailed as error:
            raise ModelUnavailable(
                f"the language model at SKYSCRIPT_LLM_URL does not serve us ({error}): "
                "check the URL, SKYSCRIPT_LLM_MODEL and SKYSCRIPT_LLM_API_KEY, then "
                "run rewrite_captions again; what it has written is kept"
            ) from error

    def _post(self, body: bytes) -> requests.Response:
        try:
            response = requests.post(
                self.url,
                data=body,
                headers=self._headers,
                timeout=self.timeout_s,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            unanswered = "nothing answers there"
            cause = unanswered if is_unanswered(error) else type(error).__name__
            raise RequestFailed(cause, is_transient=True) from error
        if response.status_code != requests.codes.ok:
            raise RequestFailed(
                f"HTTP {response.status_code}",
                status=response.status_code,
                is_transient=response.status_code in RETRIED,
                retry_after_s=retry_after_s(response.headers.get("Retry-After")),
            )
        return response


def read(response: requests.Response) -> tuple[str, str | None]:
    """Return the words of a reply, and why there are none that can be used."""
    try:
        choice = response.json()["choices"][0]
        message: dict[str, Any] = choice["message"]
        text = message.get("content")
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", "the reply was not a chat completion"
    if message.get("refusal") or choice.get("finish_reason") == "content_filter":
        return str(message.get("refusal") or ""), "the model refused"
    if choice.get("finish_reason") == "length":
        return str(text or ""), "the reply was cut off"
    if not isinstance(text, str) or not text.strip():
        return "", "the reply was empty"
    return text.strip(), None


def objection(reply: str, told: str) -> str | None:
    """Return why a reply may not stand for what was told by rule, None if it may.

    Each of its words must have been told, in singular or plural, or be one that only
    joins others; and it must keep the first thing that was told.
    """
    if not _SENTENCE.fullmatch(reply):
        return "the reply was not one plain sentence"
    said, known = _stems(reply), _stems(told)
    if said - known - FUNCTION_WORDS:
        return "the reply said what was not told"
    contents = [stem for stem in _ordered_stems(told) if stem not in FUNCTION_WORDS]
    if contents and not said & set(contents[:4]):
        return "the reply left out what the caption is about"
    return None


def _ordered_stems(text: str) -> list[str]:
    return [_stem(word) for word in _WORDS.findall(text.lower())]


def _stems(text: str) -> set[str]:
    return set(_ordered_stems(text))


def _stem(word: str) -> str:
    if word in FUNCTION_WORDS or len(word) < 4:
        return word
    for ending, instead in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x")):
        if word.endswith(ending):
            return word.removesuffix(ending) + instead
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _backoff(attempt: int) -> float:
    return min(2.0 ** (attempt - 2), LONGEST_WAIT_S)


def _wait_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after_s if isinstance(error, RequestFailed) else None
    if told is None:
        return _backoff(state.attempt_number)
    return min(told, LONGEST_WAIT_S)
