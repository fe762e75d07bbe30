"""What the command line does, as functions for notebooks and scripts.

from skyscript_db import api

conn = api.connect()
api.describe(conn, "85.5195,27.6300,85.5215,27.6320", gsd_m=0.3)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from skyscript_db import area as areas
from skyscript_db import database, queries, schema
from skyscript_db.config import Settings
from skyscript_db.errors import SkyscriptError, UsageError
from skyscript_db.jobs import JOBS, collect_tags, ground_tags, runner
from skyscript_db.progress import LoggedProgress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from loaders.earth_engine.options import ServiceOptions
    from loaders.osm import OsmLoad
    from loaders.scenes import SceneLoad
    from loaders.stac import StacOptions
    from skyscript_db.jobs.runner import Counts, Job
    from skyscript_db.progress import Progress

SQL = queries.beside(__file__)


def connect(settings: Settings | None = None) -> psycopg.Connection[Any]:
    """Connect to the configured database, in autocommit mode.

    Starts our own cluster if no other server is named. An empty database, and our own
    at any time, is brought up to date first.

    Raises:
        ServerError: There is no server, or it lacks an extension.
        SchemaOutOfDate: A server of the user's own needs ``skyscript db upgrade``.
    """
    settings = settings or Settings()
    info = database.conninfo(settings)
    conn = database.connect(info)
    try:
        is_new = schema.current_revision(conn) is None
        is_ours = database.is_embedded(settings)
        if is_new or (is_ours and not schema.is_current(conn)):
            schema.upgrade(info)
        schema.check(conn)
        register_vector(conn)
    except BaseException:
        conn.close()
        raise
    return conn


def load_osm(
    conn: psycopg.Connection[Any],
    settings: Settings,
    path: Path,
    *,
    name: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> OsmLoad:
    """Load an OSM file, then collect and judge its tags, so that it can be described.

    Raises:
        UsageError: The file is not OSM data that can be read.
        LoaderError: The load failed; what was loaded before is untouched.
    """
    from loaders import osm  # noqa: PLC0415 - a command pays only for what it uses

    progress = progress or LoggedProgress()
    result = osm.load(
        conn,
        database.conninfo(settings),
        path,
        name=name,
        force=force,
        progress=progress,
    )
    # Also after a load that was killed between its swap and this.
    if conn.execute(SQL.are_tags_stale).fetchone() == (True,):
        _refresh_tags(conn, settings, progress)
    return result


def remove_osm(conn: psycopg.Connection[Any], settings: Settings, name: str) -> None:
    """Remove an extract; objects that others hold too stay, in their version.

    Raises:
        UsageError: No extract has this name.
    """
    from loaders import osm  # noqa: PLC0415 - a command pays only for what it uses

    osm.remove(conn, name)
    _refresh_tags(conn, settings, LoggedProgress())


def _refresh_tags(
    conn: psycopg.Connection[Any], settings: Settings, progress: Progress
) -> None:
    for job in (collect_tags, ground_tags):
        runner.run(job, runner.Work(conn, settings, progress=progress))


def load_earth_engine(
    conn: psycopg.Connection[Any],
    settings: Settings,
    options: ServiceOptions,
    *,
    progress: Progress | None = None,
) -> SceneLoad:
    """Load images of an Earth Engine collection as scenes; pixels stay there.

    Raises:
        UsageError: The options match nothing, or a login or a project is missing.
        LoaderError: Earth Engine has no such asset.
        CredentialsExpired: It does not accept the login or the project.
        RequestFailed: It does not answer; what was loaded before stays.
    """
    # A command pays only for what it uses.
    from loaders.earth_engine import load  # noqa: PLC0415

    return load.load(
        conn,
        settings,
        database.conninfo_of(conn),
        options,
        progress or LoggedProgress(),
    )


def load_stac(
    conn: psycopg.Connection[Any],
    settings: Settings,
    catalogue: str,
    options: StacOptions,
    *,
    progress: Progress | None = None,
) -> SceneLoad:
    """Load items of a STAC catalogue, by its address or an entry's name, as scenes.

    Raises:
        UsageError: There is no such catalogue or collection, or nothing can match.
        RequestFailed: The catalogue does not answer; what was loaded before stays.
    """
    from loaders import stac  # noqa: PLC0415 - a command pays only for what it uses

    return stac.load(
        conn,
        settings,
        database.conninfo_of(conn),
        catalogue,
        options,
        progress=progress or LoggedProgress(),
    )


def job_named(name: str) -> Job:
    """Return a job by its name.

    Raises:
        UsageError: No job has this name.
    """
    jobs = {runner.name_of(job): job for job in JOBS}
    if name not in jobs:
        raise UsageError(f"no job named {name!r}; the jobs are: {', '.join(jobs)}")
    return jobs[name]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job of a build."""

    job: str
    unit: str
    counts: Counts | None = None
    error: SkyscriptError | None = None


def build(work: runner.Work) -> Iterator[Outcome]:
    """Run all jobs in order, yielding the outcome of each.

    A job that fails for want of something, such as the weights of a model, does not
    stop those that can do without it; its error is in its outcome.
    """
    for job in JOBS:
        name = runner.name_of(job)
        try:
            yield Outcome(name, job.UNIT, runner.run(job, work))
        except SkyscriptError as error:
            yield Outcome(name, job.UNIT, error=error)


def describe(
    conn: psycopg.Connection[Any], area: str, *, gsd_m: float, recipe: str = ""
) -> str | None:
    """Return the caption of an area at a GSD in metres, None if nothing can be seen.

    ``recipe`` is a recipe's name or a style, paper or plain.

    Raises:
        UsageError: The area is not one, or the GSD is none of a camera.
    """
    if not 0.001 <= gsd_m <= 100_000:
        raise UsageError(
            f"the GSD is in metres a pixel, from 0.001 to 100000, not {gsd_m:g}"
        )
    values = {
        "area": areas.parse(conn, area),
        "gsd_m": gsd_m,
        "recipe": recipe or Settings().shown_recipe,
    }
    with database.explained():
        row = conn.execute(SQL.describe, values).fetchone()
    return row[0] if row else None


@dataclass(frozen=True, slots=True)
class Hit:
    """A chip that a search found.

    Attributes:
        similarity: Cosine similarity of the chip and the query.
        plan: How it was found: exact, hnsw, or both.
        image_path: The image file, relative to the folder of chips.
    """

    chip_id: int
    similarity: float
    caption: str | None
    image_path: str
    collection: str
    gsd_m: float
    lon: float
    lat: float
    osm_type: str
    osm_id: int
    plan: str


def search(
    conn: psycopg.Connection[Any],
    settings: Settings,
    text: str,
    *,
    k: int = 10,
    area: str | None = None,
    tags: dict[str, str] | None = None,
    collections: list[str] | None = None,
    split: str | None = None,
    split_scheme: str | None = None,
) -> list[Hit]:
    """Return the k chips nearest in meaning to a text, nearest first.

    Their captions are those of the first configured recipe, None where it told nothing.

    Raises:
        ModelUnavailable: The weights of the configured CLIP cannot be had.
        ModelMismatch: No chip was embedded by it.
        UsageError: The area is not one, or an option is out of its range.
    """
    from skyscript_db import clip, embeddings  # noqa: PLC0415 - imports torch

    model = clip.load(settings)
    values = {
        "query": HalfVector(model.encode_texts([text])[0]),
        "model_id": embeddings.find(conn, model).id,
        "k": k,
        "area": areas.parse(conn, area) if area else None,
        "tags": Jsonb(tags) if tags else None,
        "collections": collections,
        "split": split,
        "split_scheme": split_scheme,
        "recipe": settings.shown_recipe,
    }
    with database.explained(), conn.cursor(row_factory=class_row(Hit)) as cursor:
        return cursor.execute(SQL.search, values).fetchall()
