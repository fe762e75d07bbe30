"""The providers of pixels by name, opened only where a chip needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyscript_db.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from skyscript_db.config import Settings
    from skyscript_db.imagery import Provider

# Each imports what it needs when it is opened: clients of services take a second.


def _raster(settings: Settings, conninfo: str) -> AbstractContextManager[Provider]:
    from loaders.rasters.pixels import provider  # noqa: PLC0415

    del conninfo  # files have no limits to share
    return provider(settings)


def _earth_engine(
    settings: Settings, conninfo: str
) -> AbstractContextManager[Provider]:
    from loaders.earth_engine.pixels import provider  # noqa: PLC0415

    return provider(settings, conninfo)


def _stac(settings: Settings, conninfo: str) -> AbstractContextManager[Provider]:
    from loaders.stac.pixels import provider  # noqa: PLC0415

    return provider(settings, conninfo)


PROVIDERS: Mapping[str, Callable[[Settings, str], AbstractContextManager[Provider]]] = {
    "earth-engine": _earth_engine,
    "raster": _raster,
    "stac": _stac,
}


def open_provider(
    name: str, settings: Settings, conninfo: str
) -> AbstractContextManager[Provider]:
    """Return a provider, to be entered and left.

    ``conninfo`` is the database that its limits are shared in.

    Raises:
        UsageError: There is none of this name, or a setting that it needs is missing.
        CredentialsExpired: The service does not accept our credentials.
    """
    if name not in PROVIDERS:
        raise UsageError(f"no provider {name!r}: there are {', '.join(PROVIDERS)}")
    return PROVIDERS[name](settings, conninfo)
