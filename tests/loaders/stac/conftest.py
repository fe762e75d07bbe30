import pytest

from tests.fix_rasters import VADUZ, noise, write_raster
from tests.fix_stac import DAY, StacService


@pytest.fixture
def service(stac: StacService) -> StacService:
    """Return the service with five scenes of a collection, the last far away."""
    for n in range(4):
        path = write_raster(stac.folder / f"s{n}.tif", noise(3))
        stac.add(
            "orthos",
            f"s{n}",
            {"image": path},
            datetime=DAY.replace(day=n + 1),
            properties={"eo:cloud_cover": 10.0 * n, "gsd": 1.0},
        )
    far = write_raster(
        stac.folder / "far.tif", noise(3), transform=VADUZ.translation(1e5, 0) * VADUZ
    )
    stac.add("orthos", "far", {"image": far})
    return stac
