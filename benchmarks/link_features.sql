-- name: join_naive
-- The checksum depends on the set of pairs alone.
SELECT
    count(*),
    sum((c.id % 1000003) * (f.osm_id % 999983) + ascii(f.osm_type))
FROM skyscript.chip AS c
INNER JOIN osm.feature AS f ON st_intersects(f.geom, c.footprint);

-- name: join_ours
WITH chip AS MATERIALIZED (
    SELECT c.id, c.footprint, frame.box, frame.core
    FROM skyscript.chip AS c
    CROSS JOIN LATERAL skyscript.frame(c.footprint) AS frame
    ORDER BY c.cell
)

SELECT
    count(*),
    sum((chip.id % 1000003) * (f.osm_id % 999983) + ascii(f.osm_type))
FROM chip
INNER JOIN osm.feature AS f ON f.geom && chip.footprint
CROSS JOIN LATERAL skyscript.visible_part(
    f.geom, f.kind, chip.footprint, chip.box, chip.core
) AS visible;

-- name: select_checksum
SELECT
    count(*),
    sum((cf.chip_id % 1000003) * (cf.osm_id % 999983) + ascii(cf.osm_type))
FROM skyscript.chip_feature AS cf;

-- name: select_bytes
SELECT
    pg_table_size('skyscript.chip_feature'),
    pg_indexes_size('skyscript.chip_feature'),
    sum(pg_column_size(cf.tags)),
    sum(pg_column_size(cf.*))
FROM (SELECT c.* FROM skyscript.chip_feature AS c LIMIT 200000) AS cf;

-- name: copy_links
COPY (
    SELECT
        cf.chip_id, cf.osm_type, cf.osm_id, cf.role, cf.visible_fraction,
        cf.width_px, cf.height_px, cf.touches_edge
    FROM skyscript.chip_feature AS cf
) TO STDOUT (FORMAT csv, HEADER);
