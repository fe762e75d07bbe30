-- name: count_chips
SELECT
    count(*) AS n_chips,
    count(DISTINCT pair.text_id) AS n_captions,
    count(DISTINCT pair.collection) AS n_collections
FROM skyscript.pair
WHERE pair.recipe = %(recipe)s
    AND pair.caption_kind = %(caption_kind)s
    AND (
        %(area)s::text IS NULL
        OR st_intersects(pair.footprint, %(area)s::text::geometry)
    )
    AND (
        %(collections)s::text[] IS NULL
        OR pair.collection = ANY(%(collections)s::text[])
    );

-- name: draw_chips
-- Collections take turns; in each, every focus caption comes once before one comes
-- twice, so that what is frequent does not fill the sheet.
WITH candidate AS (
    SELECT
        pair.chip_id,
        pair.collection,
        coalesce(told.text_id, pair.text_id) AS focus_id,
        skyscript.hash_id(%(seed)s::text, pair.chip_id::text) AS luck
    FROM skyscript.pair
    LEFT JOIN skyscript.caption AS told
        ON told.chip_id = pair.chip_id
            AND told.recipe = pair.recipe
            AND told.kind = 'focus'
    WHERE pair.recipe = %(recipe)s
        AND pair.caption_kind = %(caption_kind)s
        AND (
            %(area)s::text IS NULL
            OR st_intersects(pair.footprint, %(area)s::text::geometry)
        )
        AND (
            %(collections)s::text[] IS NULL
            OR pair.collection = ANY(%(collections)s::text[])
        )
),

turn AS (
    SELECT
        c.chip_id,
        c.collection,
        c.luck,
        row_number() OVER (PARTITION BY c.collection, c.focus_id ORDER BY c.luck)
            AS nth_of_caption
    FROM candidate AS c
),

drawn AS (
    SELECT
        t.chip_id,
        t.luck,
        row_number() OVER (
            PARTITION BY t.collection ORDER BY t.nth_of_caption, t.luck
        ) AS nth_of_collection
    FROM turn AS t
    ORDER BY nth_of_collection, t.luck
    LIMIT %(limit)s
)

SELECT
    pair.caption,
    pair.collection,
    pair.gsd_m,
    pair.image_path,
    pair.sha256,
    pair.is_synthetic,
    coalesce(pair.licence, 'licence not stated') AS licence,
    pair.attribution
FROM drawn
INNER JOIN skyscript.pair
    ON pair.chip_id = drawn.chip_id
        AND pair.recipe = %(recipe)s
        AND pair.caption_kind = %(caption_kind)s
ORDER BY drawn.nth_of_collection, drawn.luck;
