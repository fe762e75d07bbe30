"""Local GeoTIFF and COG files, registered as scenes."""

from loaders.rasters.load import load
from loaders.rasters.options import RasterLoad, RasterOptions
from loaders.scenes import Outcome

__all__ = ["Outcome", "RasterLoad", "RasterOptions", "load"]
