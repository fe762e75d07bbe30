"""A project built in peace, with a copy of it from before each job."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from skyscript_db import api
from skyscript_db.config import Settings
from skyscript_db.jobs import JOBS
from skyscript_db.jobs.runner import Work, name_of, run
from tests import fix_project
from tests.faults import state, victim
from tests.faults.state import State
from tests.faults.victim import Ended, Misfortune, Running
from tests.fix_project import Project
from tests.fix_server import create_database, drop_database


@dataclass(frozen=True)
class Site:
    """A database and a home, and commands that run on them."""

    conn: psycopg.Connection[Any]
    settings: Settings
    folder: Path

    def run(self, *words: str, fate: Misfortune | None = None) -> Ended:
        return self.start(*words, fate=fate).end()

    def start(self, *words: str, fate: Misfortune | None = None) -> Running:
        variables = fix_project.environment(self.settings)
        return victim.start(words, variables, self.folder, fate)

    def build(self) -> State:
        """Build what is left; return the state, once it is known to be whole."""
        fix_project.build(self.conn, self.settings)
        return state.check_whole(self.conn, self.settings)

    def ledger(self, job: str) -> list[tuple[str, str | None]]:
        return self.conn.execute(
            "SELECT status, error FROM skyscript.job_run WHERE job = %s ORDER BY id",
            [job],
        ).fetchall()


@dataclass(frozen=True)
class Stages:
    """Databases as they were before each job, and the state at the end."""

    server_url: str
    template: str
    folder: Path
    project: Project
    names: dict[str, str] = field(default_factory=dict)
    final: list[State] = field(default_factory=list)

    @contextmanager
    def site(self, folder: Path, *, before: str | None = None) -> Iterator[Site]:
        """Give a copy from before a job, or from before everything."""
        name = f"site_{uuid.uuid4().hex[:12]}"
        source = self.template if before is None else self.names[before]
        create_database(self.server_url, name, template=source)
        home = folder / f"home_{name}"
        if before is not None and (self.folder / before).exists():
            shutil.copytree(self.folder / before, home)
        info = make_conninfo(self.server_url, dbname=name)
        settings = self.project.on(info, home)
        try:
            with api.connect(settings) as conn:
                yield Site(conn, settings, folder)
        finally:
            drop_database(self.server_url, name)

    def build(self) -> None:
        """Build a project, and keep a copy from before each job."""
        name = f"peace_{uuid.uuid4().hex[:12]}"
        create_database(self.server_url, name, template=self.template)
        settings = self.project.on(
            make_conninfo(self.server_url, dbname=name), self.folder / "peace"
        )
        with api.connect(settings) as conn:
            fix_project.load(conn, settings, self.project)
        for job in JOBS:
            self._keep(name, name_of(job), settings)
            with api.connect(settings) as conn:
                run(job, Work(conn, settings))
        with api.connect(settings) as conn:
            self.final.append(state.check_whole(conn, settings))
        self.names["end"] = name
        shutil.copytree(settings.home, self.folder / "end")

    def _keep(self, source: str, job: str, settings: Settings) -> None:
        self.names[job] = f"before_{job}_{uuid.uuid4().hex[:12]}"
        create_database(self.server_url, self.names[job], template=source)
        if settings.home.exists():
            shutil.copytree(settings.home, self.folder / job)


@pytest.fixture(scope="session")
def stages(
    server_url: str,
    template_db: str,
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stages]:
    folder = tmp_path_factory.mktemp("stages")
    made = Stages(server_url, template_db, folder, project)
    try:
        made.build()
        yield made
    finally:
        for name in made.names.values():
            drop_database(server_url, name)


@pytest.fixture
def site(stages: Stages, tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Return a function that gives a project from before a job."""
    with ExitStack() as stack:

        def give(before: str | None = None) -> Site:
            return stack.enter_context(stages.site(tmp_path, before=before))

        yield give


@pytest.fixture(scope="session")
def peaceful(stages: Stages) -> State:
    """Return the state of a project that was built in peace."""
    return stages.final[0]


@pytest.fixture(scope="session")
def town(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a project that is built, to be looked at and left as it is."""
    with stages.site(tmp_path_factory.mktemp("town"), before="end") as site:
        yield site
