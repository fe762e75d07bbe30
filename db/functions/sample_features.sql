-- Which features may be the focus of a chip, by the two stages of SkyScript's paper
-- (AAAI 2024): all features in the cells that are drawn by chance, and then all that
-- carry a tag of which fewer than `rare_below` were in those cells. `within` leaves
-- features elsewhere out, where none need be counted to know what is rare.
CREATE FUNCTION skyscript.sample_features(
    cell_fraction double precision,
    rare_below integer,
    seed integer,
    within geometry DEFAULT NULL
)
RETURNS TABLE (
    osm_type character, osm_id bigint, max_gsd_m double precision, is_drawn boolean
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    WITH carried AS (
        SELECT
            f.osm_type,
            f.osm_id,
            v.tag_id,
            v.max_gsd_m,
            cell_fraction >= 1 OR skyscript.hash_fraction(
                'cell',
                skyscript.cell_at(
                    (st_xmin(f.geom) + st_xmax(f.geom)) / 2,
                    (st_ymin(f.geom) + st_ymax(f.geom)) / 2
                )::text,
                seed::text
            ) < cell_fraction AS is_random
        FROM osm.feature AS f
        CROSS JOIN LATERAL jsonb_each_text(f.tags) AS tag
        INNER JOIN skyscript.visible_tag AS v
            ON v.key = tag.key AND v.value = tag.value
        WHERE NOT EXISTS (SELECT FROM skyscript.hidden_by(f.tags))
            AND (
                within IS NULL
                OR cell_fraction < 1 AND rare_below > 0
                OR f.geom && within
            )
    ),

    rare AS (
        SELECT c.tag_id
        FROM carried AS c
        WHERE cell_fraction < 1 AND rare_below > 0
        GROUP BY c.tag_id
        HAVING count(*) FILTER (WHERE c.is_random) < rare_below
    )

    SELECT
        c.osm_type,
        c.osm_id,
        max(c.max_gsd_m),
        bool_or(c.is_random OR rare.tag_id IS NOT NULL)
    FROM carried AS c
    LEFT JOIN rare ON rare.tag_id = c.tag_id
    GROUP BY c.osm_type, c.osm_id
$$;

COMMENT ON FUNCTION skyscript.sample_features IS
    'Features with a visible primary tag, and whether the two stages draw them.';
