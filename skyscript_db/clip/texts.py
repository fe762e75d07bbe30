"""Texts on their way to CLIP: as tokens, and never cut in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from skyscript_db.clip.stream import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import ThreadPoolExecutor

    import torch

T = TypeVar("T")


class TokenBatches:
    """Makes tokens with a model's own tokenizer, which would cut long texts."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.context_length = int(tokenizer.context_length)
        empty = tokenizer([""])[0]
        self._padding = int(empty[len(empty) // 2])

    def submit(
        self,
        text_of: Callable[[T], str],
        pool: ThreadPoolExecutor,
        items: Sequence[T],
    ) -> Callable[[], Prepared[T]]:
        """Have a thread make tokens (n, context) of the texts that fit."""
        return pool.submit(self._prepare, text_of, list(items)).result

    def tokenize(self, texts: list[str]) -> torch.Tensor:
        """Return tokens (n, context), those of longer texts cut."""
        tokens: torch.Tensor = self._tokenizer(texts)
        return tokens

    def _prepare(self, text_of: Callable[[T], str], items: list[T]) -> Prepared[T]:
        texts = [text_of(item) for item in items]
        tokens = self.tokenize(texts)
        fits = self._fits(texts, tokens)
        reason = f"longer than {self.context_length} tokens"
        return Prepared(
            items=[item for item, fit in zip(items, fits, strict=True) if fit],
            tensor=tokens[[i for i, fit in enumerate(fits) if fit]],
            refused=[
                (item, reason) for item, fit in zip(items, fits, strict=True) if not fit
            ],
        )

    def _fits(self, texts: list[str], tokens: torch.Tensor) -> list[bool]:
        fits: list[bool] = (tokens[:, -1] == self._padding).tolist()
        unsure = [i for i, fit in enumerate(fits) if not fit]
        if unsure:  # as long as the context, or cut to it
            roomy = self._tokenizer(
                [texts[i] for i in unsure], context_length=2 * self.context_length
            )
            # Some tokenizers put a mark into the very last place.
            beyond = roomy[:, self.context_length : -1]
            for i, row in zip(unsure, beyond, strict=True):
                fits[i] = bool((row == self._padding).all())
        return fits
