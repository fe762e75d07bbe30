"""OpenStreetMap files, loaded by osm2pgsql into osm.feature."""

from loaders.osm.imports import Extract, extracts
from loaders.osm.load import OsmLoad, load, remove

__all__ = ["Extract", "OsmLoad", "extracts", "load", "remove"]
