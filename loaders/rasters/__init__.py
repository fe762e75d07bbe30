"""Local GeoTIFF and COG files, registered as scenes."""

from loaders.rasters.load import load
from loaders.rasters.options import Outcome, RasterLoad, RasterOptions

__all__ = ["Outcome", "RasterLoad", "RasterOptions", "load"]
