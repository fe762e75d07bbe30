-- The eight directions, as a person would say them: where a box lies wholly to one side
-- of another, and askew only where it does so along both axes about alike.
CREATE FUNCTION skyscript.direction(focus geometry, part geometry)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT nullif(concat_ws(
        '-',
        CASE
            WHEN b.is_beside AND abs(b.dx) > 2 * abs(b.dy) THEN NULL
            WHEN b.is_above THEN 'north'
            WHEN b.is_below THEN 'south'
        END,
        CASE
            WHEN (b.is_above OR b.is_below) AND abs(b.dy) > 2 * abs(b.dx) THEN NULL
            WHEN b.is_beside THEN CASE WHEN b.dx > 0 THEN 'east' ELSE 'west' END
        END
    ), '')
    FROM (
        SELECT
            st_ymin(part) >= st_ymax(focus) AS is_above,
            st_ymax(part) <= st_ymin(focus) AS is_below,
            st_xmin(part) >= st_xmax(focus) OR st_xmax(part) <= st_xmin(focus)
                AS is_beside,
            st_xmin(part) + st_xmax(part) - st_xmin(focus) - st_xmax(focus) AS dx,
            st_ymin(part) + st_ymax(part) - st_ymin(focus) - st_ymax(focus) AS dy
        OFFSET 0
    ) AS b
$$;

COMMENT ON FUNCTION skyscript.direction IS
    'Where a geometry lies from another, from north to north-west; NULL: on no one side.';

-- How a feature lies to the focus feature: both in pixels, north up, cut at the chip.
-- Everything is decided by distances and by points within areas, which hold for
-- invalid parts too; so much as touches counts as `beside`, within the tolerance.
CREATE FUNCTION skyscript.lies(
    focus geometry,
    focus_kind text,
    part geometry,
    kind text,
    tolerance_px double precision
)
RETURNS TABLE (relation text, direction text, distance_px double precision)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        how.relation,
        CASE
            WHEN how.relation = 'along' AND focus_kind = 'a'
                THEN skyscript.side(focus, how.run)
            WHEN how.relation IN ('beside', 'near')
                THEN skyscript.direction(focus, part)
        END,
        how.px
    FROM (
        SELECT
            d.px,
            d.run,
            CASE
                WHEN d.px > tolerance_px THEN 'near'
                WHEN d.px = 0 AND kind = 'a'
                    AND st_intersects(part, st_pointonsurface(focus))
                    AND (focus_kind <> 'a' OR st_area(part) >= st_area(focus))
                    THEN 'around'
                WHEN d.px = 0 AND focus_kind = 'a' AND kind <> 'w'
                    AND st_intersects(focus, st_pointonsurface(part))
                    THEN 'inside'
                WHEN kind = 'w' AND skyscript.runs_along(d.run, focus, focus_kind, tolerance_px)
                    THEN 'along'
                WHEN d.px = 0 AND kind = 'w' AND focus_kind = 'a'
                    AND skyscript.passes_through(d.run, focus)
                    THEN CASE
                        WHEN st_length(d.run) >= 0.7 * st_length(part)
                            AND st_length(d.run) < 0.7 * greatest(
                                st_xmax(focus) - st_xmin(focus),
                                st_ymax(focus) - st_ymin(focus)
                            )
                            THEN 'inside'
                        ELSE 'across'
                    END
                WHEN d.px = 0 AND kind = 'w' AND focus_kind = 'w'
                    THEN CASE WHEN st_crosses(part, focus) THEN 'across' ELSE 'meeting' END
                ELSE 'beside'
            END AS relation
        FROM (
            SELECT
                near.px,
                CASE
                    WHEN near.px <= tolerance_px AND kind = 'w' AND focus_kind <> 'n'
                        THEN st_linemerge(
                            st_clipbybox2d(part, st_expand(focus, tolerance_px)::box2d)
                        )
                END AS run
            FROM (SELECT st_distance(focus, part) AS px OFFSET 0) AS near
            OFFSET 0
        ) AS d
        OFFSET 0
    ) AS how
$$;

COMMENT ON FUNCTION skyscript.lies IS
    'How a feature lies to another, in which direction and how far, in pixels.';

-- Along: for most of the other's length, never far from it, and not through it.
CREATE FUNCTION skyscript.runs_along(
    run geometry, focus geometry, focus_kind text, tolerance_px double precision
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT coalesce(
        st_geometrytype(run) = 'ST_LineString'
        AND st_length(run) >= 0.6 * greatest(
            st_xmax(focus) - st_xmin(focus), st_ymax(focus) - st_ymin(focus)
        )
        AND (
            SELECT bool_and(
                at.px <= tolerance_px AND (focus_kind <> 'a' OR at.px > 0)
            )
            FROM (VALUES (0.2), (0.5), (0.8)) AS x (fraction)
            CROSS JOIN LATERAL (
                SELECT st_distance(focus, st_lineinterpolatepoint(run, x.fraction)) AS px
            ) AS at
        ),
        false
    )
$$;

COMMENT ON FUNCTION skyscript.runs_along IS
    'Whether a line keeps close to a feature, outside it, for most of its length.';

CREATE FUNCTION skyscript.passes_through(run geometry, focus geometry)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN st_geometrytype(run) = 'ST_LineString'
            THEN st_intersects(focus, st_lineinterpolatepoint(run, 0.5))
                OR st_intersects(focus, st_lineinterpolatepoint(run, 0.3))
                OR st_intersects(focus, st_lineinterpolatepoint(run, 0.7))
        ELSE st_intersects(focus, st_pointonsurface(run))
    END
$$;

COMMENT ON FUNCTION skyscript.passes_through IS
    'Whether a line leads through an area, not only up to it.';

CREATE FUNCTION skyscript.side(focus geometry, run geometry)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN abs(off.y) >= abs(off.x)
            THEN CASE WHEN off.y > 0 THEN 'north' ELSE 'south' END
        ELSE CASE WHEN off.x > 0 THEN 'east' ELSE 'west' END
    END
    FROM (
        SELECT
            (st_xmin(run) + st_xmax(run) - st_xmin(focus) - st_xmax(focus))
                / greatest(st_xmax(focus) - st_xmin(focus), 1) AS x,
            (st_ymin(run) + st_ymax(run) - st_ymin(focus) - st_ymax(focus))
                / greatest(st_ymax(focus) - st_ymin(focus), 1) AS y
    ) AS off
$$;

COMMENT ON FUNCTION skyscript.side IS
    'Along which edge of an area a line runs: north, east, south or west.';

-- Twelve metres: the width of a street with its pavements; at least two pixels, since
-- less cannot be told apart.
CREATE FUNCTION skyscript.beside_px(gsd_m double precision)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT greatest(2, 12 / gsd_m)
$$;

COMMENT ON FUNCTION skyscript.beside_px IS
    'How far off, in pixels, a feature still lies beside another.';
