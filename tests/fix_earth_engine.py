"""An Earth Engine for tests: the emulator, over rasters that a test writes."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loaders.earth_engine.emulator import Emulator, Rule
from loaders.earth_engine.emulator.counts import Counts
from tests.fix_rasters import write_raster

PROJECT = "skyscript-test"


@dataclass(frozen=True)
class EarthEngine:
    """The emulator as a test sees it.

    Attributes:
        url: For SKYSCRIPT_EARTH_ENGINE_URL.
        project: For SKYSCRIPT_EARTH_ENGINE_PROJECT.
        folder: Where the collections' files are.
        emulator: The server itself.
    """

    url: str
    project: str
    folder: Path
    emulator: Emulator

    @property
    def counts(self) -> Counts:
        """What was asked of it."""
        return self.emulator.counts

    def misbehave(self, kind: str | int, **rule: Any) -> None:
        """Add a fault: ``misbehave(429, path="computePixels", first=3)``."""
        self.emulator.misbehaviour.add(Rule(str(kind), **rule))

    def behave(self) -> None:
        """Drop all faults."""
        self.emulator.misbehaviour.clear()

    def add(
        self,
        collection: str,
        name: str,
        pixels: np.ndarray,
        about: str = "",
        **options: Any,
    ) -> Path:
        """Write an image of (bands, height, width), and what is said of it as TOML."""
        path = write_raster(self.folder / collection / f"{name}.tif", pixels, **options)
        if about:
            path.with_suffix(".toml").write_text(about)
        return path

    def describe(self, collection: str, about: str) -> None:
        """Write what is said of a collection, as TOML."""
        (self.folder / collection).mkdir(parents=True, exist_ok=True)
        (self.folder / collection / "collection.toml").write_text(about)

    def initialize(self) -> None:
        """Point the real client at it; what fails is not tried again."""
        import ee
        from google.auth.credentials import AnonymousCredentials

        ee.data.setMaxRetries(0)
        ee.Initialize(AnonymousCredentials(), url=self.url, project=self.project)


@pytest.fixture
def earth_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EarthEngine]:
    """Serve an empty folder; the client is fresh before and after."""
    folder = tmp_path / "earth-engine"
    folder.mkdir()
    with _no_outside(monkeypatch), Emulator.of_folder(folder) as emulator:
        yield EarthEngine(emulator.url, PROJECT, folder, emulator)
        _forget_client()


@contextmanager
def _no_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the client's look for deprecated assets fail at once, at a closed port.

    It asks an address outside when it is initialized, and ignores a failure.
    """
    _forget_client()
    urllib.request.install_opener(None)  # it keeps the proxies of its first use
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    yield
    urllib.request.install_opener(None)


def _forget_client() -> None:
    import ee  # takes most of a second: only tests that need it wait for it

    session = ee.data._get_state().requests_session
    if session is not None:
        session.close()
    ee.Reset()
