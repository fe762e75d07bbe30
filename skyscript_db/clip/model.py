"""CLIP through open_clip: images and texts in, unit vectors out.

The model never waits for images: threads read and decode the batches to come while it
works on one, whose vectors are handed over while it works on the next. torch and
open_clip are imported when a model is loaded, since that takes seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from skyscript_db.clip import weights
from skyscript_db.clip.images import PixelBatches, read_image
from skyscript_db.clip.stream import (
    Encoded,
    HostCopy,
    Prepared,
    Submit,
    are_unit,
    finish,
    read_ahead,
)
from skyscript_db.clip.texts import TokenBatches
from skyscript_db.errors import ModelUnavailable, UsageError

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray
    from PIL import Image

    from skyscript_db.config import Settings

T = TypeVar("T")

# Embedded when a model is loaded.
PROBE = "a satellite image"

_Step = Callable[["torch.Tensor"], "torch.Tensor"]


def load(settings: Settings) -> Clip:
    """Load the model that the settings name onto the device that they name.

    It is kept for the next call with the same settings.

    Raises:
        ModelUnavailable: Its weights cannot be had here, or are damaged.
        UsageError: There is no such model, no such weights, or no such device.
    """
    return _load(settings)


@lru_cache(maxsize=1)
def _load(settings: Settings) -> Clip:
    import open_clip  # noqa: PLC0415 - slow to import

    device = choose_device(settings.device)
    choice = weights.choose(settings)
    model = weights.create(choice, settings)
    tokenizer = open_clip.get_tokenizer(
        weights.source(choice), cache_dir=str(settings.models)
    )
    return Clip(choice, model.eval(), tokenizer, device, settings)


def choose_device(name: str) -> torch.device:
    """Return the device of this name, the fastest there is for ``auto``.

    Raises:
        UsageError: There is no such device.
    """
    import torch  # noqa: PLC0415 - slow to import

    present = {"cpu": True}
    present["cuda"] = torch.cuda.is_available()
    present["mps"] = torch.backends.mps.is_available()
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if present[kind])
    if not present.get(name.partition(":")[0]):
        here = ", ".join(kind for kind, is_here in present.items() if is_here)
        raise UsageError(
            f"no device {name!r} on this machine, which has {here}: set "
            "SKYSCRIPT_DEVICE to auto or to one of these"
        )
    return torch.device(name)


class Clip:
    """A loaded model.

    Attributes:
        name: open_clip's name, or the folder's.
        weights: Name of the weights.
        weights_sha256: Hash of what decides its vectors, equal on every machine.
        dimension: Length of its vectors.
        context_length: Tokens that a text may have, marks included.
    """

    def __init__(
        self,
        choice: weights.Choice,
        model: Any,
        tokenizer: Any,
        device: torch.device,
        settings: Settings,
    ) -> None:
        self.name, self.weights = choice.name, choice.weights
        self.weights_sha256 = weights.fingerprint(model)
        self.device = device
        self.batch_size = settings.batch_size
        self._rows_at_once = settings.batch_size
        self._workers = settings.workers
        self._model = model.to(device)
        self._images = PixelBatches(model, device)
        self._texts = TokenBatches(tokenizer)
        self.context_length = self._texts.context_length
        self.dimension = self._probe(choice)

    # --- whole sets in memory -------------------------------------------------------

    def encode_images(
        self, images: Iterable[Path | Image.Image]
    ) -> NDArray[np.float32]:
        """Return unit vectors (n, dimension) of image files or images.

        Raises:
            UsageError: One of them cannot be read.
        """
        return self._gather(self.stream_images(self._chunks(images), _open))

    def encode_texts(self, texts: Iterable[str]) -> NDArray[np.float32]:
        """Return unit vectors (n, dimension) of texts.

        Raises:
            UsageError: One of them is longer than the model reads.
        """
        return self._gather(self.stream_texts(self._chunks(texts), str))

    # --- batch by batch -------------------------------------------------------------

    def stream_images(
        self,
        batches: Iterable[Sequence[T]],
        read: Callable[[T], Image.Image],
    ) -> Iterator[Encoded[T]]:
        """Encode batches of images, in order, reading ahead in threads.

        ``read`` runs in the threads and raises ImageError for what it cannot read.
        """
        submit = partial(self._images.submit, read)
        return self._stream(batches, submit, self._image_vectors)

    def stream_texts(
        self, batches: Iterable[Sequence[T]], text_of: Callable[[T], str]
    ) -> Iterator[Encoded[T]]:
        """Encode batches of texts, in order; those too long are refused, never cut."""
        submit = partial(self._texts.submit, text_of)
        return self._stream(batches, submit, self._text_vectors)

    def _stream(
        self, batches: Iterable[Sequence[T]], submit: Submit[T], step: _Step
    ) -> Iterator[Encoded[T]]:
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="decode")
        try:
            yield from self._one_behind(read_ahead(pool, batches, submit), step)
        finally:
            pool.shutdown(cancel_futures=True)

    def _one_behind(
        self, batches: Iterable[Prepared[T]], step: _Step
    ) -> Iterator[Encoded[T]]:
        # A GPU works on the newest batch while the caller stores the one before.
        waiting: deque[tuple[Prepared[T], HostCopy]] = deque()
        for batch in batches:
            waiting.append((batch, HostCopy(self._in_pieces(batch.tensor, step))))
            if len(waiting) == 2:
                yield finish(*waiting.popleft())
        for last in waiting:
            yield finish(*last)

    def _in_pieces(self, batch: torch.Tensor, step: _Step) -> torch.Tensor:
        """Run a step on as many rows at once as the device's memory allows."""
        import torch  # noqa: PLC0415 - slow to import

        vectors = [torch.empty((0, self.dimension), device=self.device)]
        first = 0
        while first < len(batch):
            piece = batch[first : first + self._rows_at_once]
            try:
                vectors.append(step(piece))
                first += len(piece)
                continue
            except torch.OutOfMemoryError as error:
                problem = str(error)
            self._halve(problem)
        return torch.cat(vectors)

    def _halve(self, problem: str) -> None:
        import torch  # noqa: PLC0415 - slow to import

        if self._rows_at_once == 1:
            raise ModelUnavailable(
                f"{self.name} does not fit the memory of {self.device}: {problem}. "
                "Free some, or set SKYSCRIPT_DEVICE=cpu."
            )
        self._rows_at_once //= 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    # --- the model itself -----------------------------------------------------------

    def _image_vectors(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._infer(self._model.encode_image, self._images.scale(pixels))

    def _text_vectors(self, tokens: torch.Tensor) -> torch.Tensor:
        there = tokens.to(self.device, non_blocking=True)
        return self._infer(self._model.encode_text, there)

    def _infer(
        self, encode: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor
    ) -> torch.Tensor:
        import torch  # noqa: PLC0415 - slow to import

        is_gpu = self.device.type == "cuda"
        half = torch.autocast(self.device.type, torch.bfloat16, enabled=is_gpu)
        with torch.inference_mode(), half:
            features = encode(batch)
        # Normalised in float32: in bfloat16 the lengths would be off by 0.4 %.
        return torch.nn.functional.normalize(features.float(), dim=-1)

    def _probe(self, choice: weights.Choice) -> int:
        """Embed a text, so that damaged weights show before anything is stored."""
        vector = self._text_vectors(self._texts.tokenize([PROBE])).cpu().numpy()
        if not are_unit(vector).all():
            raise ModelUnavailable(
                f"the weights of {self.name} are damaged: the vector of {PROBE!r} is "
                f"not finite.\n{weights.how_to_supply(choice)}"
            )
        return int(vector.shape[1])

    def _chunks(self, items: Iterable[T]) -> Iterator[list[T]]:
        chunk: list[T] = []
        for item in items:
            chunk.append(item)
            if len(chunk) == self.batch_size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _gather(self, encoded: Iterable[Encoded[T]]) -> NDArray[np.float32]:
        vectors = [np.empty((0, self.dimension), dtype=np.float32)]
        for part in encoded:
            for item, reason in part.refused:
                raise UsageError(f"{item}: {reason}")
            vectors.append(part.vectors)
        return np.concatenate(vectors)


def _open(image: Path | Image.Image) -> Image.Image:
    return read_image(image) if isinstance(image, Path) else image
