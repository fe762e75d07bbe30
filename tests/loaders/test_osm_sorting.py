from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from loaders.osm import sorting
from skyscript_db.errors import UsageError
from tests.loaders.osm_files import opl, write
from tests.loaders.test_osm import kinds, load

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fix_database import Database

UNSORTED = {
    "ids": opl("n2 v1 Tnatural=tree x1 y1", "n1 v1 Tnatural=tree x2 y2"),
    "ways before nodes": opl("w1 v1 Thighway=path Nn1,n2", "n1 v1 x1 y1", "n2 x2 y2"),
}


@pytest.mark.parametrize("content", UNSORTED.values(), ids=UNSORTED)
@pytest.mark.skipif(not shutil.which("osmium"), reason="osmium-tool is not installed")
def test_an_unsorted_file_is_sorted_first(
    database: Database, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.opl"
    path.write_bytes(content)
    result = load(database, path)
    assert result.n_features == len(kinds(database)) > 0
    assert path.read_bytes() == content
    assert load(database, path).status == "unchanged"


@pytest.mark.parametrize("content", UNSORTED.values(), ids=UNSORTED)
def test_without_osmium_the_remedy_is_told(
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
) -> None:
    monkeypatch.setattr(sorting, "can_sort", lambda: False)
    load(database, write(tmp_path / "good.opl", "n9 Tnatural=tree x9 y47"), name="a")
    path = tmp_path / "a.opl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="osmium sort"):
        load(database, path, name="a")
    assert kinds(database) == {"N9": "n"}


def test_baltimore_which_is_out_of_order_loads(
    database: Database, real_data: Path
) -> None:
    if not sorting.can_sort():
        pytest.skip("osmium-tool is not installed")
    result = load(database, real_data / "osm" / "baltimore_2015.osm.pbf")
    n_objects = result.n_nodes + result.n_ways + result.n_relations
    assert n_objects == 51_385 + 7_230 + 167
    assert n_objects == result.n_features + sum(result.left_out.values())
