from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from skyscript_db.config import Settings
from skyscript_db.errors import UsageError
from tests.fix_rasters import noise, write_raster
from tests.fix_stac import StacService
from tests.loaders.stac.helpers import AREA, Connection, names, run


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"collection": "nope"}, r"no collection 'nope': choose one of orthos"),
        ({"area": "1,1,2,2"}, r"area lies outside of orthos, which covers"),
        (
            {
                "start": datetime(2021, 2, 1, tzinfo=UTC),
                "end": datetime(2021, 1, 1, tzinfo=UTC),
            },
            "--end 2021-01-01 is not after --start 2021-02-01",
        ),
        ({"max_cloud": 101}, "--max-cloud 101"),
        ({"limit": 0}, "--limit 0"),
        ({"assets": "red,green"}, "names 2 assets"),
        ({"stretch": "5,5"}, "--stretch 5,5 is none of"),
    ],
)
def test_what_can_match_nothing_is_refused(
    conn: Connection,
    settings: Settings,
    service: StacService,
    options: dict[str, Any],
    why: str,
):
    with pytest.raises(UsageError, match=why):
        run(conn, settings, service.url, **{"area": AREA, **options})


def test_what_is_no_stac_is_told(
    conn: Connection, settings: Settings, stac: StacService, tmp_path: Path
):
    stac.fail("html", "/page")
    with pytest.raises(UsageError, match=r"answers with a web page\. Give the address"):
        run(conn, settings, f"{stac.url}/page")
    stac.documents["/list"] = [1, 2]
    with pytest.raises(UsageError, match=r"is no STAC\. Give"):
        run(conn, settings, f"{stac.url}/list")
    with pytest.raises(UsageError, match="404"):
        run(conn, settings, f"{stac.url}/nothing")
    with pytest.raises(UsageError, match="cannot read"):
        run(conn, settings, str(tmp_path / "none.json"))
    with pytest.raises(UsageError, match="the catalogue has no collection 'nonsense'"):
        run(conn, settings, "nonsense")
    with pytest.raises(UsageError, match="load earth-engine USDA/NAIP/DOQQ"):
        run(conn, settings, "USDA/NAIP/DOQQ")


def test_several_collections_want_a_choice(
    conn: Connection, settings: Settings, service: StacService
):
    path = write_raster(service.folder / "o.tif", noise(3))
    service.add("others", "o", {"image": path})
    with pytest.raises(UsageError, match="--collection: orthos, others"):
        run(conn, settings, service.url, area=AREA)


@pytest.mark.parametrize(
    ("assets", "facts", "why"),
    [
        ({"nir": "a.tif"}, {}, "none of its assets"),
        ({"visual": "a.jp2"}, {}, "JPEG 2000"),
        ({"visual": "s3://bucket/a.tif"}, {}, "wants an account"),
        ({"visual": "file:///etc/passwd"}, {}, "not http"),
        (
            {"visual": "a.tif"},
            {"raster:bands": [{"data_type": "uint16"}] * 3},
            "--stretch MIN,MAX",
        ),
        ({"red": "a.tif", "green": "a.tif", "blue": "small.tif"}, {}, "different"),
    ],
)
def test_unfit_items_are_rejected_with_the_reason(
    conn: Connection,
    settings: Settings,
    stac: StacService,
    assets: dict[str, str],
    facts: dict[str, Any],
    why: str,
):
    path = write_raster(stac.folder / "a.tif", noise(3))
    write_raster(stac.folder / "small.tif", noise(3, 32))
    found = stac.add("orthos", "a", {"x": path})
    found["assets"] = {
        key: {"href": href if ":" in href else f"{stac.url}/files/{href}", **facts}
        for key, href in assets.items()
    }
    result = run(conn, settings, stac.url, area=AREA)
    assert (result.n_taken, len(result.rejected)) == (0, 1)
    assert why in next(iter(result.rejected.values()))
    assert names(conn) == []
