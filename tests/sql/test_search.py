"""Searching chips by vector: always k rows, and the same as an exact search."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest

from skyscript_db import embeddings
from skyscript_db.errors import ModelMismatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyscript_db.embeddings import Model

    Conn = psycopg.Connection[Any]

DIMENSION = 32


class StandIn:
    """What embeddings.register asks of a CLIP."""

    def __init__(self, dimension: int, name: str = "one") -> None:
        self.name, self.weights = name, "test"
        self.weights_sha256 = f"{name}-{dimension}"
        self.dimension = dimension


def random_unit(n: int, dimension: int = DIMENSION, seed: int = 0) -> NDArray[Any]:
    vectors = np.random.default_rng(seed).standard_normal((n, dimension))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def insert_chips(conn: Conn, n: int) -> None:
    """Chips 1 to n, each at longitude id / 1000; one in 1000 is of the fine scene."""
    conn.execute(
        """
        INSERT INTO skyscript.collection (name, alias, provider)
        VALUES ('coarse', 'CO', 'raster'), ('fine', 'FI', 'raster');
        INSERT INTO skyscript.scene (
            collection_id, name, uri, footprint, acquired_at, gsd_m, crs, srid,
            transform, width_px, height_px, bands, stretch
        )
        SELECT
            id, name, name,
            ST_Multi(ST_MakeEnvelope(-180, -90, 180, 90, 4326)),
            CASE name WHEN 'fine' THEN '2020-01-01'::date ELSE '2010-01-01'::date END,
            CASE name WHEN 'fine' THEN 0.5 ELSE 10 END,
            'EPSG:4326', 4326, '{1,0,0,0,-1,0}', 1, 1, '{}', '{}'
        FROM skyscript.collection;
        """
    )
    conn.execute(
        """
        INSERT INTO skyscript.chip (
            id, scene_id, osm_type, osm_id, kind, plan, footprint, lon, lat, gsd_m,
            col_off_px, row_off_px, width_px, height_px, state, image_path, sha256
        )
        SELECT
            i, s.id, 'N', i, 'n', 'test',
            ST_MakeEnvelope(x, 0, x + 0.0005, 0.0005, 4326), x, 0, s.gsd_m,
            0, 0, 1, 1, 'ok', i || '.jpg', 'x'
        FROM generate_series(1, %(n)s) AS i
        CROSS JOIN LATERAL (SELECT i / 1000.0 AS x) AS place
        INNER JOIN skyscript.scene AS s
            ON s.name = CASE WHEN i %% 1000 = 0 THEN 'fine' ELSE 'coarse' END
        """,
        {"n": n},
    )


def insert_tags(conn: Conn, chip_id: int, tags: dict[str, str]) -> None:
    conn.execute(
        """
        INSERT INTO skyscript.chip_feature (
            chip_id, osm_type, osm_id, kind, role, tags, visible_fraction, width_px,
            height_px, touches_edge
        )
        VALUES (%s, 'N', 1, 'n', 'focus', %s, 1, 1, 1, false)
        """,
        (chip_id, json.dumps(tags)),
    )


def insert_vectors(conn: Conn, vectors: NDArray[Any], name: str = "one") -> Model:
    model = embeddings.register(conn, StandIn(vectors.shape[1], name))  # type: ignore[arg-type]
    embeddings.copy(conn, model, "chip", range(1, len(vectors) + 1), vectors)
    return model


def search(
    conn: Conn, query: NDArray[Any] | list[float], k: int = 10, **filters: Any
) -> tuple[list[int], set[str]]:
    """Return the ids found and the plans told."""
    named = "".join(f", {name} => %({name})s" for name in filters)
    rows = conn.execute(
        "SELECT chip_id, plan FROM "
        f"skyscript.search(%(query)s::text::halfvec, %(k)s{named})",
        {"query": str(list(map(float, query))), "k": k, **filters},
    ).fetchall()
    return [row[0] for row in rows], {row[1] for row in rows}


def nearest(vectors: NDArray[Any], query: NDArray[Any], k: int) -> list[int]:
    halves = vectors.astype(np.float16).astype(np.float64)
    halves /= np.linalg.norm(halves, axis=1, keepdims=True)
    return [int(i) + 1 for i in np.argsort(-(halves @ query), kind="stable")[:k]]


@pytest.fixture
def small(conn: Conn) -> NDArray[Any]:
    """Three thousand chips with vectors and no index."""
    vectors = random_unit(3000)
    insert_chips(conn, 3000)
    insert_vectors(conn, vectors)
    return vectors


def test_search_without_index_is_exact(conn: Conn, small: NDArray[Any]) -> None:
    query = random_unit(1, seed=9)[0]
    assert search(conn, query) == (nearest(small, query, 10), {"exact"})


def test_ties_go_by_id(conn: Conn) -> None:
    insert_chips(conn, 4)
    insert_vectors(conn, np.repeat(random_unit(1), 4, axis=0))
    assert search(conn, random_unit(1)[0], 3)[0] == [1, 2, 3]


def test_similarity_is_the_cosine(conn: Conn) -> None:
    insert_chips(conn, 2)
    insert_vectors(conn, np.array([[1.0, 0.0], [0.6, 0.8]]))
    rows = conn.execute("SELECT * FROM skyscript.search('[2,0]')").fetchall()
    assert rows == [(1, 1.0, "exact"), (2, pytest.approx(0.6, abs=1e-3), "exact")]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"collections": ["fine"]}, [1000, 2000, 3000]),
        ({"max_gsd_m": 1.0}, [1000, 2000, 3000]),
        ({"min_gsd_m": 20.0}, []),
        ({"acquired_from": "2019-01-01"}, [1000, 2000, 3000]),
        ({"acquired_from": "2019-01-01", "acquired_to": "2020-01-01"}, []),
        ({"tags": '{"building": "yes"}'}, [5, 6]),
        ({"tags": '{"building": null}'}, [5, 6, 7]),
        ({"tags": '{"building": "yes", "height": null}'}, [6]),
        ({"split": "test"}, [8]),
        ({"split": "test", "split_scheme": "other"}, []),
    ],
    ids=str,
)
def test_filters(
    conn: Conn, small: NDArray[Any], filters: dict[str, Any], expected: list[int]
) -> None:
    insert_tags(conn, 5, {"building": "yes"})
    insert_tags(conn, 6, {"building": "yes", "height": "9"})
    insert_tags(conn, 7, {"building": "barn"})
    conn.execute(
        "INSERT INTO skyscript.chip_split (scheme, chip_id, split, cell)"
        " VALUES ('s', 8, 'test', 0), ('s', 9, 'train', 0)"
    )
    found, _ = search(conn, small[0], **filters)
    assert sorted(found) == expected


def test_area_in_any_reference_system(conn: Conn, small: NDArray[Any]) -> None:
    for srid in (4326, 3857):
        found = conn.execute(
            "SELECT chip_id FROM skyscript.search(%s::text::halfvec, area => "
            "ST_Transform(ST_MakeEnvelope(1.0001, 0, 1.0021, 1, 4326), %s))",
            (str(small[0].tolist()), srid),
        ).fetchall()
        assert sorted(found) == [(1000,), (1001,), (1002,)]


def test_chips_without_image_are_not_found(conn: Conn, small: NDArray[Any]) -> None:
    conn.execute(
        "UPDATE skyscript.chip SET state = 'failed', cause = 'x', sha256 = NULL,"
        " image_path = NULL WHERE id <> 7"
    )
    assert search(conn, small[0])[0] == [7]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("'[1,2]'", "the query vector has 2 dimensions, the vectors of model"),
        ("NULL", "the query vector is NULL"),
        (f"'{[0] * DIMENSION}'", "the query vector is zero"),
        (f"'{[1] * DIMENSION}', 0", "k is 0"),
        (f"'{[1] * DIMENSION}', 1000000000", "k is 1000000000"),
        (f"'{['NaN'] * DIMENSION}'".replace("'NaN'", "NaN"), "NaN not allowed"),
        (f"'{[1] * DIMENSION}', model_id => 99", "no embedding model 99"),
        (f"'{[1] * DIMENSION}', tags => '[]'", "tags are array, not an object"),
        (f"'{[1] * DIMENSION}', split => 'dev'", "no split dev"),
    ],
)
def test_bad_queries(conn: Conn, small: NDArray[Any], call: str, message: str) -> None:
    with pytest.raises(psycopg.Error, match=message) as caught:
        conn.execute(f"SELECT * FROM skyscript.search({call})")
    assert caught.value.diag.message_hint or "NaN" in message


def test_split_of_several_schemes(conn: Conn, small: NDArray[Any]) -> None:
    conn.execute(
        "INSERT INTO skyscript.chip_split (scheme, chip_id, split, cell)"
        " VALUES ('a', 1, 'test', 0), ('b', 2, 'test', 0)"
    )
    assert search(conn, small[0], split="test", split_scheme="b")[0] == [2]
    # Of several, the one drawn last; none was drawn here, so the last by name.
    assert search(conn, small[0], split="test")[0] == [2]
    conn.execute(
        "INSERT INTO skyscript.job_run (job, parameters, code_version, status)"
        " VALUES ('split_pairs', '{\"scheme\": \"a\"}', '0', 'finished')"
    )
    assert search(conn, small[0], split="test")[0] == [1]
    assert len(search(conn, small[0], k=3)[0]) == 3


def test_models_of_two_dimensions_live_side_by_side(conn: Conn) -> None:
    insert_chips(conn, 2)
    insert_vectors(conn, np.eye(2), "two")
    other = insert_vectors(conn, np.eye(3)[:2], "three")
    assert search(conn, [1, 0])[0] == [1, 2]
    assert search(conn, [0, 1, 0], model_id=other.id)[0] == [2, 1]
    with pytest.raises(psycopg.errors.DataException, match="has 3 dimensions"):
        search(conn, [0, 1, 0])


def test_model_refuses_vectors_of_another(conn: Conn) -> None:
    insert_chips(conn, 2)
    model = insert_vectors(conn, np.eye(2))
    with pytest.raises(ModelMismatch, match="dimension 2"):
        embeddings.copy(conn, model, "chip", [7], np.eye(3)[:1])
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "INSERT INTO skyscript.chip_embedding VALUES (%s, 7, '[1,0,0]')",
            (model.id,),
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, 70000.0])
def test_copy_refuses_what_is_no_unit_vector(conn: Conn, bad: float) -> None:
    insert_chips(conn, 2)
    model = insert_vectors(conn, np.eye(2))
    with pytest.raises(ModelMismatch, match="unit vectors"):
        embeddings.copy(conn, model, "chip", [7, 8], np.array([[1, 0], [bad, 0]]))
    count = conn.execute("SELECT count(*) FROM skyscript.chip_embedding").fetchone()
    assert count == (2,)


@pytest.fixture
def indexed(conn: Conn) -> NDArray[Any]:
    """Twenty thousand chips with vectors and an HNSW index."""
    vectors = random_unit(20_000)
    insert_chips(conn, len(vectors))
    model = insert_vectors(conn, vectors)
    assert embeddings.build_index(conn, model, "chip")
    return vectors


def test_index_finds_nearly_all_and_always_k(conn: Conn, indexed: NDArray[Any]) -> None:
    recalls = []
    for query in random_unit(20, seed=1):
        found, plan = search(conn, query, 10)
        assert (len(found), plan) == (10, {"hnsw"})
        recalls.append(len(set(found) & set(nearest(indexed, query, 10))) / 10)
    assert np.mean(recalls) >= 0.95
    settings = conn.execute(
        "SELECT current_setting('hnsw.ef_search'), current_setting('enable_sort')"
    ).fetchone()
    assert settings == ("40", "on")

    # 0.1 % of the chips pass: k of them come back, by an exact scan or not.
    fine = [i for i in nearest(indexed, indexed[3], 20_000) if i % 1000 == 0]
    assert search(conn, indexed[3], collections=["fine"]) == (fine[:10], {"exact"})
    by_index = search(conn, indexed[3], collections=["fine"], exact_rows=0)
    assert by_index == (fine[:10], {"hnsw"})
    conn.execute("SET LOCAL hnsw.max_scan_tuples = 500")
    by_index = search(conn, indexed[3], collections=["fine"], exact_rows=0)
    assert by_index == (fine[:10], {"hnsw, then exact"})
    assert search(conn, indexed[3], 30, collections=["fine"])[0] == fine
    assert search(conn, indexed[3], collections=["none"]) == ([], set())

    # Half of the chips pass, which leaves the search to the index.
    area = "SRID=4326;POLYGON((0 -1, 10.0001 -1, 10.0001 1, 0 1, 0 -1))"
    half = [i for i in nearest(indexed, indexed[3], 20_000) if i <= 10_000]
    found, plan = search(conn, indexed[3], 100, area=area, exact_rows=5000)
    assert plan == {"hnsw"}
    assert len(set(found) & set(half[:100])) >= 95
