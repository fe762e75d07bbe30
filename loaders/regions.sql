-- name: is_covered
WITH
coverage AS (
    SELECT
        st_union(
            st_makeenvelope(
                (box.sides ->> 0)::double precision, (box.sides ->> 1)::double precision,
                (box.sides ->> 2)::double precision, (box.sides ->> 3)::double precision,
                4326
            )
        ) AS area
    FROM jsonb_array_elements(%(coverage)s::jsonb) AS box (sides)
)
SELECT st_intersects(%(area)s::geometry, coverage.area)
FROM coverage;

-- name: select_region
-- Edges are bent along great circles by some services: pieces of a degree bend little.
WITH
given AS (
    SELECT %(area)s::geometry AS area
),
shape AS (
    SELECT
        CASE
            WHEN st_npoints(area) <= %(max_points)s THEN area
            ELSE st_envelope(area)
        END AS area
    FROM given
)
SELECT
    given.area::text AS area,
    st_asgeojson(
        st_segmentize(
            CASE
                WHEN st_numgeometries(shape.area) = 1 THEN st_geometryn(shape.area, 1)
                ELSE shape.area
            END,
            greatest(1, st_perimeter(shape.area) / %(max_points)s)
        ),
        6
    ) AS geojson
FROM given, shape;

-- name: select_lacking
WITH
coverage AS (
    SELECT
        st_union(
            st_makeenvelope(
                (box.sides ->> 0)::double precision, (box.sides ->> 1)::double precision,
                (box.sides ->> 2)::double precision, (box.sides ->> 3)::double precision,
                4326
            )
        ) AS area
    FROM jsonb_array_elements(%(coverage)s::jsonb) AS box (sides)
),
visible_tag AS MATERIALIZED (
    SELECT v.key, v.value
    FROM skyscript.visible_tag AS v
    WHERE v.max_gsd_m >= %(gsd_m)s
),
-- Whom no scene serves for a reason that another scene may not have.
without AS (
    SELECT p.osm_type, p.osm_id
    FROM skyscript.place_chips(
        %(side_px)s, %(min_side_px)s, %(max_side_px)s, %(margin)s, %(seed)s,
        %(cell_fraction)s, %(rare_below)s, %(area)s::geometry
    ) AS p
    WHERE p.is_drawn
    GROUP BY p.osm_type, p.osm_id
    HAVING bool_and(p.reason IS NOT NULL)
),
lacking AS (
    SELECT f.osm_type, f.osm_id, f.kind, f.geom
    FROM without AS w
    INNER JOIN osm.feature AS f ON f.osm_type = w.osm_type AND f.osm_id = w.osm_id
    CROSS JOIN coverage
    WHERE st_intersects(f.geom, coverage.area)
        AND (
            %(area)s::geometry IS NULL OR st_intersects(f.geom, %(area)s::geometry)
        )
        AND EXISTS (
            SELECT
            FROM jsonb_each_text(f.tags) AS tag
            INNER JOIN visible_tag AS v ON v.key = tag.key AND v.value = tag.value
        )
),
sized AS (
    SELECT
        osm_type,
        osm_id,
        kind,
        geom,
        greatest(
            (st_xmax(geom) - st_xmin(geom)) * cosd((st_ymin(geom) + st_ymax(geom)) / 2),
            st_ymax(geom) - st_ymin(geom)
        ) * 111320 * (1 + 2 * %(margin)s) / %(gsd_m)s AS longest_px
    FROM lacking
),
-- A line's chip shows a part of it, so it asks for all cells that it runs through.
piece AS (
    SELECT
        osm_type,
        osm_id,
        floor(st_x(st_centroid(geom)) * 10) AS cell_x,
        floor(st_y(st_centroid(geom)) * 10) AS cell_y,
        geom
    FROM sized
    WHERE kind = 'n'
        -- A tenth of grace: the size was reckoned on a sphere.
        OR (
            kind = 'a'
            AND longest_px BETWEEN %(min_side_px)s * 0.9 AND %(max_side_px)s * 1.1
        )
    UNION ALL
    SELECT
        sized.osm_type,
        sized.osm_id,
        floor(st_x(p.geom) * 10),
        floor(st_y(p.geom) * 10),
        p.geom
    FROM sized
    CROSS JOIN LATERAL st_dumppoints(sized.geom) AS p
    WHERE sized.kind = 'w'
),
box AS (
    SELECT
        st_setsrid(st_expand(st_extent(geom)::geometry, 0.0001), 4326) AS area,
        count(DISTINCT (osm_type, osm_id)) AS n_features
    FROM piece
    GROUP BY cell_x, cell_y
)
SELECT
    area::text AS area,
    st_asgeojson(area, 6) AS geojson,
    n_features
FROM box
ORDER BY n_features DESC, st_xmin(area), st_ymin(area);
