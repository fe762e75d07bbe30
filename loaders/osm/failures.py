"""What osm2pgsql's and the server's errors mean, and what can be done about them."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors

from skyscript_db.errors import (
    LoaderError,
    SkyscriptError,
    StorageError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class UnsortedError(UsageError):
    """The objects of a file are not in the order that osm2pgsql needs."""


_UNTOUCHED = "What was loaded before is untouched."

# The first pattern found in the errors decides.
_FAILURES: tuple[tuple[str, type[SkyscriptError], str], ...] = (
    (
        r"No space left on device|could not extend file|could not write",
        StorageError,
        "The server's disk is full: make room there and load again.",
    ),
    (
        r"bad_alloc|[Oo]ut of memory|could not allocate",
        LoaderError,
        "Memory ran out: about {needed_gb:.1f} GB are needed. Load again with less "
        "running beside it, or on a larger machine.",
    ),
    (
        r"appears more than once",
        UsageError,
        "Each object may be there once. From a history file, take one date with "
        "`osmium time-filter`; else sort it with `osmium sort` and merge it with "
        "`osmium merge`.",
    ),
    (
        r"not ordered",
        UnsortedError,
        "Sort the file first, `osmium sort IN.osm.pbf -o OUT.osm.pbf`, or install "
        "osmium-tool (db/install.sh does), and it is done for you.",
    ),
    (
        r"Negative OSM object ids",
        UsageError,
        "Give the objects ids of their own first: `osmium renumber`.",
    ),
    (
        r"deleted objects|OSM change file",
        UsageError,
        "It holds changes, not a state: take one date of a history file with "
        "`osmium time-filter`.",
    ),
    (
        r"tag (key|value) is too long",
        UsageError,
        "osm2pgsql takes keys and values of up to 1,024 bytes, and OSM itself of 255 "
        "characters: shorten the tag or remove it.",
    ),
    (
        r"invalid byte sequence|Unicode|character with byte sequence",
        UsageError,
        "A tag is not text in UTF-8, or the database's encoding cannot hold it: mend "
        "the file, and see that the database was made with ENCODING 'UTF8'.",
    ),
    (
        r"(PBF|XML|OPL|gzip|bzip2) (parsing )?error|XML entities|wrong format|"
        r"illegal|not allowed in",
        UsageError,
        "The file is damaged, cut short, or not what its name says: check it, or "
        "download it again.",
    ),
    (
        r"[Cc]onnecti(on|ng)|terminating|shut",
        LoaderError,
        "The connection to PostgreSQL was lost: see the server's log, then load again.",
    ),
    (
        r"ermission denied",
        LoaderError,
        "The database role may not do this: let an administrator grant it.",
    ),
)


def translate(
    messages: list[str], file_name: str, *, needed_bytes: int
) -> SkyscriptError:
    """Return the error to raise for what osm2pgsql said when it failed.

    Args:
        messages: Its errors, the cause among them.
        file_name: The file that it was reading.
        needed_bytes: Memory that it was expected to need.
    """
    said = messages[0].rstrip(".") if messages else "it gave no reason"
    text = "\n".join(messages)
    for pattern, kind, remedy in _FAILURES:
        if re.search(pattern, text):
            advice = remedy.format(needed_gb=needed_bytes / 1024**3)
            return kind(f"cannot load {file_name}: {said}.\n{advice} {_UNTOUCHED}")
    return LoaderError(
        f"osm2pgsql could not load {file_name}: {said}.\n"
        f"Check the file with `osmium check-refs`, and the server's log. {_UNTOUCHED}"
    )


@contextmanager
def explained() -> Iterator[None]:
    """Say what errors of PostgreSQL mean for a load."""
    try:
        yield
    except errors.DiskFull as error:
        raise StorageError(
            f"the server's disk is full ({error.diag.message_primary}): make room "
            "there and load again. What was loaded before is untouched"
        ) from error
    except errors.InsufficientPrivilege as error:
        raise LoaderError(
            f"this role may not do what a load needs ({error.diag.message_primary}): "
            "let an administrator make it the owner of the database"
        ) from error
    except errors.DependentObjectsStillExist as error:
        raise LoaderError(
            f"an object of yours depends on this extract's table "
            f"({error.diag.message_detail}): let it read osm.feature instead"
        ) from error
    except psycopg.OperationalError as error:
        raise LoaderError(
            f"the server stopped the load ({str(error).strip()}): see its log, then "
            "load again. What was loaded before is untouched"
        ) from error
