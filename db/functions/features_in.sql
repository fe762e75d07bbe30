-- An area as the other functions want it: valid, polygonal, in WGS 84.
CREATE FUNCTION skyscript.checked_area(area geometry)
RETURNS geometry
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
DECLARE
    checked geometry := st_collectionextract(st_curvetoline(st_force2d(area)), 3);
BEGIN
    IF checked IS NULL OR st_isempty(checked) THEN
        RAISE EXCEPTION 'the area is not a polygon'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give a polygon, such as skyscript.box(west, south, east, north).';
    END IF;
    IF st_srid(checked) = 0 THEN
        RAISE EXCEPTION 'the area has no reference system'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Set it: ST_SetSRID(area, 4326) for longitude and latitude.';
    END IF;
    IF st_srid(checked) <> 4326 THEN
        checked := st_transform(checked, 4326);
    END IF;
    -- Reference systems may round the edge of the world outwards.
    IF st_xmin(checked) < -180.0001 OR st_xmax(checked) > 180.0001
        OR st_ymin(checked) < -90.0001 OR st_ymax(checked) > 90.0001 THEN
        RAISE EXCEPTION 'the area reaches beyond 180 degrees east or west, or 90 north or south'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give longitude before latitude; for metres, set the SRID.';
    END IF;
    IF NOT st_isvalid(checked) THEN
        checked := st_collectionextract(st_makevalid(checked), 3);
    END IF;
    IF st_isempty(checked) THEN
        RAISE EXCEPTION 'the area has no extent'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give at least three corners that are not on one line.';
    END IF;
    RETURN checked;
END
$$;

COMMENT ON FUNCTION skyscript.checked_area IS
    'An area made valid and brought to WGS 84; an error where it is no area.';

-- What is worth knowing of an area before thousands of geometries are held against it.
--
-- `box`: the area's box, where the area fills it. Cutting at a box takes an eighth of
-- the time that cutting at a polygon takes. Its sides are moved out by a hair (20 nm)
-- so that an object that touches the area overlaps it, and that no corner meets one
-- of the area's, for which GEOS gives wrong parts.
--
-- `core`: a box inside the area. Boxes in indexes are rounded to float4, which 0.00002
-- degrees make up for anywhere on Earth: whatever lies in `core` by the operator @ lies
-- in the area, and nothing is left to be computed.
CREATE FUNCTION skyscript.frame(area geometry)
RETURNS TABLE (box box2d, core geometry)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        CASE
            WHEN st_area(area) > (1 - 1e-9) * st_area(st_envelope(area))
                THEN st_expand(area, 2e-13, 3e-13)::box2d
        END,
        CASE WHEN st_containsproperly(area, inside.core) THEN inside.core END
    FROM (
        -- Of four corners the inner two along each axis, which serves areas that stand
        -- a little askew too.
        SELECT st_expand(
            st_makeenvelope(corner.x[2], corner.y[2], corner.x[3], corner.y[3], st_srid(area)),
            -2e-5
        ) AS core
        FROM (
            SELECT
                array_agg(st_x(p.geom) ORDER BY st_x(p.geom)) AS x,
                array_agg(st_y(p.geom) ORDER BY st_y(p.geom)) AS y
            FROM generate_series(1, 4) AS i
            CROSS JOIN LATERAL st_pointn(st_exteriorring(area), i) AS p (geom)
        ) AS corner
    ) AS inside
$$;

COMMENT ON FUNCTION skyscript.frame IS
    'The box of an area that fills it, and a box well inside; either may be NULL.';

-- The part of a geometry that lies in an area, NULL if none, and what there is to know
-- of it. Fractions of areas and lengths are taken in degrees: both lie at one latitude.
-- OFFSET 0 keeps the planner from cutting anew wherever the part is named.
CREATE FUNCTION skyscript.visible_part(
    geom geometry, kind text, area geometry, box box2d, core geometry
)
RETURNS TABLE (
    fraction double precision,
    width_deg double precision,
    height_deg double precision,
    touches_edge boolean,
    part geometry
)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        CASE
            WHEN cut.is_in_core OR kind = 'n' THEN 1
            WHEN kind = 'a' THEN least(1, st_area(cut.part) / nullif(st_area(geom), 0))
            ELSE least(1, st_length(cut.part) / nullif(st_length(geom), 0))
        END,
        st_xmax(cut.part) - st_xmin(cut.part),
        st_ymax(cut.part) - st_ymin(cut.part),
        CASE
            WHEN cut.is_in_core THEN false
            WHEN box IS NULL THEN NOT st_containsproperly(area, geom)
            ELSE
                st_xmin(geom) <= st_xmin(area) OR st_xmax(geom) >= st_xmax(area)
                OR st_ymin(geom) <= st_ymin(area) OR st_ymax(geom) >= st_ymax(area)
        END,
        cut.part
    FROM (
        SELECT
            is_in_core,
            CASE
                WHEN is_in_core THEN geom
                WHEN box IS NOT NULL THEN st_clipbybox2d(geom, box)
                WHEN NOT st_intersects(area, geom) THEN NULL
                WHEN st_covers(area, geom) THEN geom
                ELSE st_intersection(geom, area)
            END AS part
        FROM (SELECT coalesce(geom @ core, false) AS is_in_core OFFSET 0) AS x
        OFFSET 0
    ) AS cut
    WHERE NOT st_isempty(cut.part)
$$;

COMMENT ON FUNCTION skyscript.visible_part IS
    'How much of a feature lies in an area, given the area''s frame; no row if nothing.';

-- The loaded features of an area, cut at it, in pixels of a GSD; NULL leaves them in
-- degrees. Not parallel: a worker takes longer to start than an area to look through.
CREATE FUNCTION skyscript.parts_in(area geometry, gsd_m double precision)
RETURNS TABLE (
    osm_type character,
    osm_id bigint,
    kind character,
    tags jsonb,
    visible_fraction double precision,
    width_px double precision,
    height_px double precision,
    geom geometry,
    part geometry,
    px_per_x double precision,
    px_per_y double precision
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        f.osm_type,
        f.osm_id,
        f.kind,
        f.tags,
        visible.fraction,
        visible.width_deg * scale.x,
        visible.height_deg * scale.y,
        f.geom,
        visible.part,
        scale.x,
        scale.y
    FROM (
        SELECT checked.area, frame.box, frame.core
        FROM skyscript.checked_area(area) AS checked (area)
        CROSS JOIN LATERAL skyscript.frame(checked.area) AS frame
        OFFSET 0
    ) AS here
    CROSS JOIN LATERAL (
        SELECT
            111320 * cos(radians(st_y(st_centroid(here.area)))) / gsd_m AS x,
            111320 / gsd_m AS y
    ) AS scale
    INNER JOIN osm.feature AS f ON f.geom && here.area
    CROSS JOIN LATERAL skyscript.visible_part(
        f.geom, f.kind, here.area, here.box, here.core
    ) AS visible
$$;

COMMENT ON FUNCTION skyscript.parts_in IS
    'What OSM has in an area, whether it can be seen or not, and its part in there.';

CREATE FUNCTION skyscript.features_in(area geometry, gsd_m double precision)
RETURNS TABLE (
    osm_type character,
    osm_id bigint,
    kind character,
    tags jsonb,
    phrase text,
    plural text,
    n_tokens integer,
    visible_fraction double precision,
    width_px double precision,
    height_px double precision,
    geom geometry
)
LANGUAGE sql
STABLE
AS $$
    SELECT
        f.osm_type,
        f.osm_id,
        f.kind,
        f.tags,
        told.one,
        told.many,
        told.n_tokens,
        f.visible_fraction,
        f.width_px,
        f.height_px,
        f.geom
    FROM skyscript.parts_in(area, gsd_m) AS f
    CROSS JOIN LATERAL skyscript.feature_texts(f.tags, f.kind, gsd_m) AS told
$$;

COMMENT ON FUNCTION skyscript.features_in IS
    'What OSM has in an area and could be seen at a GSD in metres (NULL: everything).';
