"""Make collections of scenes out of a picture, as an archive of imagery holds them.

    python -m examples.helsinki.scenes fine PICTURE.tif FOLDER
    python -m examples.helsinki.scenes coarse PICTURE.tif FOLDER

``fine`` cuts it into four quarters that overlap. ``coarse`` averages it to 10 m and
stores reflectance times 10,000 in 16 bits, as Sentinel-2's archive does, so that it
takes a stretch to see anything. Both stay as synthetic as the picture is.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.windows import Window

OVERLAP_PX = 512
COARSE_M = 10.0
# What a value of 255 stands for; the stretch that undoes it is 0 to 3000.
BRIGHTEST = 3000


def fine(picture: Path, folder: Path) -> list[Path]:
    """Cut a picture into quarters, named by their place; return the files."""
    with rasterio.open(picture) as source:
        return [
            _cut(source, window, folder / f"{picture.stem}_{name}.tif")
            for name, window in _quarters(source.width, source.height).items()
        ]


def _quarters(width: int, height: int) -> dict[str, Window]:
    wide = min(width, width // 2 + OVERLAP_PX)
    high = min(height, height // 2 + OVERLAP_PX)
    east, south = width - wide, height - high
    return {
        "nw": Window(0, 0, wide, high),
        "ne": Window(east, 0, wide, high),
        "sw": Window(0, south, wide, high),
        "se": Window(east, south, wide, high),
    }


def _cut(source: Any, window: Window, out: Path) -> Path:
    profile = {
        "width": int(window.width),
        "height": int(window.height),
        "transform": source.window_transform(window),
        "photometric": "RGB",
    }
    return _write(source, source.read(window=window), out, ("R", "G", "B"), **profile)


def coarse(picture: Path, folder: Path) -> Path:
    """Average a picture to 10 m, as 16-bit reflectance; return the file."""
    with rasterio.open(picture) as source:
        times = COARSE_M / source.res[0]
        width, height = int(source.width / times), int(source.height / times)
        # Whole pixels only: what is left over at the right and below goes.
        window = Window(0, 0, width * times, height * times)
        values = source.read(
            window=window,
            out_shape=(3, height, width),
            resampling=Resampling.average,
        )
        reflectance = np.rint(values * (BRIGHTEST / 255)).astype(np.uint16)
        profile = {
            "dtype": "uint16",
            "width": width,
            "height": height,
            "transform": source.transform * source.transform.scale(times),
        }
        out = folder / f"{picture.stem}.tif"
        return _write(source, reflectance, out, ("B4", "B3", "B2"), **profile)


def _write(
    source: Any, values: np.ndarray, out: Path, names: tuple[str, ...], **profile: Any
) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    common = {"driver": "GTiff", "count": 3, "dtype": "uint8", "crs": source.crs}
    layout = {"tiled": True, "compress": "deflate"}
    with rasterio.open(out, "w", **{**common, **layout, **profile}) as image:
        image.update_tags(**source.tags())
        image.descriptions = names
        image.write(values)
    out.with_suffix(".toml").write_text(_facts(source), encoding="utf-8")
    return out


def _facts(source: Any) -> str:
    """Return what the archive says of a scene, for the emulator."""
    date = source.tags().get("TIFFTAG_DATETIME", "")[:10].replace(":", "-")
    start = f"start = {date}\n" if date else ""
    return f"{start}[properties]\nCLOUDY_PIXEL_PERCENTAGE = 0\n"


def main() -> None:
    """Make what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kind", choices=["fine", "coarse"])
    parser.add_argument("picture", type=Path, help="what examples.helsinki.render made")
    parser.add_argument("folder", type=Path, help="of the collection")
    args = parser.parse_args()
    (fine if args.kind == "fine" else coarse)(args.picture, args.folder)
    print(f"wrote {args.kind} scenes into {args.folder}")


if __name__ == "__main__":
    main()
