"""shapely: the join by an STRtree, and its rows written as Parquet by pyarrow.

One thread. Features that cross an edge are cut by ``clip_by_rect``, as the job does;
those that merely touch one are empty then, which the fractions are zero for.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import protocol
import pyarrow as pa
import pyarrow.parquet as pq
import read
import shapely

URL, FOLDER = sys.argv[1], Path(sys.argv[2])
CHIPS_AT_A_TIME = 5000
STATE: dict[str, Any] = {}


def load() -> dict[str, Any]:
    features = read.table(URL, read.FEATURES, read.FEATURE)
    chips = read.table(URL, read.CHIPS, read.CHIP)
    STATE["geoms"] = shapely.from_wkb(features["geom"].to_numpy())
    STATE["footprints"] = shapely.from_wkb(chips["footprint"].to_numpy())
    STATE["features"] = features.drop_columns("geom").combine_chunks()
    STATE["chips"] = chips.drop_columns("footprint").combine_chunks()
    STATE["feature_id"] = STATE["features"]["osm_id"].to_numpy()
    types = STATE["features"]["osm_type"].to_numpy(zero_copy_only=False)
    STATE["feature_type"] = np.array([ord(x) for x in types])
    STATE["chip_id"] = STATE["chips"]["id"].to_numpy()
    return {}


def pairs() -> Any:
    """Return (chip, feature) positions, in the order of the chips."""
    tree = shapely.STRtree(STATE["geoms"])
    return tree.query(STATE["footprints"], predicate="intersects")


def summed(chip: Any, feature: Any) -> dict[str, Any]:
    ids = STATE["feature_id"][feature] % 999983
    sums = STATE["chip_id"][chip] % 1000003 * ids + STATE["feature_type"][feature]
    return {"n": len(chip), "checksum": int(sums.sum())}


def join() -> dict[str, Any]:
    return summed(*pairs())


def write() -> dict[str, Any]:
    began = time.perf_counter()
    chip, feature = pairs()
    firsts = np.arange(0, len(STATE["chip_id"]), CHIPS_AT_A_TIME)
    bounds = [*np.searchsorted(chip, firsts), len(chip)]
    writer = None
    for first, last in itertools.pairwise(bounds):
        rows = links(chip[first:last], feature[first:last])
        if writer is None:
            writer = pq.ParquetWriter(FOLDER / "shapely.parquet", rows.schema)
        writer.write_table(rows)
    if writer is not None:
        writer.close()
    seconds = time.perf_counter() - began
    return summed(chip, feature) | {"seconds": seconds}


def links(chip: Any, feature: Any) -> Any:
    """Return the rows of some pairs as an Arrow table."""
    geoms, areas = STATE["geoms"][feature], STATE["footprints"][chip]
    box, area_box = shapely.bounds(geoms), shapely.bounds(areas)
    inside = (box[:, :2] > area_box[:, :2]).all(1) & (box[:, 2:] < area_box[:, 2:]).all(
        1
    )
    parts = geoms.copy()
    cut = np.flatnonzero(~inside)
    for i in cut:
        parts[i] = shapely.clip_by_rect(geoms[i], *area_box[i])
    table = STATE["features"].take(pa.array(feature))
    kind = table["kind"].to_numpy(zero_copy_only=False)
    fraction = np.ones(len(chip))
    for name, measure in (("a", shapely.area), ("w", shapely.length)):
        some = cut[kind[cut] == name]
        whole = measure(geoms[some])
        share = measure(parts[some]) / np.where(whole > 0, whole, np.inf)
        fraction[some] = np.minimum(1, share)
    seen = shapely.bounds(parts)
    chips = STATE["chips"].take(pa.array(chip))
    sides = (seen[:, 2:] - seen[:, :2]) / (area_box[:, 2:] - area_box[:, :2])
    focus = (chips["osm_id"].to_numpy() == table["osm_id"].to_numpy()) & (
        chips["osm_type"].to_numpy(zero_copy_only=False)
        == table["osm_type"].to_numpy(zero_copy_only=False)
    )
    added = {
        "chip_id": chips["id"],
        "role": np.where(focus, "focus", "surrounding"),
        "visible_fraction": fraction.astype(np.float32),
        "width_px": (sides[:, 0] * chips["width_px"].to_numpy()).astype(np.float32),
        "height_px": (sides[:, 1] * chips["height_px"].to_numpy()).astype(np.float32),
        "touches_edge": ~inside,
    }
    for name, values in added.items():
        table = table.append_column(
            name, pa.array(values) if isinstance(values, np.ndarray) else values
        )
    return table


protocol.serve({"load": load, "join": join, "write": write})
