"""Vectors of tags by their nearness to landmarks, fixed tags spread over the labels.

A line through an encoder's vectors tells groundable tags worse than a comparison with
labelled ones does. So vectors are mapped before they are stored: the dot product of two
mapped ones is the RBF kernel ``exp(-GAMMA |x - y|^2)`` of the tags, as far as the
landmarks tell (C. Williams, M. Seeger: Using the Nystroem Method to Speed Up Kernel
Machines, NIPS 2000). A line through mapped vectors is then a kernel machine, and still
one dot product for each tag.

``landmarks.txt`` names tags and no verdicts: those next to the centres of k-means of
all labelled tags. Like the weights of an encoder it is part of what makes a vector, so
that other labels do not change vectors, and a changed file makes all of them anew.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

FILE = Path(__file__).with_name("landmarks.txt")
GAMMA = 2.0
# Added to the diagonal: tags that read alike would make the kernel singular.
JITTER = 1e-3


@cache
def tags() -> tuple[tuple[str, str], ...]:
    """Return the landmarks."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    split = (line.partition("=") for line in lines)
    return tuple((key, value) for key, _, value in split)


def fingerprint() -> str:
    """Return a hash of what decides the map, in hex."""
    told = f"{GAMMA} {JITTER} {tags()}"
    return hashlib.sha256(told.encode()).hexdigest()


def near(vectors: Vectors, landmarks: Vectors) -> Vectors:
    """Map unit vectors (n, dimension) to (n, n_landmarks), of length 1 at most.

    The factor is Cholesky's, not of eigenvectors: it moves little where an encoder
    rounds otherwise, so that what one machine learned holds for what another maps.
    """
    among = _kernel(landmarks, landmarks) + JITTER * np.eye(len(landmarks))
    factor = np.linalg.cholesky(among)
    mapped = np.linalg.solve(factor, _kernel(landmarks, vectors))
    return np.asarray(mapped.T, dtype=np.float32)


def _kernel(a: Vectors, b: Vectors) -> NDArray[np.float64]:
    cosine = a.astype(np.float64) @ b.astype(np.float64).T
    return np.asarray(np.exp(-GAMMA * np.maximum(2 - 2 * cosine, 0)), dtype=np.float64)
