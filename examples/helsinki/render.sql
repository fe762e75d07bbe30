-- name: dense_bounds
-- A box that stands on the map's grid, inside the box (in degrees) of the data: the
-- two are turned against each other, and a corner without data would be bare.
WITH points AS (
    SELECT ST_PointOnSurface(feature.geom) AS geom
    FROM osm.feature AS feature
),
extent AS (
    SELECT
        percentile_cont(%(share)s) WITHIN GROUP (ORDER BY ST_X(points.geom)) AS west,
        percentile_cont(%(share)s) WITHIN GROUP (ORDER BY ST_Y(points.geom)) AS south,
        percentile_cont(1 - %(share)s) WITHIN GROUP (ORDER BY ST_X(points.geom)) AS east,
        percentile_cont(1 - %(share)s) WITHIN GROUP (ORDER BY ST_Y(points.geom)) AS north
    FROM points
),
corners AS (
    SELECT
        ST_Transform(ST_SetSRID(ST_Point(west, south), 4326), %(srid)s) AS sw,
        ST_Transform(ST_SetSRID(ST_Point(west, north), 4326), %(srid)s) AS nw,
        ST_Transform(ST_SetSRID(ST_Point(east, south), 4326), %(srid)s) AS se,
        ST_Transform(ST_SetSRID(ST_Point(east, north), 4326), %(srid)s) AS ne
    FROM extent
    WHERE west IS NOT NULL
)
SELECT
    greatest(ST_X(sw), ST_X(nw)) AS west,
    greatest(ST_Y(sw), ST_Y(se)) AS south,
    least(ST_X(se), ST_X(ne)) AS east,
    least(ST_Y(nw), ST_Y(ne)) AS north
FROM corners;

-- name: projected_bounds
WITH box AS (
    SELECT ST_Transform(
        ST_Segmentize(
            ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 4326), 0.001
        ),
        %(srid)s
    ) AS geom
)
SELECT ST_XMin(geom), ST_YMin(geom), ST_XMax(geom), ST_YMax(geom)
FROM box;

-- name: newest_change
SELECT count(*) AS n_features, max(feature.changed_at) AS changed_at
FROM osm.feature AS feature
WHERE feature.geom && ST_Transform(
    ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, %(srid)s), 4326
);

-- name: sea
-- Faces that the coastline cuts the box into; OSM keeps water on a coastline's right.
-- Where the coastline ends short of the box, it is led on to the nearest edge.
WITH box AS (
    SELECT ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, %(srid)s) AS geom
),
coast AS (
    SELECT (ST_Dump(ST_LineMerge(ST_Union(
        ST_Transform(feature.geom, %(srid)s) ORDER BY feature.osm_type, feature.osm_id
    )))).geom AS geom
    FROM osm.feature AS feature
    CROSS JOIN box
    WHERE feature.tags ->> 'natural' = 'coastline'
        AND feature.geom && ST_Transform(box.geom, 4326)
        AND GeometryType(feature.geom) = 'LINESTRING'
),
lead AS (
    SELECT ST_ShortestLine(ends.geom, ST_Boundary(box.geom)) AS geom
    FROM box
    CROSS JOIN coast
    CROSS JOIN LATERAL (
        VALUES (ST_StartPoint(coast.geom)), (ST_EndPoint(coast.geom))
    ) AS ends (geom)
    WHERE ST_Within(ends.geom, box.geom) AND NOT ST_IsClosed(coast.geom)
),
edges AS (
    SELECT ST_Boundary(box.geom) AS geom FROM box
    UNION ALL
    SELECT coast.geom FROM coast
    UNION ALL
    SELECT lead.geom FROM lead
),
faces AS (
    SELECT (ST_Dump(ST_Polygonize(noded.geom))).geom AS geom
    FROM (SELECT ST_Union(edges.geom) AS geom FROM edges) AS noded
)
SELECT ST_AsGeoJSON(faces.geom, 2) AS geometry
FROM faces
WHERE EXISTS (SELECT FROM coast)
    AND (
        SELECT sum(
            ST_Length(ST_Intersection(faces.geom, ST_OffsetCurve(coast.geom, -0.5)))
            - ST_Length(ST_Intersection(faces.geom, ST_OffsetCurve(coast.geom, 0.5)))
        ) > 0
        FROM coast
    )
ORDER BY ST_Area(faces.geom), geometry;

-- name: features_in
-- What can be seen from above, a row for each part of a multipart geometry.
SELECT
    feature.osm_type,
    feature.osm_id,
    feature.kind,
    feature.tags,
    ST_AsGeoJSON(part.geom, 2) AS geometry
FROM osm.feature AS feature
CROSS JOIN LATERAL ST_Dump(ST_Transform(feature.geom, %(srid)s)) AS part
WHERE feature.geom && ST_Transform(
        ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, %(srid)s), 4326
    )
    AND coalesce(feature.tags ->> 'tunnel', 'no') = 'no'
    AND coalesce(feature.tags ->> 'location', '') NOT IN ('underground', 'indoor')
    AND coalesce(feature.tags ->> 'indoor', 'no') = 'no'
    AND coalesce(feature.tags ->> 'level', '') NOT LIKE '-%%'
    AND (
        coalesce(feature.tags ->> 'layer', '') NOT LIKE '-%%'
        OR feature.tags ->> 'natural' = 'water'
    )
ORDER BY feature.osm_type, feature.osm_id, part.path;
