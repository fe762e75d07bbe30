"""Fixtures for all tests; each resource has its own ``fix_*.py``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from skyscript_db.config import Settings

pytest_plugins = [
    "tests.fix_server",
    "tests.fix_database",
    "tests.fix_rows",
    "tests.fix_clip",
    "tests.fix_llm",
    "tests.fix_project",
    "tests.fix_stac",
    "tests.fix_stages",
    "tests.fix_earth_engine",
]

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real extracts and images, or skip where it is absent."""
    folder = Path(os.environ.get("SKYSCRIPT_TEST_DATA", ROOT / "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"real data absent: no folder {folder} (set SKYSCRIPT_TEST_DATA)")
    return folder.resolve()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with a home of the test's own, whatever the environment says."""
    for name in [name for name in os.environ if name.startswith("SKYSCRIPT_")]:
        if not name.startswith("SKYSCRIPT_TEST_"):
            monkeypatch.delenv(name)
    return Settings(home=tmp_path / "home", workers=2)
