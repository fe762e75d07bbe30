from __future__ import annotations

import psycopg
import pytest

from skyscript_db.cluster import (
    check_extensions,
    warnings_for,
)


def test_the_suite_server_passes_the_check(server_url: str) -> None:
    with psycopg.connect(server_url) as conn:
        assert isinstance(check_extensions(conn), list)


@pytest.mark.parametrize(
    ("postgresql", "pgvector", "starts"),
    [
        ((17, 11), (0, 8, 6), []),
        ((17, 10), (0, 8, 6), ["PostgreSQL 17.10 has security faults that 17.11"]),
        ((15, 20), (0, 8, 0), ["pgvector 0.8.0 has faults in its indexes that 0.8.6"]),
        ((19, 0), (0, 9), []),
    ],
)
def test_warnings_name_the_release_that_mends(
    postgresql: tuple[int, ...], pgvector: tuple[int, ...], starts: list[str]
) -> None:
    warnings = warnings_for(postgresql=postgresql, pgvector=pgvector)

    assert len(warnings) == len(starts)
    for warning, start in zip(warnings, starts, strict=True):
        assert warning.startswith(start)
