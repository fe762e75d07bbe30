from datetime import UTC, datetime

import pytest

from skyscript_db.config import Settings
from skyscript_db.errors import RequestFailed, StorageError
from tests.fix_rasters import VADUZ, noise, write_raster
from tests.fix_stac import DAY, StacService
from tests.loaders.stac.helpers import AREA, Connection, names, run, scene


def test_items_become_scenes(
    conn: Connection, settings: Settings, service: StacService
):
    result = run(conn, settings, service.url, area=AREA)
    assert (result.new, result.n_listed, result.rejected) == (4, 4, {})
    found = scene(conn, "s1")
    assert found["uri"] == f"{service.url}/collections/orthos/items/s1"
    assert found["acquired_at"] == DAY.replace(day=2)
    assert (found["crs"], found["srid"]) == ("EPSG:32632", 32632)
    assert found["transform"] == list(VADUZ)[:6]
    assert (found["width_px"], found["height_px"]) == (64, 64)
    assert found["gsd_m"] == 1
    assert found["cloud_fraction"] == pytest.approx(0.1)
    href = f"{service.url}/files/s1.tif"
    assert found["bands"] == {
        "rgb": [{"href": href, "band": n} for n in (1, 2, 3)],
        "sign": None,
    }
    assert found["stretch"] == {"method": "none"}
    assert found["version"] == "2021-07-01T00:00:00Z"
    assert 0.95 * 64 * 64 < found["area_m2"] < 64 * 64 * 1.01
    collection = conn.execute(
        "SELECT name, provider, alias, licence, attribution, source->>'collection'"
        " FROM skyscript.collection"
    ).fetchall()
    assert collection == [
        ("orthos", "stac", "ORTHOS", "CC0-1.0", "A surveyor", "orthos")
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_service_is_asked_for_what_is_wanted(
    conn: Connection, settings: Settings, service: StacService, method: str
):
    service.methods = (method,)
    start, end = datetime(2021, 6, 1, tzinfo=UTC), datetime(2021, 6, 4, 10, tzinfo=UTC)
    result = run(
        conn, settings, service.url, area=AREA, start=start, end=end, max_cloud=15
    )
    assert names(conn) == ["s0", "s1"]
    assert (result.new, result.n_listed) == (2, 2)
    assert service.count(f"{method} /search") == len(service.searches) == 1
    # The end is not with them, though STAC takes it so.
    wide = run(conn, settings, service.url, area=AREA, end=end, max_cloud=100)
    assert dict(wide.left_out) == {"outside the dates": 1}
    assert (wide.new, wide.unchanged) == (1, 2)


def test_a_dry_run_enters_nothing(
    conn: Connection, settings: Settings, service: StacService
):
    result = run(conn, settings, service.url, area=AREA, is_dry_run=True)
    assert (result.matching, result.n_listed, result.new) == (4, 4, 0)
    assert names(conn) == []


def test_a_limit_holds(conn: Connection, settings: Settings, service: StacService):
    assert run(conn, settings, service.url, area=AREA, limit=3).new == 3
    assert len(names(conn)) == 3
    assert len(service.searches) == 2


def test_loaded_again(conn: Connection, settings: Settings, service: StacService):
    run(conn, settings, service.url, area=AREA)
    again = run(conn, settings, service.url, area=AREA)
    assert (again.new, again.unchanged, again.replaced) == (0, 4, 0)
    service.items["orthos"][2]["properties"]["updated"] = "2022-01-01T00:00:00Z"
    updated = run(conn, settings, service.url, area=AREA)
    assert (updated.new, updated.unchanged, updated.replaced) == (0, 3, 1)


def test_without_a_store_of_chips_no_scene_is_replaced(
    conn: Connection, settings: Settings, service: StacService
):
    run(conn, settings, service.url, area=AREA)
    conn.execute(
        "INSERT INTO skyscript.chip (id, scene_id, osm_type, osm_id, kind, plan,"
        " footprint, lon, lat, gsd_m, col_off_px, row_off_px, width_px, height_px,"
        " state, image_path, sha256)"
        " SELECT 7, id, 'N', 1, 'n', 'plan', ST_GeometryN(footprint, 1), 9, 47, gsd_m,"
        " 0, 0, 8, 8, 'ok', 'a.jpg', 'x'"
        " FROM skyscript.scene WHERE name = 's2'"
    )
    service.items["orthos"][2]["properties"]["updated"] = "2022-01-01T00:00:00Z"
    wrong = settings.model_copy(update={"chips_url": "nonsense://bucket"})
    with pytest.raises(StorageError):
        run(conn, wrong, service.url, area=AREA)
    left = conn.execute("SELECT count(*) FROM skyscript.chip").fetchone()
    version = conn.execute(
        "SELECT version FROM skyscript.scene WHERE name = 's2'"
    ).fetchone()
    assert (left, version) == ((1,), ("2021-07-01T00:00:00Z",))


def test_what_was_interrupted_goes_on(
    conn: Connection, settings: Settings, service: StacService
):
    few = settings.model_copy(update={"request_tries": 1})
    run(conn, few, service.url, area=AREA, limit=1)
    service.fail("500", "/search")
    with pytest.raises(RequestFailed, match="500"):
        run(conn, few, service.url, area=AREA)
    assert names(conn) == ["s0"]
    result = run(conn, few, service.url, area=AREA)
    assert (result.new, result.unchanged) == (3, 1)


@pytest.mark.parametrize("kind", ["429", "503", "truncate", "html"])
def test_a_service_that_falters_is_asked_again(
    conn: Connection, settings: Settings, service: StacService, kind: str
):
    service.fail(kind if kind != "truncate" else "500", "/search")
    assert run(conn, settings, service.url, area=AREA).new == 4


def test_the_header_tells_where_the_item_does_not(
    conn: Connection, settings: Settings, stac: StacService
):
    path = write_raster(stac.folder / "a.tif", noise(3))
    item = stac.add("orthos", "a", {"image": path})
    for name in ("proj:code", "proj:transform", "proj:shape"):
        del item["properties"][name]
    run(conn, settings, stac.url, area=AREA)
    found = scene(conn, "a")
    assert (found["crs"], found["width_px"]) == ("EPSG:32632", 64)
    assert found["transform"] == list(VADUZ)[:6]
    assert found["gsd_m"] == pytest.approx(1)


def test_files_are_believed_where_items_tell_another_grid(
    conn: Connection, settings: Settings, service: StacService
):
    for item in service.items["orthos"]:  # the centres of pixels for their corners
        item["properties"]["proj:transform"][2] += 0.5
    run(conn, settings, service.url, area=AREA)
    assert scene(conn, "s3")["transform"] == list(VADUZ)[:6]


def test_older_words_of_the_projection(
    conn: Connection, settings: Settings, service: StacService
):
    for item in service.items["orthos"]:
        told = item["properties"]
        told["proj:epsg"] = int(told.pop("proj:code").removeprefix("EPSG:"))
        told["proj:transform"] += [0, 0, 1]
        item["stac_version"] = "1.0.0"
    assert run(conn, settings, service.url, area=AREA).new == 4
    assert service.count("/files/") == 1


def test_an_interval_stands_for_its_middle(
    conn: Connection, settings: Settings, service: StacService
):
    told = service.items["orthos"][0]["properties"]
    told |= {
        "datetime": None,
        "start_datetime": "2021-06-01T00:00:00Z",
        "end_datetime": "2021-06-03T00:00:00Z",
    }
    run(conn, settings, service.url, area=AREA)
    assert scene(conn, "s0")["acquired_at"] == datetime(2021, 6, 2, tzinfo=UTC)


@pytest.mark.parametrize("is_interval", [False, True])
def test_a_time_without_an_offset_is_in_utc(
    conn: Connection, settings: Settings, service: StacService, is_interval: bool
):
    naive = {"datetime": "2021-06-02T00:00:00"}
    interval = {
        "datetime": None,
        "start_datetime": "2021-06-01T00:00:00",
        "end_datetime": "2021-06-03T00:00:00Z",
    }
    told = service.items["orthos"][0]["properties"]
    told |= interval if is_interval else naive
    service.methods = ("GET",)
    start = datetime(2021, 1, 1, tzinfo=UTC)
    page = {"type": "FeatureCollection", "features": service.items["orthos"][:1]}
    service.documents["/items"] = page
    run(conn, settings, f"{service.url}/items", area=AREA, start=start)
    assert scene(conn, "s0")["acquired_at"] == datetime(2021, 6, 2, tzinfo=UTC)


def test_a_scene_across_the_antimeridian_has_two_parts(
    conn: Connection, settings: Settings, stac: StacService
):
    path = write_raster(
        stac.folder / "fiji.tif",
        noise(3, 256),
        crs="EPSG:32701",
        transform=VADUZ.translation(176000, 8100000) * VADUZ.scale(50, -50),
    )
    stac.add("orthos", "fiji", {"image": path})
    stac.items["orthos"][0] |= {"geometry": None, "bbox": [-180, -20, 180, -10]}
    run(conn, settings, stac.url, area="179,-19,-179,-15")
    assert scene(conn, "fiji")["n_parts"] == 2


# --- an entry of the catalogue of collections ---------------------------------------

ENTRY = """
[[collection]]
name = "my-s2"
provider = "stac"
catalogue = "{url}"
collection = "s2"
alias = "MYS2"
gsd_m = 10
rgb = ["B04", "B03", "B02"]
stretch = {{ method = "linear", min = 0, max = 0.3 }}
is_scaled = true
cloud_property = "eo:cloud_cover"
max_cloud = 20
cloud = {{ key = "SCL", values = [3, 8, 9, 10] }}
sign = "planetary-computer"
token_url = "{url}/token/{{collection}}"
licence = "open"
attribution = "Copernicus"
"""


@pytest.fixture
def s2(stac: StacService, settings: Settings) -> StacService:
    settings.home.mkdir(parents=True)
    (settings.home / "collections.toml").write_text(ENTRY.format(url=stac.url))
    for name, baseline in (("old", "03.01"), ("new", "05.09")):
        files = {}
        for key in ("B04", "B03", "B02", "SCL"):
            side_px = 32 if key == "SCL" else 64
            files[key] = write_raster(
                stac.folder / f"{name}-{key}.tif",
                noise(1, side_px, "uint16"),
                transform=VADUZ * VADUZ.scale(20 if key == "SCL" else 10),
            )
        told = {"s2:processing_baseline": baseline, "eo:cloud_cover": 5}
        stac.add("s2", name, files, properties=told)
    return stac


def test_an_entry_tells_how_items_are_read(
    conn: Connection, settings: Settings, s2: StacService
):
    result = run(conn, settings, "my-s2", area=AREA)
    assert (result.new, result.rejected) == (2, {})
    found = scene(conn, "new")
    assert found["gsd_m"] == 10
    assert found["stretch"] == {
        "method": "linear",
        "min": [0.0, 0.0, 0.0],
        "max": [0.3, 0.3, 0.3],
    }
    red = {"href": f"{s2.url}/files/new-B04.tif", "band": 1}
    assert found["bands"]["rgb"][0] == {**red, "scale": 0.0001, "offset": -0.1}
    assert found["bands"]["cloud"] == {
        "href": f"{s2.url}/files/new-SCL.tif",
        "band": 1,
        "values": [3, 8, 9, 10],
    }
    assert found["bands"]["sign"] == "planetary-computer"
    assert found["bands"]["token_url"] == f"{s2.url}/token/s2"
    assert scene(conn, "old")["bands"]["rgb"][0]["offset"] == 0
    row = conn.execute("SELECT name, alias, licence FROM skyscript.collection")
    assert row.fetchall() == [("my-s2", "MYS2", "open")]


@pytest.mark.parametrize("baseline", ["latest", [5, 9]])
def test_a_baseline_that_is_no_number_rejects_its_item_alone(
    conn: Connection, settings: Settings, s2: StacService, baseline: object
):
    s2.items["s2"][0]["properties"]["s2:processing_baseline"] = baseline
    result = run(conn, settings, "my-s2", area=AREA)
    assert (result.new, len(result.rejected)) == (1, 1)
    assert "processing_baseline is" in next(iter(result.rejected.values()))


def test_an_address_with_an_entry_is_read_by_it(
    conn: Connection, settings: Settings, s2: StacService
):
    assert run(conn, settings, f"{s2.url}/collections/s2", area=AREA).new == 2
    assert scene(conn, "new")["stretch"]["method"] == "linear"
