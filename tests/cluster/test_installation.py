from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from skyscript_db.cluster import (
    Cluster,
    installation,
)
from skyscript_db.errors import ServerError

if TYPE_CHECKING:
    from pathlib import Path


def fake_installation(
    folder: Path, *, version: str, extensions: dict[str, str]
) -> Path:
    (folder / "bin").mkdir(parents=True)
    said = {"postgres": f"postgres (PostgreSQL) {version}", "initdb": "", "pg_ctl": ""}
    for program, text in said.items():
        (folder / "bin" / program).write_text(f"#!/bin/sh\necho '{text}'\n")
        (folder / "bin" / program).chmod(0o755)
    write_controls(folder / "share" / "extension", extensions)
    return folder / "bin"


def write_controls(folder: Path, extensions: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, default in extensions.items():
        text = f"comment = 'x'\ndefault_version = '{default}'\n"
        (folder / f"{name}.control").write_text(text)


BOTH = {"postgis": "3.5.2", "vector": "0.8.1"}


def test_the_newest_installation_that_has_both_extensions_is_found(
    tmp_path: Path,
) -> None:
    folders = [
        fake_installation(tmp_path / "16", version="16.9", extensions=BOTH),
        fake_installation(tmp_path / "17", version="17.11 (Debian)", extensions=BOTH),
        fake_installation(
            tmp_path / "18", version="18beta1", extensions={"postgis": "3.6.0"}
        ),
        tmp_path / "nothing",
    ]

    found = installation.find(folders=folders)

    assert (found.folder, found.version) == (folders[1], (17, 11))
    assert installation.find(folders=folders, major=16).version == (16, 9)


def test_extensions_are_found_where_debian_keeps_them_and_for_its_own_alone(
    tmp_path: Path,
) -> None:
    write_controls(tmp_path / "usr/share/postgresql/17/extension", BOTH)
    debians = fake_installation(
        tmp_path / "usr/lib/postgresql/17", version="17.1", extensions={}
    )
    another = fake_installation(tmp_path / "usr/local", version="17.9", extensions={})

    assert installation.find(folders=[debians, another]).folder == debians


@pytest.mark.parametrize(
    ("version", "extensions", "fault"),
    [
        ("17.1", {"postgis": "3.5.2"}, "pgvector is missing"),
        ("17.1", {"vector": "0.8.0"}, "PostGIS is missing"),
        ("17.1", BOTH | {"vector": "0.7.4"}, "pgvector 0.7.4 is older than 0.8"),
        ("17.1", BOTH | {"postgis": "2.5.9"}, "PostGIS 2.5.9 is older than 3"),
        ("14.20", BOTH, "it is older than 15"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(
    tmp_path: Path, version: str, extensions: dict[str, str], fault: str
) -> None:
    folder = fake_installation(tmp_path / "x", version=version, extensions=extensions)

    with pytest.raises(ServerError) as raised:
        installation.find(folders=[folder])
    assert fault in str(raised.value)
    assert "install.sh" in str(raised.value)


def test_no_server_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=r"No PostgreSQL server .*install\.sh"):
        installation.find(folders=[tmp_path])


def test_a_cluster_of_a_removed_major_is_said(tmp_path: Path) -> None:
    folder = fake_installation(tmp_path / "x", version="17.1", extensions=BOTH)

    with pytest.raises(ServerError, match="made by PostgreSQL 15"):
        installation.find(folders=[folder], major=15)


def test_a_start_without_pgvector_leaves_nothing_behind(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fake_installation(
        tmp_path / "x", version="17.1", extensions={"postgis": "3.5.2"}
    )
    monkeypatch.setattr(installation, "bin_folders", lambda: [folder])

    with pytest.raises(ServerError, match="pgvector is missing"):
        cluster.start(durable=False)
    assert not cluster.folder.exists()
