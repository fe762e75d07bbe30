-- Between the ground and a scene's own pixel grid. The transform is the scene's:
-- x = a*col + b*row + c, y = d*col + e*row + f.
CREATE FUNCTION skyscript.to_pixels(
    ground geometry, srid integer, transform double precision[]
)
RETURNS geometry
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT st_setsrid(
        st_affine(
            st_transform(ground, srid),
            t.e / t.det, -t.b / t.det, -t.d / t.det, t.a / t.det,
            (t.b * t.f - t.e * t.c) / t.det, (t.d * t.c - t.a * t.f) / t.det
        ),
        0
    )
    FROM (
        SELECT
            transform[1] AS a, transform[2] AS b, transform[3] AS c,
            transform[4] AS d, transform[5] AS e, transform[6] AS f,
            transform[1] * transform[5] - transform[2] * transform[4] AS det
    ) AS t
$$;

COMMENT ON FUNCTION skyscript.to_pixels IS
    'A geometry in the pixel grid of a scene: x the column, y the row, both from the '
    'upper left corner.';

CREATE FUNCTION skyscript.to_ground(
    pixels geometry, srid integer, transform double precision[]
)
RETURNS geometry
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT st_transform(
        st_setsrid(
            st_affine(
                pixels, transform[1], transform[2], transform[4], transform[5],
                transform[3], transform[6]
            ),
            srid
        ),
        4326
    )
$$;

COMMENT ON FUNCTION skyscript.to_ground IS
    'A geometry of a scene''s pixel grid, on the ground in WGS 84.';
