-- name: measure
-- Both in metres on the ellipsoid, whatever the reference system: the size of the
-- middle pixel, and the area of the footprint beside the one that its pixels make up.
WITH
grid AS (
    SELECT
        %(transform)s::double precision[] AS t,
        %(width_px)s / 2.0 AS col,
        %(height_px)s / 2.0 AS row,
        ST_SimplifyPreserveTopology(
            ST_SetSRID(ST_GeomFromGeoJSON(%(valid_px)s), 0), %(tolerance_px)s
        ) AS valid_px
),
pixel AS (
    SELECT
        step,
        ST_Transform(
            ST_SetSRID(
                ST_Affine(
                    ST_Point(col + dx, row + dy),
                    t[1], t[2], t[4], t[5], t[3], t[6]
                ),
                %(srid)s
            ),
            4326
        )::geography AS place
    FROM
        grid,
        (VALUES ('here', 0, 0), ('right', 1, 0), ('below', 0, 1)) AS s (step, dx, dy)
),
gsd AS (
    SELECT
        sqrt(
            ST_Distance(here.place, right_of.place)
            * ST_Distance(here.place, below.place)
        ) AS gsd_m
    FROM pixel AS here, pixel AS right_of, pixel AS below
    WHERE here.step = 'here' AND right_of.step = 'right' AND below.step = 'below'
),
ground AS (
    SELECT
        ST_Transform(
            ST_SetSRID(
                ST_Affine(
                    CASE
                        WHEN %(srid)s = 4326 THEN valid_px
                        ELSE ST_Segmentize(
                            valid_px,
                            greatest(%(width_px)s, %(height_px)s) / 64.0
                        )
                    END,
                    t[1], t[2], t[4], t[5], t[3], t[6]
                ),
                %(srid)s
            ),
            4326
        ) AS geom
    FROM grid
),
-- Across the antimeridian: cut there, the pieces on either side of the map.
cut AS (
    SELECT
        CASE
            WHEN ST_XMax(geom) - ST_XMin(geom) > 180 AND ST_XMax(geom) <= 180
                THEN ST_WrapX(ST_ShiftLongitude(geom), 180, -360)
            WHEN ST_XMax(geom) > 180 THEN ST_WrapX(geom, 180, -360)
            ELSE geom
        END AS geom
    FROM ground
),
whole AS (
    SELECT ST_Multi(ST_CollectionExtract(ST_MakeValid(geom), 3)) AS footprint
    FROM cut
)
SELECT
    footprint::text AS footprint,
    gsd_m,
    ST_YMin(footprint) < -90.001 OR ST_YMax(footprint) > 90.001
    OR ST_XMin(footprint) < -180.001 OR ST_XMax(footprint) > 180.001 AS is_off_earth,
    ST_Area(footprint::geography) / nullif(ST_Area(valid_px) * gsd_m ^ 2, 0) AS swell
FROM whole, gsd, grid;

-- name: clip_footprint
-- What a provider says that holds data, within the outline of the grid: its own edges
-- are rough, and windows beyond the grid hold nothing. Pieces across the antimeridian
-- are brought back onto the map.
WITH
told AS (
    SELECT st_makevalid(st_force2d(st_geomfromgeojson(%(geojson)s))) AS geom
),
wrapped AS (
    SELECT
        CASE
            WHEN st_xmax(geom) > 180 THEN st_wrapx(geom, 180, -360)
            WHEN st_xmin(geom) < -180 THEN st_wrapx(geom, -180, 360)
            ELSE geom
        END AS geom
    FROM told
),
clipped AS (
    SELECT
        st_multi(
            st_collectionextract(
                st_intersection(
                    st_collectionextract(st_makevalid(geom), 3), %(outline)s::geometry
                ),
                3
            )
        ) AS footprint
    FROM wrapped
)
SELECT
    CASE
        WHEN st_isempty(footprint) THEN %(outline)s::geometry
        ELSE footprint
    END::text AS footprint
FROM clipped;

-- name: do_intersect
SELECT st_intersects(%(footprint)s::geometry, %(area)s::geometry);
