import json
from pathlib import Path
from typing import Any

import pytest

from skyscript_db.config import Settings
from tests.fix_rasters import noise, write_raster
from tests.fix_stac import StacService, make_item, place_on
from tests.loaders.stac.helpers import AREA, Connection, run, scene


def static_item(stac: StacService, name: str) -> dict[str, Any]:
    path = write_raster(stac.folder / f"{name}.tif", noise(3))
    item = make_item(name, {"visual": f"../../files/{name}.tif"})
    place_on(item, path)
    return item.to_dict(include_self_link=False)


def catalog(kind: str, *links: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "id": "root",
        "stac_version": "1.0.0",
        "description": "Some files.",
        "license": "CC0-1.0",
        "links": [{"rel": rel, "href": href} for rel, href in links],
        **more,
    }


def test_a_static_catalogue_is_followed_link_by_link(
    conn: Connection, settings: Settings, stac: StacService
):
    stac.documents = {
        "/static/catalog.json": catalog(
            "Catalog", ("child", "./a/collection.json"), ("item", "gone.json")
        ),
        "/static/a/collection.json": catalog(
            "Collection", ("item", "one.json"), ("item", "two.json"),
            ("child", "../catalog.json"),
        ) | {"id": "a"},
        "/static/a/one.json": static_item(stac, "one"),
        "/static/a/two.json": static_item(stac, "two"),
    }  # fmt: skip
    result = run(conn, settings, f"{stac.url}/static/catalog.json")
    assert (result.new, result.n_listed) == (2, 3)
    (reason,) = result.rejected.values()
    assert "404" in reason
    found = scene(conn, "one")
    assert found["uri"] == f"{stac.url}/static/a/one.json"
    assert found["bands"]["rgb"][2] == {
        "href": f"{stac.url}/files/one.tif",
        "band": 3,
    }
    some = run(conn, settings, f"{stac.url}/static/catalog.json", collection="a")
    assert (some.collection, some.n_taken) == ("a", 2)


def test_an_item_collection(conn: Connection, settings: Settings, stac: StacService):
    features = [static_item(stac, "one"), static_item(stac, "two")]
    stac.documents["/static/x/items.json"] = {
        "type": "FeatureCollection",
        "features": features,
    }
    result = run(conn, settings, f"{stac.url}/static/x/items.json", area=AREA)
    assert (result.new, result.collection) == (2, "items")
    assert scene(conn, "two")["uri"] == f"{stac.url}/static/x/items.json#two"


def test_a_local_catalogue(
    conn: Connection, settings: Settings, stac: StacService, tmp_path: Path
):
    item = static_item(stac, "one")
    item["assets"]["visual"]["href"] = "one.tif"
    (stac.folder / "one.json").write_text(json.dumps(item))
    root = stac.folder / "catalog.json"
    root.write_text(json.dumps(catalog("Catalog", ("item", "./one.json"))))
    assert run(conn, settings, str(root)).new == 1
    assert scene(conn, "one")["bands"]["rgb"][0] == {
        "href": str(stac.folder / "one.tif"),
        "band": 1,
    }
    assert stac.asked == []


def test_items_of_these_tests_are_stac(stac: StacService):
    pytest.importorskip("jsonschema", reason="pystac validates by it")
    import pystac

    item = pystac.Item.from_dict(static_item(stac, "one"))
    item.stac_extensions.clear()  # whose schemas are on the network
    item.validate()
