"""Sizes the server's settings to the memory and the cores that it may use."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_MB = 1024**2
_GB = 1024**3
_CGROUPS = Path("/sys/fs/cgroup")
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - read for its size, never written


@dataclass(frozen=True, slots=True)
class Machine:
    """What the server may use, container limits included.

    Attributes:
        memory_bytes: Memory, shared with whatever else runs here.
        cores: Cores, at least one.
        shm_bytes: Size of ``/dev/shm``, which containers often keep at 64 MB.
    """

    memory_bytes: int
    cores: int
    shm_bytes: int


def measure() -> Machine:
    """Measure this machine."""
    membership = _read(Path("/proc/self/cgroup"))
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    has_shm = _SHARED_MEMORY.is_dir()
    return Machine(
        memory_bytes=min(memory, memory_limit(membership, root=_CGROUPS) or memory),
        cores=max(1, min(_cores(), cpu_limit(membership, root=_CGROUPS) or 4096)),
        shm_bytes=shutil.disk_usage(_SHARED_MEMORY).total if has_shm else memory,
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_limit(membership: str, *, root: Path) -> int | None:
    """Return the smallest memory limit in bytes of the groups that we are in.

    Args:
        membership: The text of ``/proc/self/cgroup``.
        root: Where the control groups are mounted, of version 1 or 2.
    """
    limits = [
        *_values(membership, "", root, "memory.max"),
        *_values(membership, "memory", root / "memory", "memory.limit_in_bytes"),
    ]
    return min((int(x) for x in limits if x.isdigit()), default=None)


def cpu_limit(membership: str, *, root: Path) -> int | None:
    """Return the smallest limit of cores, rounded up, of the groups that we are in."""
    limits = [text.split() for text in _values(membership, "", root, "cpu.max")]
    cpu = root / "cpu"
    quotas = _values(membership, "cpu", cpu, "cpu.cfs_quota_us")
    periods = _values(membership, "cpu", cpu, "cpu.cfs_period_us")
    limits += [[quota, period] for quota, period in zip(quotas, periods, strict=False)]
    return min(
        (-(-int(x[0]) // int(x[1])) for x in limits if x[0].isdigit()), default=None
    )


def _values(membership: str, controller: str, mount: Path, name: str) -> list[str]:
    """Read a file of our group and of all that hold it; version 2 has no controller.

    In a container the path may be the host's and absent here; its limit is then in
    the topmost folder.
    """
    texts = []
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller not in controllers.split(","):
            continue
        group = mount / path.lstrip("/")
        folders = [group, *group.parents]
        texts += [_read(x / name) for x in folders if x.is_relative_to(mount)]
    return [text for text in texts if text]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def settings_for(machine: Machine, *, durable: bool = True) -> dict[str, str]:
    """Return the settings that depend on the machine, and those that suit our work.

    Args:
        machine: What the server may use.
        durable: False for throw-away data: faster, lost in a crash of the machine,
            and small, since several such servers share it.
    """
    memory = machine.memory_bytes if durable else machine.memory_bytes // 8
    settings = _ACCESS | _WORK | _LOG | _memory(memory) | _workers(machine.cores)
    # A parallel index build and a parallel hash join keep their memory there.
    if machine.shm_bytes < memory // 4:
        settings["dynamic_shared_memory_type"] = "sysv"
    if hasattr(os, "posix_fadvise"):
        settings["effective_io_concurrency"] = "200"
    return settings if durable else settings | _THROW_AWAY


def _memory(memory: int) -> dict[str, str]:
    maintenance = _clamp(memory // 8, 64 * _MB, 16 * _GB)
    return {
        "shared_buffers": _mb(_clamp(memory // 4, 64 * _MB, 16 * _GB)),
        "effective_cache_size": _mb(memory * 6 // 10),
        # The graph of an HNSW index has to fit, or its build slows down manyfold.
        "maintenance_work_mem": _mb(maintenance),
        # Up to three autovacuum workers use it at a time.
        "autovacuum_work_mem": _mb(min(maintenance, 512 * _MB)),
        "work_mem": _mb(_clamp(memory // 128, 4 * _MB, 512 * _MB)),
    }


def _workers(cores: int) -> dict[str, str]:
    workers = min(cores, 8) if cores > 1 else 0
    return {
        "max_worker_processes": str(max(8, cores + 4)),
        "max_parallel_workers": str(workers and max(cores, workers)),
        "max_parallel_workers_per_gather": str(workers),
        "max_parallel_maintenance_workers": str(workers),
    }


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, high))


def _mb(n_bytes: int) -> str:
    return f"{n_bytes // _MB}MB"


_ACCESS = {
    "listen_addresses": "",
    # PGPORT in the environment would change it, and with it the socket's name.
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
}

_WORK = {
    # Nothing is replicated or archived, so bulk loads need not go through the log.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    # A query may touch every partition of several tables.
    "max_locks_per_transaction": "256",
    "timezone": "UTC",
}

# One file for each day of the week, begun anew when the day comes round.
_LOG = {
    "logging_collector": "on",
    "log_filename": "server-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%a@%d ",
    "log_timezone": "UTC",
}

_THROW_AWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}
