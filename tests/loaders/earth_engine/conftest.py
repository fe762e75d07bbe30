import pytest

from skyscript_db.config import Settings
from tests.fix_earth_engine import EarthEngine
from tests.loaders.earth_engine.helpers import settings_for


@pytest.fixture
def ready(settings: Settings, earth_engine: EarthEngine) -> Settings:
    """Return settings that lead to the emulator."""
    return settings_for(settings, earth_engine)
