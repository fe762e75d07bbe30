"""STAC catalogues: items registered as scenes, and their pixels read by ranges."""

from loaders.stac.load import load
from loaders.stac.options import StacOptions

__all__ = ["StacOptions", "load"]
