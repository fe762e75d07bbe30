-- name: create_schema
DROP SCHEMA IF EXISTS plain CASCADE;
CREATE SCHEMA plain;

-- name: count_features
SELECT
    count(*),
    count(*) FILTER (
        WHERE EXISTS (
            SELECT FROM plain.everything AS p
            WHERE p.osm_id = f.osm_id AND p.osm_type = f.osm_type AND p.tags = f.tags
        )
    )
FROM osm.feature AS f;

-- name: count_plain
SELECT count(*) FROM plain.everything;

-- name: count_tags
SELECT count(*), sum(n_features) FROM skyscript.tag;

-- name: count_plain_tags
SELECT count(DISTINCT (tag.key, tag.value)), count(*)
FROM plain.everything AS p
INNER JOIN osm.feature AS f ON f.osm_id = p.osm_id AND f.osm_type = p.osm_type
CROSS JOIN LATERAL jsonb_each_text(p.tags) AS tag;
