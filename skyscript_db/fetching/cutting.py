"""One pack: what a provider answers, and what becomes of each chip of it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from skyscript_db import images
from skyscript_db.errors import LoaderError, RequestFailed, ServiceUnreachable
from skyscript_db.fetching import checks
from skyscript_db.fetching.chips import Result
from skyscript_db.imagery import Refusal

if TYPE_CHECKING:
    from collections.abc import Generator

    from skyscript_db.fetching.chips import Chip
    from skyscript_db.imagery import Cut, Provider
    from skyscript_db.images import ImageStore


def cut_pack(
    provider: Provider, chips: list[Chip]
) -> Generator[tuple[Chip, Cut | Refusal]]:
    """Yield the chips of a pack, all of one scene, each with what came of it.

    Raises:
        CredentialsExpired: The service does not know us any more.
        ServiceUnreachable: It cannot be reached any more.
    """
    n_done = 0
    try:
        # Closed here and now, in the thread that opened the file.
        with closing(provider.cut(chips[0].grid, [c.window for c in chips])) as cuts:
            for pair in zip(chips, cuts, strict=True):
                n_done += 1
                yield pair
    except ServiceUnreachable:
        raise
    except (RequestFailed, LoaderError) as error:
        status = error.status if isinstance(error, RequestFailed) else None
        refusal = Refusal(str(error), is_final=False, http_status=status)
        for chip in chips[n_done:]:
            yield chip, refusal


def keep(chip: Chip, cut: Cut | Refusal, store: ImageStore) -> Result:
    """Check, encode and store a chip; return what became of it.

    Raises:
        StorageError: Its file cannot be written.
    """
    if isinstance(cut, Refusal):
        return Result(chip, cut)
    refusal = checks.misfit(chip, cut)
    if refusal is not None:
        return Result(chip, refusal)
    shares = (checks.nodata_fraction(cut), checks.cloud_fraction(cut))
    cause = checks.nothing_to_see(cut)
    if cause is not None:
        return Result(chip, Refusal(cause, is_final=True), *shares)
    encoding = chip.encoding
    data = images.encode(cut.pixels, encoding.format, encoding.quality)
    size_px = (int(chip.window.width), int(chip.window.height))
    if not images.is_finished(data, encoding.format, size_px):
        refusal = Refusal("its image was not encoded whole", is_final=False)
        return Result(chip, refusal, *shares)
    return Result(chip, store.write(chip.path, data), *shares)
