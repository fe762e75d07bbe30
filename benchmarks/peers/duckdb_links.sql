-- name: load
CREATE TABLE feature AS
SELECT * REPLACE (ST_GeomFromWKB(geom) AS geom) FROM feature_rows;
CREATE TABLE chip AS
SELECT * REPLACE (ST_GeomFromWKB(footprint) AS footprint) FROM chip_rows;

-- name: join
SELECT
    count(*),
    sum((c.id % 1000003) * (f.osm_id % 999983) + ascii(f.osm_type))
FROM chip AS c
INNER JOIN feature AS f ON ST_Intersects(c.footprint, f.geom);

-- name: write
COPY (
    WITH pair AS (
        SELECT
            c.id AS chip_id,
            c.footprint,
            c.width_px / (ST_XMax(c.footprint) - ST_XMin(c.footprint)) AS px_per_x,
            c.height_px / (ST_YMax(c.footprint) - ST_YMin(c.footprint)) AS px_per_y,
            f.osm_id = c.osm_id AND f.osm_type = c.osm_type AS is_focus,
            ST_XMin(f.geom) > ST_XMin(c.footprint)
            AND ST_XMax(f.geom) < ST_XMax(c.footprint)
            AND ST_YMin(f.geom) > ST_YMin(c.footprint)
            AND ST_YMax(f.geom) < ST_YMax(c.footprint) AS is_inside,
            f.*
        FROM chip AS c
        INNER JOIN feature AS f ON ST_Intersects(c.footprint, f.geom)
    ),
    cut AS (
        SELECT
            *,
            CASE WHEN is_inside THEN geom ELSE ST_Intersection(geom, footprint) END
                AS part
        FROM pair
    )
    SELECT
        chip_id,
        osm_type,
        osm_id,
        kind,
        CASE WHEN is_focus THEN 'focus' ELSE 'surrounding' END AS role,
        tags,
        version,
        changed_at,
        CASE
            WHEN is_inside OR kind = 'n' THEN 1
            WHEN kind = 'a' THEN least(1, ST_Area(part) / nullif(ST_Area(geom), 0))
            ELSE least(1, ST_Length(part) / nullif(ST_Length(geom), 0))
        END::FLOAT AS visible_fraction,
        ((ST_XMax(part) - ST_XMin(part)) * px_per_x)::FLOAT AS width_px,
        ((ST_YMax(part) - ST_YMin(part)) * px_per_y)::FLOAT AS height_px,
        NOT is_inside AS touches_edge
    FROM cut
) TO 'PARQUET';

-- name: checksum
SELECT
    count(*),
    sum((p.chip_id % 1000003) * (p.osm_id % 999983) + ascii(p.osm_type))
FROM 'PARQUET' AS p;

-- name: compare
SELECT
    count(*) FILTER (WHERE ours.chip_id IS NULL OR theirs.chip_id IS NULL),
    count(*) FILTER (
        WHERE abs(ours.visible_fraction - theirs.visible_fraction) > 1e-6
        OR abs(ours.width_px - theirs.width_px) > 1e-3
        OR abs(ours.height_px - theirs.height_px) > 1e-3
        OR ours.role <> theirs.role
        OR ours.touches_edge <> theirs.touches_edge
    ),
    max(abs(ours.visible_fraction - theirs.visible_fraction))
FROM read_csv('CSV') AS ours
FULL OUTER JOIN 'PARQUET' AS theirs USING (chip_id, osm_type, osm_id);
