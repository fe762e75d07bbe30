"""DuckDB spatial: the join, and its rows written as Parquet."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import duckdb_extension_spatial
import protocol
import read

URL, FOLDER = sys.argv[1], Path(sys.argv[2])
OUTPUT = FOLDER / "duckdb.parquet"
_, *_parts = re.split(
    r"^-- name: (\w+)\n",
    Path(__file__).with_suffix(".sql").read_text("utf-8"),
    flags=re.M,
)
SQL = {
    name: text.replace("PARQUET", str(OUTPUT)).replace("CSV", str(FOLDER / "ours.csv"))
    for name, text in zip(_parts[::2], _parts[1::2], strict=True)
}


def connect() -> Any:
    package = Path(duckdb_extension_spatial.__file__).parent
    extension = next(package.rglob("spatial.duckdb_extension"))
    conn = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    conn.execute(f"LOAD '{extension}'")
    return conn


CONN = connect()


def load() -> dict[str, Any]:
    CONN.register("feature_rows", read.table(URL, read.FEATURES, read.FEATURE))
    CONN.register("chip_rows", read.table(URL, read.CHIPS, read.CHIP))
    CONN.execute(SQL["load"])
    CONN.unregister("feature_rows")
    CONN.unregister("chip_rows")
    return {}


def join() -> dict[str, Any]:
    n, checksum = CONN.execute(SQL["join"]).fetchone()
    return {"n": n, "checksum": int(checksum)}


def write() -> dict[str, Any]:
    began = time.perf_counter()
    CONN.execute(SQL["write"])
    seconds = time.perf_counter() - began
    n, checksum = CONN.execute(SQL["checksum"]).fetchone()
    return {"n": n, "checksum": int(checksum), "seconds": seconds}


def compare() -> dict[str, Any]:
    n_unmatched, n_different, largest = CONN.execute(SQL["compare"]).fetchone()
    return {"n_unmatched": n_unmatched, "n_different": n_different, "largest": largest}


protocol.serve({"load": load, "join": join, "write": write, "compare": compare})
