from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from skyscript_db.cluster import versions

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"


@pytest.fixture
def service() -> dict[str, Any]:
    document = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    database: dict[str, Any] = document["services"]["database"]
    return database


def test_the_data_are_in_a_named_volume(service: dict[str, Any]) -> None:
    document = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))

    assert "data:/var/lib/postgresql/data" in service["volumes"]
    assert document["volumes"] == {"data": None}


def test_the_port_is_open_to_this_machine_alone(service: dict[str, Any]) -> None:
    assert service["ports"] == ["127.0.0.1:${POSTGRES_PORT:-5432}:5432"]


def test_the_password_must_be_given(service: dict[str, Any]) -> None:
    password = service["environment"]["POSTGRES_PASSWORD"]

    assert re.fullmatch(r"\$\{POSTGRES_PASSWORD:\?set POSTGRES_PASSWORD .+\}", password)


def test_the_health_check_asks_for_the_database(service: dict[str, Any]) -> None:
    assert service["healthcheck"]["test"] == [
        "CMD",
        "pg_isready",
        "--host=127.0.0.1",
        "--username=skyscript",
        "--dbname=skyscript",
    ]


def test_what_it_mounts_and_builds_is_here(service: dict[str, Any]) -> None:
    mounted = [x.split(":")[0] for x in service["volumes"] if x.startswith("./")]

    assert mounted == ["./db/bootstrap.sql"]
    assert (ROOT / mounted[0]).is_file()
    assert (ROOT / service["build"] / "Dockerfile").is_file()


def test_shared_memory_holds_an_index_build(service: dict[str, Any]) -> None:
    assert "maintenance_work_mem=2GB" in service["command"]
    assert service["shm_size"] == "3gb"


def test_the_image_has_one_major_that_serves() -> None:
    text = (ROOT / "db" / "Dockerfile").read_text(encoding="utf-8")
    majors = set(re.findall(r"postgres(?:ql)?[-:](\d+)", text))

    assert majors == {"17"}
    assert min(map(int, majors)) >= versions.MINIMUM_POSTGRESQL
    assert "ARG MIN_PGVECTOR=0.8\n" in text
    assert versions.MINIMUM_EXTENSIONS["vector"] == (0, 8)
