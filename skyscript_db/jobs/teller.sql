-- name: prepare
-- What a connection has told so far. Features repeat: each set of tags is told once, by
-- a hash of 64 bits, which its kind and what can be seen at the GSD are part of. The
-- tags are found once: the view reads all there are.
CREATE TEMPORARY TABLE tellable AS
SELECT t.key, t.value, t.max_gsd_m FROM skyscript.tellable_tag AS t;
CREATE TEMPORARY TABLE level AS
SELECT t.max_gsd_m, row_number() OVER (ORDER BY t.max_gsd_m) AS n
FROM tellable AS t
GROUP BY t.max_gsd_m;
CREATE TEMPORARY TABLE told_feature (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alone text,
    one text,
    many text,
    n_tokens integer,
    head_tokens integer,
    preposition text,
    rarity integer
);
CREATE TEMPORARY TABLE phrase (
    hash bigint PRIMARY KEY,
    told_id integer
);

-- name: create_batch
-- The chips, with the coarsest of the levels at which a tag is told there.
CREATE TEMPORARY TABLE batch AS
SELECT
    chip.id AS chip_id,
    chip.gsd_m,
    chip.width_px * chip.height_px AS area_px2,
    seen.n AS seen_n,
    seen.max_gsd_m AS seen_gsd_m
FROM unnest(%(chips)s::bigint[]) AS chosen (id)
INNER JOIN skyscript.chip ON chip.id = chosen.id
CROSS JOIN LATERAL (
    SELECT level.n, level.max_gsd_m
    FROM level
    WHERE level.max_gsd_m >= chip.gsd_m
    ORDER BY level.n
    LIMIT 1
) AS seen;

-- name: analyze_batch
ANALYZE batch;

-- name: create_links
CREATE TEMPORARY TABLE link AS
SELECT
    cf.chip_id,
    cf.osm_type,
    cf.osm_id,
    cf.kind,
    cf.role = 'focus' AS is_focus,
    jsonb_hash_extended(cf.tags, 256 * c.seen_n + ascii(cf.kind)) AS hash,
    c.seen_gsd_m AS gsd_m,
    skyscript.apparent_size_px2(cf.kind, cf.width_px, cf.height_px, c.gsd_m) AS size_px2,
    cf.relation,
    cf.direction
FROM batch AS c
CROSS JOIN skyscript.recipe(%(recipe)s) AS recipe
INNER JOIN skyscript.chip_feature AS cf ON cf.chip_id = c.chip_id
WHERE greatest(cf.width_px, cf.height_px) >= recipe.min_size_px
    OR cf.kind = 'n'
    OR cf.role = 'focus';

-- name: create_told
-- Of each set of tags that is new, one feature; without what is never told, most of
-- these are the same.
CREATE TEMPORARY TABLE told_news AS
SELECT unnest(kin.hashes) AS hash, t.*
FROM (
    SELECT tellable.tags, l.kind, l.gsd_m, array_agg(l.hash) AS hashes
    FROM (
        SELECT min(link.ctid) AS place
        FROM link
        LEFT JOIN phrase AS p ON p.hash = link.hash
        WHERE p.hash IS NULL
        GROUP BY link.hash
    ) AS new
    INNER JOIN link AS l ON l.ctid = new.place
    INNER JOIN skyscript.chip_feature AS cf
        ON cf.chip_id = l.chip_id AND cf.osm_type = l.osm_type AND cf.osm_id = l.osm_id
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(tag.key, tag.value) AS tags
        FROM jsonb_each_text(cf.tags) AS tag
        WHERE (
            (tag.key, tag.value) IN (SELECT t.key, t.value FROM tellable AS t)
            OR tag.key IN (SELECT r.key FROM skyscript.caption_rule AS r WHERE r.is_generic)
        )
            AND NOT EXISTS (SELECT FROM skyscript.hidden_by(cf.tags))
    ) AS tellable
    GROUP BY tellable.tags, l.kind, l.gsd_m
) AS kin
LEFT JOIN LATERAL skyscript.style_texts(%(recipe)s, kin.tags, kin.kind, kin.gsd_m) AS t
    ON true;

-- name: add_told
INSERT INTO told_feature (
    alone, one, many, n_tokens, head_tokens, preposition, rarity
)
SELECT DISTINCT
    t.alone, t.one, t.many, t.n_tokens, t.head_tokens, t.preposition, t.rarity
FROM told_news AS t
WHERE t.one IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM told_feature AS f
        WHERE f.alone = t.alone
            AND f.one = t.one
            AND f.many IS NOT DISTINCT FROM t.many
            AND f.preposition IS NOT DISTINCT FROM t.preposition
            AND f.rarity IS NOT DISTINCT FROM t.rarity
    );

-- name: add_phrases
-- Sets of tags that cannot be told too, so that they are not looked at again.
INSERT INTO phrase (hash, told_id)
SELECT t.hash, f.id
FROM told_news AS t
LEFT JOIN told_feature AS f
    ON f.alone = t.alone
        AND f.one = t.one
        AND f.many IS NOT DISTINCT FROM t.many
        AND f.preposition IS NOT DISTINCT FROM t.preposition
        AND f.rarity IS NOT DISTINCT FROM t.rarity;

-- name: analyze_told
ANALYZE phrase, told_feature;

-- name: tell_paper
CREATE TEMPORARY TABLE told AS
WITH recipe AS MATERIALIZED (
    SELECT
        r.prefix, r.max_tokens, r.merges, r.max_neighbours, r.is_by_salience,
        r.aerial_max_gsd_m
    FROM skyscript.recipe(%(recipe)s) AS r
),

kin AS (
    SELECT
        l.chip_id, p.told_id, l.is_focus, count(*) AS n, max(l.size_px2) AS size_px2
    FROM link AS l
    INNER JOIN phrase AS p ON p.hash = l.hash
    WHERE p.told_id IS NOT NULL
    GROUP BY l.chip_id, p.told_id, l.is_focus
),

chip AS (
    SELECT
        kin.chip_id,
        max(kin.told_id) FILTER (WHERE kin.is_focus) AS head_id,
        array_agg(f.one) FILTER (WHERE NOT kin.is_focus) AS one,
        array_agg(f.many) FILTER (WHERE NOT kin.is_focus) AS many,
        array_agg(f.n_tokens) FILTER (WHERE NOT kin.is_focus) AS n_tokens,
        array_agg(
            CASE
                WHEN recipe.is_by_salience
                    THEN f.rarity * sqrt(least(1, kin.size_px2 / c.area_px2))
                ELSE kin.size_px2
            END
        ) FILTER (WHERE NOT kin.is_focus) AS weight,
        array_agg(kin.n) FILTER (WHERE NOT kin.is_focus) AS n
    FROM kin
    INNER JOIN told_feature AS f ON f.id = kin.told_id
    INNER JOIN batch AS c ON c.chip_id = kin.chip_id
    CROSS JOIN recipe
    GROUP BY kin.chip_id
)

SELECT
    chip.chip_id,
    caption.kind,
    skyscript.opening(recipe.prefix, c.gsd_m, recipe.aerial_max_gsd_m) || caption.text
        AS text
FROM chip
INNER JOIN batch AS c ON c.chip_id = chip.chip_id
INNER JOIN told_feature AS f ON f.id = chip.head_id
CROSS JOIN recipe
CROSS JOIN LATERAL skyscript.multi_caption(
    f.one, chip.one, chip.many, chip.n_tokens, chip.weight, recipe.max_tokens,
    chip.n, f.head_tokens, recipe.merges, recipe.max_neighbours
) AS multi
CROSS JOIN LATERAL (
    VALUES ('focus', f.alone), ('multi_feature', multi.caption)
) AS caption (kind, text);

-- name: tell_plain
CREATE TEMPORARY TABLE told AS
WITH recipe AS MATERIALIZED (
    SELECT
        r.prefix, r.max_tokens, r.max_neighbours, r.is_spatial, r.aerial_max_gsd_m
    FROM skyscript.recipe(%(recipe)s) AS r
),

head AS MATERIALIZED (
    SELECT
        l.chip_id, l.kind::text AS kind, f.alone, f.one, f.preposition,
        recipe.max_tokens - f.head_tokens - 1 AS room
    FROM link AS l
    INNER JOIN phrase AS p ON p.hash = l.hash
    INNER JOIN told_feature AS f ON f.id = p.told_id
    CROSS JOIN recipe
    WHERE l.is_focus
),

neighbour AS (
    SELECT
        l.chip_id,
        p.told_id,
        l.relation,
        l.direction,
        count(*) AS n,
        sum(l.size_px2) AS size_px2
    FROM link AS l
    INNER JOIN phrase AS p ON p.hash = l.hash
    WHERE NOT l.is_focus AND p.told_id IS NOT NULL
    GROUP BY l.chip_id, p.told_id, l.relation, l.direction
),

entry AS (
    SELECT
        array_agg(n.chip_id) AS chip_id,
        array_agg(head.one) AS head_one,
        array_agg(head.kind) AS head_kind,
        array_agg(head.preposition) AS head_preposition,
        array_agg(head.room) AS room,
        array_agg(f.one) AS one,
        array_agg(f.many) AS many,
        array_agg(f.preposition) AS preposition,
        array_agg(n.relation) AS relation,
        array_agg(n.direction) AS direction,
        array_agg(f.n_tokens) AS n_tokens,
        array_agg(f.rarity) AS rarity,
        array_agg(n.size_px2 / c.area_px2) AS share,
        array_agg(n.n) AS n
    FROM neighbour AS n
    INNER JOIN head ON head.chip_id = n.chip_id
    INNER JOIN told_feature AS f ON f.id = n.told_id
    INNER JOIN batch AS c ON c.chip_id = n.chip_id
),

around AS MATERIALIZED (
    SELECT a.chip_id, a.words
    FROM entry
    CROSS JOIN recipe
    CROSS JOIN LATERAL skyscript.plain_surroundings(
        entry.chip_id, entry.head_one, entry.head_kind, entry.head_preposition,
        entry.room, entry.one, entry.many, entry.preposition, entry.relation,
        entry.direction, entry.n_tokens, entry.rarity, entry.share, entry.n,
        recipe.max_neighbours, recipe.is_spatial
    ) AS a
)

SELECT
    head.chip_id,
    caption.kind,
    skyscript.sentence(
        skyscript.opening(recipe.prefix, c.gsd_m, recipe.aerial_max_gsd_m) || caption.text
    ) AS text
FROM head
INNER JOIN batch AS c ON c.chip_id = head.chip_id
LEFT JOIN around ON around.chip_id = head.chip_id
CROSS JOIN recipe
CROSS JOIN LATERAL (
    VALUES
        ('focus', head.alone),
        ('multi_feature', skyscript.surrounded(head.alone, around.words))
) AS caption (kind, text);

-- name: count_tokens
-- Texts repeat too: each is counted once, and those already stored not again. Their words
-- repeat even more, and no token reaches over a space.
CREATE TEMPORARY TABLE text_told AS
WITH new AS MATERIALIZED (
    SELECT told.text, row_number() OVER () AS n
    FROM told
    WHERE NOT EXISTS (
        SELECT FROM skyscript.caption_text AS t WHERE t.text = told.text
    )
    GROUP BY told.text
),

piece AS MATERIALIZED (
    SELECT new.n, piece.word
    FROM new
    CROSS JOIN LATERAL string_to_table(new.text, ' ') AS piece (word)
)

SELECT new.text, length.n_tokens
FROM new
INNER JOIN (
    SELECT piece.n, sum(word.n_tokens) AS n_tokens
    FROM piece
    INNER JOIN (
        SELECT p.word, skyscript.n_tokens(p.word) AS n_tokens FROM piece AS p GROUP BY p.word
    ) AS word ON word.word = piece.word
    GROUP BY piece.n
) AS length ON length.n = new.n;

-- name: insert_texts
-- In order, so that two connections that add the same texts wait for each other in turn.
INSERT INTO skyscript.caption_text (text, n_tokens)
SELECT t.text, t.n_tokens
FROM text_told AS t
CROSS JOIN skyscript.caption_recipe AS r
WHERE r.name = %(recipe)s AND t.n_tokens <= r.max_tokens - 2
ORDER BY t.text COLLATE "C"
ON CONFLICT (text) DO NOTHING;

-- name: delete_untold
DELETE FROM skyscript.caption AS c
WHERE c.recipe = %(recipe)s
    AND c.chip_id = ANY(
        SELECT again.chip_id
        FROM skyscript.caption_retelling AS again
        WHERE again.recipe = %(recipe)s AND again.chip_id = ANY(%(chips)s::bigint[])
    )
    AND NOT EXISTS (
        SELECT
        FROM told
        INNER JOIN skyscript.caption_text AS t ON t.text = told.text
        INNER JOIN skyscript.caption_recipe AS r ON r.name = %(recipe)s
        WHERE told.chip_id = c.chip_id
            AND told.kind = c.kind
            AND t.n_tokens <= r.max_tokens - 2
    );

-- name: insert_captions
INSERT INTO skyscript.caption AS old (chip_id, recipe, kind, text_id)
SELECT told.chip_id, r.name, told.kind, t.id
FROM told
INNER JOIN skyscript.caption_text AS t ON t.text = told.text
CROSS JOIN skyscript.caption_recipe AS r
WHERE r.name = %(recipe)s AND t.n_tokens <= r.max_tokens - 2
ON CONFLICT (chip_id, recipe, kind) DO UPDATE
SET text_id = excluded.text_id
WHERE old.text_id <> excluded.text_id;

-- name: delete_retellings
DELETE FROM skyscript.caption_retelling AS again
WHERE again.recipe = %(recipe)s AND again.chip_id = ANY(%(chips)s::bigint[]);

-- name: drop_batch
DROP TABLE batch, link, told_news, told, text_told;

-- name: drop_cache
DROP TABLE IF EXISTS
    pg_temp.level, pg_temp.tellable, pg_temp.phrase, pg_temp.told_feature, pg_temp.batch,
    pg_temp.link, pg_temp.told_news, pg_temp.told, pg_temp.text_told;
