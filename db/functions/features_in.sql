-- An area as the other functions want it: valid, polygonal, in WGS 84.
CREATE FUNCTION skyscript.checked_area(area geometry)
RETURNS geometry
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $$
DECLARE
    checked geometry := area;
BEGIN
    IF area IS NULL OR st_isempty(area) OR st_dimension(area) <> 2 THEN
        RAISE EXCEPTION 'the area is not a polygon'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give a polygon, such as skyscript.box(west, south, east, north).';
    END IF;
    IF st_srid(area) = 0 THEN
        RAISE EXCEPTION 'the area has no reference system'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Set it: ST_SetSRID(area, 4326) for longitude and latitude.';
    END IF;
    IF st_srid(area) <> 4326 THEN
        checked := st_transform(area, 4326);
    END IF;
    IF NOT st_isvalid(checked) THEN
        checked := st_collectionextract(st_makevalid(checked), 3);
    END IF;
    RETURN checked;
END
$$;

COMMENT ON FUNCTION skyscript.checked_area IS
    'An area made valid and brought to WGS 84; an error where it is no area.';

-- The part of a geometry that lies in an area, and what there is to know of it.
-- Fractions of areas and lengths are taken in degrees: both lie at one latitude.
CREATE FUNCTION skyscript.visible_part(
    geom geometry, kind text, area geometry
)
RETURNS TABLE (part geometry, fraction double precision)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT
        clipped.part,
        CASE kind
            WHEN 'a' THEN least(1, st_area(clipped.part) / nullif(st_area(geom), 0))
            WHEN 'w' THEN least(1, st_length(clipped.part) / nullif(st_length(geom), 0))
            ELSE 1
        END
    FROM (
        SELECT CASE
            WHEN st_coveredby(geom, area) THEN geom
            ELSE st_intersection(geom, area)
        END AS part
    ) AS clipped
$$;

COMMENT ON FUNCTION skyscript.visible_part IS
    'The part of a feature in an area, and its share of the whole.';

-- Not parallel: a worker takes longer to start than an area takes to look through.
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
        visible.fraction,
        (st_xmax(visible.part) - st_xmin(visible.part)) * scale.x,
        (st_ymax(visible.part) - st_ymin(visible.part)) * scale.y,
        f.geom
    FROM skyscript.checked_area(area) AS here (area)
    CROSS JOIN LATERAL (
        SELECT
            111320 * cos(radians(st_y(st_centroid(here.area)))) / gsd_m AS x,
            111320 / gsd_m AS y
    ) AS scale
    INNER JOIN osm.feature AS f ON st_intersects(f.geom, here.area)
    CROSS JOIN LATERAL skyscript.feature_texts(f.tags, f.kind, gsd_m) AS told
    CROSS JOIN LATERAL skyscript.visible_part(f.geom, f.kind, here.area) AS visible
$$;

COMMENT ON FUNCTION skyscript.features_in IS
    'What OSM has in an area and could be seen at a GSD in metres (NULL: everything).';
