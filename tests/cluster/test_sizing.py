from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db.cluster import sizing
from skyscript_db.cluster.sizing import Machine

if TYPE_CHECKING:
    from pathlib import Path

GB = 1024**3


def test_a_durable_server_takes_a_quarter_of_the_memory() -> None:
    machine = Machine(memory_bytes=16 * GB, cores=4, shm_bytes=8 * GB)
    settings = sizing.settings_for(machine)

    assert settings["shared_buffers"] == "4096MB"
    assert settings["maintenance_work_mem"] == "2048MB"
    assert settings["work_mem"] == "128MB"
    assert settings["max_parallel_workers_per_gather"] == "4"
    assert "dynamic_shared_memory_type" not in settings
    assert "fsync" not in settings


def test_a_small_machine_keeps_the_least_that_works() -> None:
    settings = sizing.settings_for(Machine(memory_bytes=GB // 4, cores=1, shm_bytes=GB))

    assert settings["shared_buffers"] == "64MB"
    assert settings["work_mem"] == "4MB"
    assert settings["max_parallel_workers_per_gather"] == "0"


def test_a_container_with_little_shared_memory_uses_another_kind() -> None:
    small = Machine(memory_bytes=16 * GB, cores=4, shm_bytes=GB // 16)

    assert sizing.settings_for(small)["dynamic_shared_memory_type"] == "sysv"


def test_limits_of_control_groups_of_version_2(tmp_path: Path) -> None:
    group = tmp_path / "user" / "job"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "user" / "memory.max").write_text(f"{2 * GB}\n")

    assert sizing.memory_limit("0::/user/job\n", root=tmp_path) == 2 * GB
    assert sizing.cpu_limit("0::/user/job\n", root=tmp_path) == 2


def test_limits_of_control_groups_of_version_1_in_a_container(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(f"{GB}\n")
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    membership = "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n"

    assert sizing.memory_limit(membership, root=tmp_path) == GB
    assert sizing.cpu_limit(membership, root=tmp_path) is None
