"""Windows of scenes, fetched in threads, checked, and stored as image files.

Knows no tables: the job fetch_chips gives it planned chips, rehydrate those of a
manifest.
"""

from skyscript_db.fetching.chips import BLOCK_PX, Chip, Result, stored
from skyscript_db.fetching.packs import Pack, pack
from skyscript_db.fetching.stream import Lane, stream

__all__ = ["BLOCK_PX", "Chip", "Lane", "Pack", "Result", "pack", "stored", "stream"]
