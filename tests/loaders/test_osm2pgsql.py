"""How osm2pgsql is sized and called, and how its output is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from loaders.osm import memory, osm2pgsql
from loaders.osm.memory import Sizing
from skyscript_db.errors import LoaderError

GB = 1024**3
MB = 1024**2


@pytest.mark.parametrize(
    ("pbf_bytes", "memory_bytes", "expected"),
    [
        (4 * GB, 12 * GB, Sizing(11 * GB)),
        (4 * GB, 10 * GB, Sizing(11 * GB, is_slim=True, cache_mb=5 * 1024)),
        (200 * MB, 1 * GB, Sizing(1524 * MB, is_slim=True, cache_mb=500)),
        (80 * GB, 64 * GB, Sizing(201 * GB, is_slim=True, has_flat_nodes=True)),
        (80 * GB, 256 * GB, Sizing(201 * GB)),
        # A small file loads in memory on a small machine.
        (3 * MB, 512 * MB, Sizing(1024 * MB + 7864320)),
    ],
)
def test_sizing_follows_file_and_memory(
    pbf_bytes: int, memory_bytes: int, expected: Sizing
) -> None:
    assert memory.size_for(pbf_bytes, memory_bytes) == expected


def test_free_memory_is_some_of_this_machine() -> None:
    assert 64 * MB < memory.free_memory() < 1024**5


def test_room_for_node_locations_is_checked(tmp_path: Path) -> None:
    free = memory.shutil.disk_usage(tmp_path).free
    if free < 120 * GB:
        with pytest.raises(LoaderError, match="set TMPDIR"):
            memory.check_room(tmp_path)
    else:
        memory.check_room(tmp_path)


def test_file_of_node_locations_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "_FLAT_NODES_BYTES", 0)
    monkeypatch.setattr(memory.tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "skyscript-x" / "nodes"
    left.parent.mkdir()
    left.write_text("of a run that was killed", encoding="ascii")
    with memory.flat_nodes_file("x") as path:
        assert path == left
        assert not path.exists()
        path.write_text("of this run", encoding="ascii")
    assert list(tmp_path.iterdir()) == []


def test_arguments_in_memory() -> None:
    assert osm2pgsql.arguments(
        Path("/data/a.osm.pbf"), schema="osm_load_x", sizing=Sizing(GB)
    ) == [
        "--create",
        "--output=flex",
        f"--style={osm2pgsql.STYLE}",
        "--schema=osm_load_x",
        "--extra-attributes",
        "--log-level=debug",
        "--log-progress=true",
        "/data/a.osm.pbf",
    ]


def test_arguments_on_disk() -> None:
    words = osm2pgsql.arguments(
        Path("/data/a.osm.pbf"),
        schema="s",
        sizing=Sizing(GB, is_slim=True, has_flat_nodes=True),
        flat_nodes=Path("/tmp/nodes"),  # noqa: S108 - never made
    )
    assert words[7:] == [
        "--slim",
        "--drop",
        "--cache=0",
        "--flat-nodes=/tmp/nodes",
        "/data/a.osm.pbf",
    ]


def test_environment_holds_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c geqo=off")
    monkeypatch.setenv("PGPORT", "1")
    env = osm2pgsql.environment(
        "postgresql://me:s%20ecret@db.example:5433/sky?sslmode=require",
        application_name="osm_load_x",
    )
    assert {k: v for k, v in env.items() if k.startswith("PG")} == {
        "PGUSER": "me",
        "PGPASSWORD": "s ecret",
        "PGHOST": "db.example",
        "PGPORT": "5433",
        "PGDATABASE": "sky",
        "PGSSLMODE": "require",
        "PGAPPNAME": "osm_load_x",
        "PGOPTIONS": "-c geqo=off -c statement_timeout=0 "
        "-c default_statistics_target=1",
    }


LOG = """\
2026-01-01 00:00:00  osm2pgsql version 2.1.1
2026-01-01 00:00:00  WARNING: Ignored node 5 (version 1) with invalid location.
2026-01-01 00:00:00  WARNING: Ignored node 6 (version 0) with invalid location.
Processing: Node(12k 12.0k/s) Way(0k 0.00k/s) Relation(0 0.0/s)
Processing: Node(40k 20.0k/s) Way(7k 3.50k/s) Relation(110 55.0/s)
2026-01-01 00:00:00  DEBUG: Missing nodes in way 6: 97,98
2026-01-01 00:00:00  WARNING: Relation id 9 ignored, because it has more than 32767 members
2026-01-01 00:00:02  Reading input files done in 2s.
2026-01-01 00:00:02    Processed 40123 nodes in 1s - 40k/s
2026-01-01 00:00:02    Processed 7456 ways in 1s - 7k/s
2026-01-01 00:00:02    Processed 118 relations in 0s - 118/s
"""  # noqa: E501 - as osm2pgsql prints it


def test_log_tells_what_was_read_and_ignored() -> None:
    steps: list[int] = []
    log = osm2pgsql.read_log(LOG.splitlines(), on_read=steps.append)
    assert log == osm2pgsql.Log(
        n_read={"nodes": 40123, "ways": 7456, "relations": 118},
        ignored={"location outside the world": 2, "too many members": 1},
        misses_nodes=True,
        errors=[],
    )
    assert steps == [12_000, 47_110]


def test_log_keeps_the_errors() -> None:
    lines = ["2026-01-01 00:00:00  ERROR: DB copy failed: ERROR:  bad", "CONTEXT: x"]
    log = osm2pgsql.read_log(lines, on_read=lambda _: None)
    assert log.errors == ["DB copy failed: ERROR:  bad"]
