-- name: find_srid
SELECT srid
FROM spatial_ref_sys
WHERE auth_name = %(auth_name)s AND auth_srid::text = %(code)s
ORDER BY srid
LIMIT 1;

-- name: find_srtext
SELECT srtext
FROM spatial_ref_sys
WHERE srid = %(srid)s;

-- name: insert_srid
INSERT INTO spatial_ref_sys (srid, srtext)
VALUES (%(srid)s, %(wkt)s);
