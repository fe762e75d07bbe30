from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from skyscript_db.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster in a new home that every user may enter; not made yet."""
    with tempfile.TemporaryDirectory(prefix="skyscript-test-") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder) / "home")
        try:
            yield cluster
        finally:
            cluster.reset()


@pytest.fixture(scope="session")
def shared() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="skyscript-test-") as folder:
        cluster = Cluster(Path(folder))
        try:
            yield cluster
        finally:
            cluster.reset()


@pytest.fixture
def running(shared: Cluster) -> Cluster:
    """A cluster that runs, whatever the test before did to it; keeps its data."""
    shared.start(durable=False)
    return shared
