-- name: boxes
-- The envelope of an area; of an area across the antimeridian those of its two sides.
WITH
area AS (
    SELECT %(area)s::geometry AS geom
),
part AS (
    SELECT
        dumped.geom,
        (st_xmax(a.geom) - st_xmin(a.geom) > 180 AND st_xmax(dumped.geom) > 0) AS is_east
    FROM area AS a, st_dump(a.geom) AS dumped
)
SELECT
    min(st_xmin(p.geom)),
    min(st_ymin(p.geom)),
    max(st_xmax(p.geom)),
    max(st_ymax(p.geom))
FROM part AS p
GROUP BY p.is_east
ORDER BY 1;

-- name: is_within_reach
-- Whether an item, by its own rough outline, has ground in common with the area.
SELECT st_intersects(
    st_makevalid(st_force2d(st_setsrid(st_geomfromgeojson(%(geojson)s), 4326))),
    %(area)s::geometry
);
