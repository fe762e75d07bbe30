"""What Earth Engine is asked to compute of an image: its colours as bytes.

The arithmetic is that of ``rasters.to_8_bits``, step by step in double precision, so
that a chip is the same whether it was stretched there or here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ee

if TYPE_CHECKING:
    from collections.abc import Mapping

# What comes back; cloud only where a collection tells it.
BANDS = ("red", "green", "blue", "valid", "cloud")


def expression(
    asset: str, bands: Mapping[str, Any], stretch: Mapping[str, Any]
) -> ee.Image:
    """Return red, green, blue, valid and, where it is known, cloud, as bytes.

    A pixel is valid where any colour holds data, and black where one holds none.
    """
    image = ee.Image(asset)
    colours = image.select(list(bands["rgb"]), list(BANDS[:3]))
    valid = colours.mask().reduce(ee.Reducer.max()).gt(0).toByte().rename("valid")
    computed = _stretched(colours, stretch).unmask(0).addBands(valid)
    if "cloud" in bands:
        computed = computed.addBands(_cloud(image, bands["cloud"]))
    return computed


def _stretched(colours: ee.Image, stretch: Mapping[str, Any]) -> ee.Image:
    if stretch["method"] == "none":
        return colours.toByte()
    low = [float(value) for value in stretch["min"]]
    high = [float(value) for value in stretch["max"]]
    span = [last - first for first, last in zip(low, high, strict=True)]
    return (
        colours.toDouble()
        .subtract(ee.Image.constant(low))
        .divide(ee.Image.constant(span))
        .multiply(255)
        .add(0.5)
        .floor()
        .clamp(0, 255)
        .toByte()
    )


def _cloud(image: ee.Image, told: Mapping[str, Any]) -> ee.Image:
    band = image.select([told["band"]], ["cloud"])
    if "bits" in told:
        bits = sum(1 << bit for bit in told["bits"])
        cloudy = band.bitwiseAnd(bits).neq(0)
    else:
        values = list(told["values"])
        cloudy = band.remap(values, [1] * len(values), 0)
    found: ee.Image = cloudy.unmask(0).toByte().rename("cloud")
    return found
