-- name: from_box
SELECT skyscript.checked_area(
    skyscript.box(%(west)s, %(south)s, %(east)s, %(north)s)
)::text;

-- name: from_wkt
SELECT skyscript.checked_area(
    CASE
        WHEN st_srid(wkt.geom) = 0 THEN st_setsrid(wkt.geom, 4326)
        ELSE wkt.geom
    END
)::text
FROM (SELECT st_geomfromewkt(%(wkt)s) AS geom) AS wkt;

-- name: from_geojson
SELECT skyscript.checked_area(
    st_collectionextract(st_geomfromgeojson(%(json)s), 3)
)::text;
