-- Where a chip lies in the scene: one interval for each axis.
--
-- The window of `side` pixels must hold the object from `low` to `high`, be off-centre
-- by a quarter of its side at most, and stay in the scene. Of the offsets that are
-- left, `fraction` picks one; NULL if none is.
CREATE FUNCTION skyscript.window_offset(
    low double precision,
    high double precision,
    side integer,
    scene_side integer,
    fraction double precision
)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN o.first <= o.last
            THEN (o.first + floor(fraction * (o.last - o.first + 1)))::integer
    END
    FROM (
        SELECT
            ceil(greatest(high - side, (low + high) / 2 - 0.75 * side, 0)) AS first,
            floor(least(low, (low + high) / 2 - 0.25 * side, scene_side - side)) AS last
    ) AS o
$$;

COMMENT ON FUNCTION skyscript.window_offset IS
    'First pixel of a chip along one axis of its scene, off-centre by chance.';

-- One row per focus feature and scene that covers it, or one row without a scene. A
-- focus feature has a primary tag that can be seen at some GSD. `reason` says why there
-- is no chip; where it is NULL, the window is set. `within` leaves features elsewhere out,
-- and changes nothing of the others.
CREATE FUNCTION skyscript.place_chips(
    side_px integer,
    min_side_px integer,
    max_side_px integer,
    margin double precision,
    seed integer,
    cell_fraction double precision DEFAULT 1,
    rare_below integer DEFAULT 0,
    within geometry DEFAULT NULL
)
RETURNS TABLE (
    osm_type character,
    osm_id bigint,
    kind character,
    changed_at timestamptz,
    scene_id bigint,
    is_drawn boolean,
    reason text,
    col_off_px integer,
    row_off_px integer,
    width_px integer,
    height_px integer
)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    WITH seen AS (
        SELECT
            f.osm_type,
            f.osm_id,
            f.kind,
            f.changed_at,
            f.geom,
            s.id AS scene_id,
            s.footprint,
            s.srid,
            s.transform,
            s.width_px,
            s.height_px,
            s.gsd_m > focus.max_gsd_m AS is_too_coarse,
            focus.is_drawn,
            concat_ws('/', c.name, s.name, f.osm_type, f.osm_id, seed) AS chance
        FROM skyscript.sample_features(
            cell_fraction, rare_below, seed, within
        ) AS focus
        INNER JOIN osm.feature AS f
            ON f.osm_type = focus.osm_type AND f.osm_id = focus.osm_id
        LEFT JOIN skyscript.scene AS s
            ON focus.is_drawn AND s.footprint && f.geom
                AND st_intersects(s.footprint, f.geom)
        LEFT JOIN skyscript.collection AS c ON c.id = s.collection_id
        WHERE within IS NULL OR f.geom && within
    ),

    -- What the chip must hold, in pixels: the box of an area, a point, or one vertex of
    -- a line, chosen by chance among those in the scene.
    object AS (
        SELECT
            seen.*,
            coalesce(vertex.geom, on_grid.geom) AS held,
            seen.kind = 'w' AND vertex.geom IS NULL AS is_outside
        FROM seen
        LEFT JOIN LATERAL (
            SELECT skyscript.to_pixels(seen.geom, seen.srid, seen.transform) AS geom
            WHERE NOT seen.is_too_coarse
        ) AS on_grid ON true
        LEFT JOIN LATERAL (
            SELECT p.geom
            FROM st_dumppoints(on_grid.geom) AS p
            WHERE seen.kind = 'w'
                AND st_x(p.geom) BETWEEN 0 AND seen.width_px
                AND st_y(p.geom) BETWEEN 0 AND seen.height_px
            ORDER BY skyscript.hash_id(seen.chance, p.path::text)
            LIMIT 1
        ) AS vertex ON true
    ),

    sized AS (
        SELECT
            object.*,
            box.longest_px,
            CASE WHEN kind = 'a' THEN greatest(box.width_px, box.least_px) ELSE side_px END
                AS chip_width_px,
            CASE WHEN kind = 'a' THEN greatest(box.height_px, box.least_px) ELSE side_px END
                AS chip_height_px
        FROM object
        CROSS JOIN LATERAL (
            -- Rounded to a thousandth first, lest the last bit of a coordinate decide.
            SELECT
                sides.width_px,
                sides.height_px,
                greatest(sides.width_px, sides.height_px) AS longest_px
            FROM (
                SELECT
                    ceil(round(
                        ((st_xmax(held) - st_xmin(held)) * (1 + 2 * margin))::numeric, 3
                    )) AS width_px,
                    ceil(round(
                        ((st_ymax(held) - st_ymin(held)) * (1 + 2 * margin))::numeric, 3
                    )) AS height_px
            ) AS sides
        ) AS raw
        CROSS JOIN LATERAL (
            SELECT
                -- Cut off before the cast: a country has more pixels than integers.
                least(raw.width_px, max_side_px + 1)::integer AS width_px,
                least(raw.height_px, max_side_px + 1)::integer AS height_px,
                raw.longest_px,
                -- No side under half the other: CLIP sees the middle square alone.
                greatest(
                    min_side_px, least(ceil(raw.longest_px / 2), max_side_px)
                )::integer AS least_px
        ) AS box
    ),

    placed AS (
        SELECT
            sized.*,
            skyscript.window_offset(
                st_xmin(held), st_xmax(held), chip_width_px, width_px,
                skyscript.hash_fraction(chance, 'column')
            ) AS col_off_px,
            skyscript.window_offset(
                st_ymin(held), st_ymax(held), chip_height_px, height_px,
                skyscript.hash_fraction(chance, 'row')
            ) AS row_off_px
        FROM sized
    ),

    judged AS (
        SELECT
            placed.*,
            CASE
                WHEN NOT is_drawn THEN 'its cell was not drawn'
                WHEN scene_id IS NULL THEN 'no imagery covers it'
                WHEN is_too_coarse THEN 'imagery too coarse for its tags'
                WHEN kind = 'a' AND longest_px < min_side_px
                    THEN format('chip under %s px', min_side_px)
                WHEN kind = 'a' AND longest_px > max_side_px
                    THEN format('chip over %s px', max_side_px)
                WHEN is_outside OR col_off_px IS NULL OR row_off_px IS NULL
                    THEN 'reaches outside the scene'
            END AS first_reason
        FROM placed
    )

    SELECT
        j.osm_type,
        j.osm_id,
        j.kind,
        j.changed_at,
        j.scene_id,
        j.is_drawn,
        CASE
            WHEN j.first_reason IS NOT NULL THEN j.first_reason
            -- One pixel of grace, for the rounding of coordinates.
            WHEN NOT st_covers(
                j.footprint,
                skyscript.to_ground(
                    st_makeenvelope(
                        j.col_off_px + 1, j.row_off_px + 1,
                        j.col_off_px + j.chip_width_px - 1,
                        j.row_off_px + j.chip_height_px - 1
                    ),
                    j.srid,
                    j.transform
                )
            ) THEN 'reaches outside the scene'
        END,
        j.col_off_px,
        j.row_off_px,
        j.chip_width_px,
        j.chip_height_px
    FROM judged AS j
$$;

COMMENT ON FUNCTION skyscript.place_chips IS
    'Chips that the loaded features and scenes allow, or the reason against each.';
