"""Scripted faults: what may go wrong with a service, made to go wrong.

A rule has a kind and says which requests it strikes: those whose path and body hold a
text, of these the first few, every so manieth, or a share that is drawn by hash. Of
several rules the first that strikes does.
"""

from __future__ import annotations

import hashlib
import threading
import tomllib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from loaders.earth_engine.emulator.answers import Answer, ApiError
from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>"
_ERRORS: dict[str, tuple[int, str]] = {
    "400": (400, "The request was refused."),
    "401": (
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access "
        "token, login cookie or other valid authentication credential.",
    ),
    "403": (
        403,
        "Caller does not have required permission to use project. Grant the caller "
        "the roles/serviceusage.serviceUsageConsumer role.",
    ),
    "404": (404, "Requested entity was not found."),
    "429": (
        429,
        "Too Many Requests: Request was rejected because the request rate or "
        "concurrency limit was exceeded.",
    ),
    "500": (500, "An internal error has occurred"),
    "503": (503, "The service is currently unavailable."),
    "quota": (
        429,
        "Quota exceeded for quota metric 'EECU-seconds' and limit 'EECU-seconds per "
        "month' of service 'earthengine.googleapis.com'.",
    ),
}
KINDS = (*_ERRORS, "slow", "truncated", "shortened", "html", "reset")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of fault, and the requests that it strikes.

    Attributes:
        kind: An HTTP status; ``quota``, a 429 of a used-up quota; ``slow``;
            ``truncated``, where the connection ends amid the body; ``shortened``, where
            half a body says that it is whole; ``html``, a web page with status 200; or
            ``reset``, a connection that is cut at once.
        path: Text in the request's path, such as ``computePixels``.
        body: Text in the request's body, such as the name of an image.
        after: So many requests are spared first.
        first: Then only so many are struck.
        every: Only every so manieth of them.
        share: Only this share of them, from 0 to 1, drawn by hash of ``seed``.
        seed: Another seed strikes others.
        seconds: How slow.
        retry_after_s: Sent as the header Retry-After with an error.
        message: Told in place of Google's words.
    """

    kind: str
    path: str = ""
    body: str = ""
    after: int = 0
    first: int | None = None
    every: int | None = None
    share: float | None = None
    seed: int = 0
    seconds: float = 1.0
    retry_after_s: float | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would never strike, or always by mistake."""
        if self.kind not in KINDS:
            raise UsageError(f"no fault {self.kind!r}: use one of {', '.join(KINDS)}")
        if self.every is not None and self.every < 1:
            raise UsageError("every must be at least 1")
        if self.share is not None and not 0 <= self.share <= 1:
            raise UsageError("share must lie between 0 and 1")

    def matches(self, path: str, body: bytes) -> bool:
        """Return whether a request is one that the rule is about."""
        return self.path in path and self.body.encode() in body

    def strikes(self, number: int) -> bool:
        """Return whether the rule strikes the request of this number, from 1."""
        number -= self.after
        if number < 1 or (self.first is not None and number > self.first):
            return False
        if self.every is not None and number % self.every:
            return False
        return self.share is None or self._drawn(number) < self.share

    def _drawn(self, number: int) -> float:
        digest = hashlib.sha256(f"{self.seed}:{number}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    @property
    def is_answer(self) -> bool:
        """Whether it stands in place of the answer."""
        return self.kind in _ERRORS or self.kind == "html"

    def answer(self) -> Answer:
        """Return what is answered instead."""
        if self.kind == "html":
            return Answer(_HTML, content_type="text/html; charset=utf-8")
        code, message = _ERRORS[self.kind]
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry_After"] = f"{self.retry_after_s:g}"
        return ApiError(code, self.message or message, **headers).answer()

    @classmethod
    def of_mapping(cls, said: Mapping[str, Any]) -> Rule:
        """Make a rule of names and values, which may be text.

        Raises:
            UsageError: A name or a value is not understood.
        """
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(said) - known):
            raise UsageError(
                f"no {unknown[0]!r} in a rule: it has {', '.join(sorted(known))}"
            )
        try:
            return cls(**{name: _READ.get(name, str)(v) for name, v in said.items()})
        except ValueError as error:
            raise UsageError(f"a rule's value is no number: {error}") from error

    @classmethod
    def of_text(cls, text: str) -> Rule:
        """Make a rule of ``KIND NAME=VALUE ...``, such as ``429 every=5 first=10``.

        Raises:
            UsageError: It is not understood.
        """
        kind, *assignments = text.split()
        pairs = [assignment.partition("=") for assignment in assignments]
        if not all(sign for _, sign, _ in pairs):
            raise UsageError(f"write a rule as 'KIND NAME=VALUE ...', not {text!r}")
        names = {name.replace("-", "_"): value for name, _, value in pairs}
        return cls.of_mapping({"kind": kind, **names})


_READ: dict[str, Any] = {
    **dict.fromkeys(("after", "first", "every", "seed"), int),
    **dict.fromkeys(("share", "seconds", "retry_after_s"), float),
}


def read(path: Path) -> list[Rule]:
    """Read the rules of a TOML file: tables named ``rule``.

    Raises:
        UsageError: It is no TOML, or holds what is no rule.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}; write tables [[rule]] there") from error
    if set(said) != {"rule"} or not isinstance(said["rule"], list):
        raise UsageError(f"{path} holds no rules: write tables [[rule]] there")
    return [Rule.of_mapping(rule) for rule in said["rule"]]


class Misbehaviour:
    """The rules in force, and how many requests each has seen."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._lock = threading.Lock()
        self._seen: list[tuple[Rule, list[int]]] = []
        for rule in rules:
            self.add(rule)

    def add(self, rule: Rule) -> None:
        """Put a rule behind the others."""
        with self._lock:
            self._seen.append((replace(rule), [0]))

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._seen.clear()

    def fault(self, path: str, body: bytes) -> Rule | None:
        """Return the rule that strikes a request, if any."""
        with self._lock:
            return next(iter(self._striking(path, body)), None)

    def _striking(self, path: str, body: bytes) -> list[Rule]:
        striking = []
        for rule, seen in self._seen:
            if rule.matches(path, body):
                seen[0] += 1
                if rule.strikes(seen[0]):
                    striking.append(rule)
        return striking
