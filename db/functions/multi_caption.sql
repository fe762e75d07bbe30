-- "X with a and b, surrounded by Y; Z". Equal neighbours are merged and counted in
-- words that an eye would use; those told first are the largest; what does not fit
-- into max_tokens is left out, the smallest first. Entries may stand for `n` features
-- each; without `merges` each kind is told once, uncounted, as SkyScript did. Sizes may
-- be any weight to sort by. Always one row; a table, since
-- PostgreSQL plans such a function once a statement, others once a call.
CREATE FUNCTION skyscript.multi_caption(
    head text,
    one text[],
    many text[],
    n_tokens integer[],
    size_px2 double precision[],
    max_tokens integer,
    n bigint[] DEFAULT NULL,
    head_tokens integer DEFAULT NULL,
    merges boolean DEFAULT true,
    max_neighbours integer DEFAULT 1000
)
RETURNS TABLE (caption text)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT head || coalesce(
        ', surrounded by ' || string_agg(told.phrase, '; ' ORDER BY told.n)
            FILTER (WHERE told.used <= told.room AND told.n <= max_neighbours),
        ''
    )
    FROM (
        SELECT
            merged.phrase,
            room.n_tokens AS room,
            row_number() OVER (
                ORDER BY merged.size_px2 DESC, merged.phrase COLLATE "C"
            ) AS n,
            -- One more for the mark in front of each.
            sum(merged.n_tokens + 1) OVER (
                ORDER BY merged.size_px2 DESC, merged.phrase COLLATE "C"
            ) AS used
        FROM (
            SELECT
                skyscript.counted(
                    x.one, CASE WHEN merges THEN x.many END, sum(coalesce(x.n, 1))::bigint
                ) AS phrase,
                max(x.n_tokens) AS n_tokens,
                max(x.size_px2) AS size_px2
            FROM unnest(one, many, n_tokens, size_px2, n)
                AS x (one, many, n_tokens, size_px2, n)
            -- A road goes on as another way of the same tags: no neighbour of its own.
            WHERE x.many IS NOT NULL OR x.one <> head
            GROUP BY x.one, x.many
        ) AS merged
        -- OFFSET 0: counted once, not once a neighbour.
        CROSS JOIN (
            SELECT max_tokens - coalesce(head_tokens, skyscript.n_tokens(head)) - 2
                AS n_tokens
            OFFSET 0
        ) AS room
    ) AS told
$$;

COMMENT ON FUNCTION skyscript.multi_caption IS
    'The caption of a feature with its surroundings, within a number of CLIP tokens.';

CREATE FUNCTION skyscript.counted(one text, many text, n bigint)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN many IS NULL OR n = 1 THEN one
        WHEN n = 2 THEN 'two ' || many
        WHEN n = 3 THEN 'three ' || many
        WHEN n < 10 THEN 'several ' || many
        ELSE 'many ' || many
    END
$$;

COMMENT ON FUNCTION skyscript.counted IS
    'Equal neighbours in words; merged without a number where many is NULL.';
