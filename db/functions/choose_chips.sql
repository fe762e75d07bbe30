-- The chips of a plan, with the reason against those that it leaves out. Of the scenes
-- in which a feature can be cut, the policy takes one, or all. A chip counts towards
-- the cap of one tag: the rarest of those that make its feature a focus, so that a
-- windmill is no building among buildings. Chips that are planned already come first.
CREATE FUNCTION skyscript.choose_chips(
    plan text,
    policy text,
    side_px integer,
    min_side_px integer,
    max_side_px integer,
    margin double precision,
    seed integer,
    cell_fraction double precision DEFAULT 1,
    rare_below integer DEFAULT 0,
    tag_cap integer DEFAULT NULL
)
RETURNS TABLE (
    id bigint,
    osm_type character,
    osm_id bigint,
    kind character,
    scene_id bigint,
    reason text,
    is_planned boolean,
    col_off_px integer,
    row_off_px integer,
    width_px integer,
    height_px integer
)
LANGUAGE sql
STABLE
AS $$
    WITH placed AS (
        SELECT
            p.*,
            s.gsd_m,
            skyscript.hash_id(c.name, s.name, p.osm_type, p.osm_id::text, plan) AS id,
            row_number() OVER (
                PARTITION BY p.osm_type, p.osm_id, p.reason IS NULL
                ORDER BY
                    CASE policy
                        WHEN 'finest' THEN s.gsd_m
                        WHEN 'newest' THEN -extract(epoch FROM s.acquired_at)
                        WHEN 'nearest-date'
                            THEN abs(extract(epoch FROM s.acquired_at - p.changed_at))
                    END NULLS LAST,
                    s.gsd_m,
                    s.acquired_at DESC NULLS LAST,
                    c.name COLLATE "C",
                    s.name COLLATE "C"
            ) AS choice
        FROM skyscript.place_chips(
            side_px, min_side_px, max_side_px, margin, seed, cell_fraction, rare_below
        ) AS p
        LEFT JOIN skyscript.scene AS s ON s.id = p.scene_id
        LEFT JOIN skyscript.collection AS c ON c.id = s.collection_id
    ),

    chosen AS (
        SELECT
            placed.*,
            EXISTS (
                SELECT FROM skyscript.chip AS old
                WHERE old.osm_id = placed.osm_id
                    AND old.osm_type = placed.osm_type
                    AND old.plan = choose_chips.plan
                    AND (policy <> 'all' OR old.id = placed.id)
            ) AS is_planned
        FROM placed
        WHERE placed.reason IS NOT NULL OR placed.choice = 1 OR policy = 'all'
    ),

    carried AS (
        SELECT
            chosen.id,
            v.tag_id,
            v.key,
            v.value,
            count(*) OVER (PARTITION BY v.tag_id) AS n_of_tag
        FROM chosen
        INNER JOIN osm.feature AS f
            ON f.osm_type = chosen.osm_type AND f.osm_id = chosen.osm_id
        CROSS JOIN LATERAL jsonb_each_text(f.tags) AS tag
        INNER JOIN skyscript.visible_tag AS v
            ON v.key = tag.key AND v.value = tag.value AND v.max_gsd_m >= chosen.gsd_m
        WHERE tag_cap IS NOT NULL AND chosen.reason IS NULL
    ),

    rarest AS (
        SELECT DISTINCT ON (carried.id) carried.id, carried.tag_id
        FROM carried
        ORDER BY
            carried.id,
            carried.n_of_tag,
            carried.key COLLATE "C",
            carried.value COLLATE "C"
    ),

    capped AS (
        SELECT
            rarest.id,
            row_number() OVER (
                PARTITION BY rarest.tag_id ORDER BY chosen.is_planned DESC, rarest.id
            ) > tag_cap AS is_over
        FROM rarest
        INNER JOIN chosen ON chosen.id = rarest.id
    )

    SELECT
        chosen.id,
        chosen.osm_type,
        chosen.osm_id,
        chosen.kind,
        chosen.scene_id,
        CASE
            WHEN chosen.reason IS NOT NULL THEN chosen.reason
            WHEN capped.is_over THEN format('over the cap of %s chips a tag', tag_cap)
        END,
        chosen.is_planned,
        chosen.col_off_px,
        chosen.row_off_px,
        chosen.width_px,
        chosen.height_px
    FROM chosen
    LEFT JOIN capped ON capped.id = chosen.id
$$;

COMMENT ON FUNCTION skyscript.choose_chips IS
    'The chips that a plan wants, and the reason against the others.';
