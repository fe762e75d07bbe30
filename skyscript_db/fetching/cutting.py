"""One pack: asked for, cut, checked, encoded and stored, in one thread."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from skyscript_db import images
from skyscript_db.errors import LoaderError, RequestFailed
from skyscript_db.fetching import checks
from skyscript_db.fetching.chips import Result
from skyscript_db.imagery import Refusal

if TYPE_CHECKING:
    from skyscript_db.fetching.chips import Chip
    from skyscript_db.imagery import Cut, Provider
    from skyscript_db.images import ImageStore

# What a service says of a request that a smaller one may not meet with.
_TOO_LARGE = ("memory", "too large", "too many pixels", "request size", "timed out")


def fetch_pack(
    provider: Provider, chips: list[Chip], store: ImageStore
) -> list[Result]:
    """Return what became of the chips of a pack, all of one scene.

    Raises:
        CredentialsExpired: The service does not know us any more.
        StorageError: A file cannot be written.
    """
    results: list[Result] = []
    windows = [chip.window for chip in chips]
    try:
        # Closed here and now, in the thread that opened the file.
        with closing(provider.cut(chips[0].grid, windows)) as cuts:
            for chip, cut in zip(chips, cuts, strict=True):
                results.append(_keep(chip, cut, store))
    except RequestFailed as error:
        left = chips[len(results) :]
        if len(left) > 1 and _is_too_large(error):
            half = len(left) // 2
            for part in (left[:half], left[half:]):
                results += fetch_pack(provider, part, store)
            return results
        refusal = Refusal(str(error), is_final=False, http_status=error.status)
        results += [Result(chip, refusal) for chip in left]
    except LoaderError as error:
        refusal = Refusal(str(error), is_final=False)
        results += [Result(chip, refusal) for chip in chips[len(results) :]]
    return results


def _is_too_large(error: RequestFailed) -> bool:
    told = str(error).lower()
    return error.status == 413 or (
        not error.is_transient and any(words in told for words in _TOO_LARGE)
    )


def _keep(chip: Chip, cut: Cut | Refusal, store: ImageStore) -> Result:
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
    if not images.is_image(data, encoding.format, size_px):
        refusal = Refusal("its image was not encoded whole", is_final=False)
        return Result(chip, refusal, *shares)
    return Result(chip, store.write(chip.path, data), *shares)
