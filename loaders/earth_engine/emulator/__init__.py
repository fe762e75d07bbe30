"""A local stand-in for Earth Engine, to develop and test without an account.

It serves folders of GeoTIFF files over HTTP on the loopback, and speaks the Cloud API
as the client of Earth Engine does, which need not know the difference.
"""

from loaders.earth_engine.emulator.assets import Library
from loaders.earth_engine.emulator.misbehave import Misbehaviour, Rule
from loaders.earth_engine.emulator.network import Network
from loaders.earth_engine.emulator.server import Emulator

__all__ = ["Emulator", "Library", "Misbehaviour", "Network", "Rule"]
