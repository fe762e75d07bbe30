"""Which versions of PostgreSQL, PostGIS and pgvector serve, and which to warn of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from skyscript_db import paths
from skyscript_db.errors import ServerError

if TYPE_CHECKING:
    import psycopg

Version = tuple[int, ...]

MINIMUM_POSTGRESQL = 15
MINIMUM_EXTENSIONS: dict[str, Version] = {"postgis": (3,), "vector": (0, 8)}
PRODUCTS = {"postgis": "PostGIS", "vector": "pgvector"}

# The first minor of each major that mends the security faults known to us.
SOUND_MINORS = {15: 19, 16: 15, 17: 11, 18: 6}
SOUND_PGVECTOR: Version = (0, 8, 6)

_EXTENSIONS = """
SELECT
    available.name,
    array_agg(available.version) AS versions,
    max(available.version) FILTER (WHERE available.installed) AS installed
FROM pg_available_extension_versions AS available
WHERE available.name IN ('postgis', 'vector')
GROUP BY available.name
"""


def remedy() -> str:
    """Say how a machine gets a server that serves."""
    return (
        f"Run {paths.DB / 'install.sh'} (Debian, Ubuntu), or install PostgreSQL "
        f"{MINIMUM_POSTGRESQL}+ with PostGIS 3+ and pgvector 0.8+ by your system's "
        "package manager, or point SKYSCRIPT_DATABASE_URL at a server that has them."
    )


def parse(text: str) -> Version:
    """Return the leading numbers of a version: ``"3.3.2dev"`` is ``(3, 3, 2)``."""
    match = re.match(r"\d+(?:\.\d+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def show(version: Version) -> str:
    """Write a version as people do."""
    return ".".join(str(part) for part in version)


def extension_fault(name: str, version: Version | None) -> str | None:
    """Return what is wrong with an extension of this version, or None if it serves."""
    product, minimum = PRODUCTS[name], MINIMUM_EXTENSIONS[name]
    if version is None:
        return f"{product} is missing"
    if version < minimum:
        return f"{product} {show(version)} is older than {show(minimum)}"
    return None


def warnings_for(*, postgresql: Version, pgvector: Version) -> list[str]:
    """Return what the user should mend soon, each with its remedy.

    Args:
        postgresql: The major and minor of the server, such as ``(15, 20)``.
        pgvector: The version of the extension.
    """
    warnings = []
    sound = SOUND_MINORS.get(postgresql[0])
    if sound and postgresql[1:] < (sound,):
        warnings.append(
            f"PostgreSQL {show(postgresql)} has security faults that "
            f"{postgresql[0]}.{sound} mends: update its package and restart it."
        )
    if pgvector < SOUND_PGVECTOR:
        warnings.append(
            f"pgvector {show(pgvector)} has faults in its indexes that "
            f"{show(SOUND_PGVECTOR)} mends: install that or a later release, run "
            "ALTER EXTENSION vector UPDATE, and REINDEX the HNSW indexes."
        )
    return warnings


def check_extensions(conn: psycopg.Connection[Any]) -> list[str]:
    """Check that a server, ours or the user's, has all that the schema needs.

    The extensions must be available; whether the database has created them is left
    to the caller.

    Returns:
        The warnings of ``warnings_for``.

    Raises:
        ServerError: PostgreSQL, PostGIS or pgvector is missing or too old.
    """
    number = conn.info.server_version
    postgresql = (number // 10_000, number % 10_000)
    if postgresql[0] < MINIMUM_POSTGRESQL:
        raise ServerError(
            f"The server is PostgreSQL {show(postgresql)}, older than "
            f"{MINIMUM_POSTGRESQL}. {remedy()}"
        )
    available, installed = _extensions(conn)
    _raise_faults(available, installed)
    return warnings_for(
        postgresql=postgresql, pgvector=installed.get("vector", available["vector"])
    )


def _extensions(
    conn: psycopg.Connection[Any],
) -> tuple[dict[str, Version], dict[str, Version]]:
    """Return the newest available version of each extension, and the one in use."""
    available, installed = {}, {}
    with conn.cursor() as cursor:
        for name, versions, current in cursor.execute(_EXTENSIONS):
            available[name] = max(parse(version) for version in versions)
            if current is not None:
                installed[name] = parse(current)
    return available, installed


def _raise_faults(available: dict[str, Version], installed: dict[str, Version]) -> None:
    faults = [extension_fault(name, available.get(name)) for name in PRODUCTS]
    if any(faults):
        raise ServerError(
            f"The server lacks what SkyScript DB needs: "
            f"{', '.join(filter(None, faults))}. {remedy()}"
        )
    for name, version in installed.items():
        if fault := extension_fault(name, version):
            raise ServerError(
                f"In this database {fault}, though the server has "
                f"{show(available[name])}. Run ALTER EXTENSION {name} UPDATE."
            )
