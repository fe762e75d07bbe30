from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from skyscript_db.fetching import pack
from skyscript_db.fetching.chips import Chip
from tests.fetching.service import chip

MIB = 1 << 20


def ids(chips: list[Chip], max_request_bytes: int | None = 48 * MIB) -> list[list[int]]:
    return [[c.id for c in one.chips] for one in pack(chips, max_request_bytes)]


def test_neighbours_share_a_request():
    (one,) = pack([chip(1, 0, 0), chip(2, 40, 8)], 48 * MIB)
    assert [c.id for c in one.chips] == [1, 2]
    assert (one.left, one.top, one.right, one.bottom) == (0, 0, 72, 40)
    assert one.n_bytes == 72 * 40 * 4


def test_far_chips_do_not():
    assert ids([chip(1, 0, 0), chip(2, 1000, 1000)]) == [[1], [2]]


def test_a_request_is_at_most_four_times_its_chips():
    # 32 x 256 pixels are four times two chips of 32 x 32; 32 x 257 are more.
    assert ids([chip(1, 0, 0), chip(2, 224, 0)]) == [[1, 2]]
    assert ids([chip(1, 0, 0), chip(2, 225, 0)]) == [[1], [2]]


def test_a_request_is_within_the_limit():
    chips = [chip(n, 32 * n, 0) for n in range(8)]
    packs = ids(chips, 4 * 32 * 32 * 4)
    assert sorted(map(len, packs)) == [4, 4]


def test_a_chip_larger_than_the_limit_goes_alone():
    assert ids([chip(1, 0, 0), chip(2, 0, 0)], 100) == [[1], [2]]


def test_scenes_and_blocks_are_kept_apart():
    chips = [chip(1, 0, 0), chip(2, 0, 0, scene="b"), chip(3, 2048, 0, scene="b")]
    assert ids(chips) == [[1], [2], [3]]


def test_dense_chips_take_few_requests():
    chips = [chip(n, 16 * (n % 100), 16 * (n // 100), 256) for n in range(10_000)]
    packs = list(pack(chips, 48 * MIB))
    assert len(packs) == 1
    assert packs[0].n_bytes <= 48 * MIB


def test_local_files_are_read_in_groups_of_neighbours():
    assert [len(g) for g in ids([chip(n, n, 0) for n in range(70)], None)] == [
        *(32, 32, 6)
    ]


@given(
    st.lists(
        st.tuples(st.integers(0, 2047), st.integers(0, 2047), st.integers(1, 300)),
        max_size=60,
    )
)
def test_every_chip_is_in_one_pack_that_holds_it(places: list[tuple[int, int, int]]):
    chips = [chip(n, *place) for n, place in enumerate(places)]
    packs = list(pack(chips, MIB))
    assert sorted(c.id for one in packs for c in one.chips) == list(range(len(chips)))
    for one in packs:
        assert one.n_px <= 4 * sum(c.n_px for c in one.chips)
        assert len(one.chips) == 1 or one.n_bytes <= MIB
        for c in one.chips:
            assert one.left <= c.window.col_off
            assert one.top <= c.window.row_off
            assert c.window.col_off + c.window.width <= one.right
            assert c.window.row_off + c.window.height <= one.bottom
