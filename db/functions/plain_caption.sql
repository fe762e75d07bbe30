-- "A football pitch in a park beside a car park, with two tennis courts to the north and
-- a street along its southern edge." Entries stand for `n` equal features that lie alike;
-- the most salient are told while there is room. Always one row.
CREATE FUNCTION skyscript.plain_caption(
    head text,
    head_one text,
    head_kind text,
    head_preposition text,
    one text[],
    many text[],
    preposition text[],
    relation text[],
    direction text[],
    tokens integer[],
    rarity integer[],
    share double precision[],
    counts bigint[],
    room integer,
    max_neighbours integer,
    is_spatial boolean
)
RETURNS TABLE (caption text)
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1
AS $$
    SELECT concat(
        head,
        ' ' || string_agg(told.phrase, '') FILTER (WHERE told.part = 'around'),
        ' between ' || string_agg(told.phrase, ' and ' ORDER BY told.n)
            FILTER (WHERE told.part = 'between'),
        ' beside ' || string_agg(told.phrase, ' and ' ORDER BY told.n)
            FILTER (WHERE told.part = 'beside'),
        ' along ' || string_agg(told.phrase, ' and ' ORDER BY told.n)
            FILTER (WHERE told.part = 'along'),
        ', joined by ' || string_agg(told.phrase, ' and ' ORDER BY told.n)
            FILTER (WHERE told.part = 'meeting'),
        ', crossed by ' || string_agg(told.phrase, ' and ' ORDER BY told.n)
            FILTER (WHERE told.part = 'across'),
        ', with ' || skyscript.listed(
            array_agg(told.phrase ORDER BY told.n) FILTER (WHERE told.part = 'with')
        )
    )
    FROM (
        -- Those that share a tail are told before it: "a and b to the north".
        SELECT
            fits.part,
            min(fits.n) AS n,
            concat_ws(
                ' ', skyscript.listed(array_agg(fits.phrase ORDER BY fits.n)), fits.tail
            ) AS phrase
        FROM (
            SELECT
                p.n,
                p.phrase,
                CASE
                    -- Between two things, or beside the one that is told.
                    WHEN p.part = 'between' AND count(*) OVER (PARTITION BY p.part) < 2
                        THEN 'beside'
                    ELSE p.part
                END AS part,
                CASE WHEN p.part = 'with' THEN p.tail END AS tail,
                CASE WHEN p.part <> 'with' THEN p.n END AS alone
            FROM (
                SELECT
                    placed.*,
                    sum(placed.n_tokens) OVER (ORDER BY placed.n) AS used
                FROM skyscript.placed(
                    head_one, head_kind, head_preposition, one, many, preposition,
                    relation, direction, tokens, rarity, share, counts, is_spatial
                ) AS placed
                WHERE placed.n <= max_neighbours
            ) AS p
            WHERE p.used <= room
        ) AS fits
        GROUP BY fits.part, fits.tail, fits.alone
    ) AS told
$$;

COMMENT ON FUNCTION skyscript.plain_caption IS
    'A sentence, without its capital and full stop, that tells a feature and what lies '
    'around it, and where.';

-- Neighbours, put together by what they are and how they lie, the most salient first:
-- the share of the image that they fill, times how rare they are.
CREATE FUNCTION skyscript.placed(
    head_one text,
    head_kind text,
    head_preposition text,
    one text[],
    many text[],
    preposition text[],
    relation text[],
    direction text[],
    tokens integer[],
    rarity integer[],
    share double precision[],
    counts bigint[],
    is_spatial boolean
)
RETURNS TABLE (n bigint, part text, phrase text, tail text, n_tokens integer)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT
        row_number() OVER (
            ORDER BY in_part.salience DESC, in_part.phrase COLLATE "C", in_part.relation
        ),
        in_part.part,
        CASE
            WHEN in_part.part = 'around' THEN in_part.preposition || ' ' || in_part.phrase
            ELSE in_part.phrase
        END,
        CASE
            WHEN in_part.relation = 'inside'
                THEN CASE head_preposition WHEN 'on' THEN 'on it' ELSE 'in it' END
            WHEN in_part.relation = 'along' AND head_kind = 'a'
                THEN 'along its ' || CASE
                    WHEN cardinality(in_part.directions) = 1
                        THEN in_part.directions[1] || 'ern edge'
                    ELSE 'edges'
                END
            WHEN in_part.relation = 'along' THEN 'alongside'
            WHEN in_part.relation = 'across' THEN 'across it'
            WHEN in_part.relation IN ('beside', 'meeting') THEN 'next to it'
            WHEN in_part.has_no_direction OR in_part.relation = 'around' THEN 'nearby'
            WHEN cardinality(in_part.directions) = 1
                THEN 'to the ' || in_part.directions[1]
            -- What is not counted may be one thing that goes on and on.
            WHEN NOT in_part.is_counted AND in_part.phrase ~ '^an? ' THEN 'nearby'
            WHEN cardinality(in_part.directions) > 2 THEN 'around it'
            ELSE 'to the ' || array_to_string(in_part.directions, ' and ')
        END,
        -- The phrase, what joins it, and the longest tail: "to the north-east and ...".
        in_part.n_tokens + 3 + CASE
            WHEN in_part.part <> 'with' THEN 0
            WHEN cardinality(in_part.directions) = 2 THEN 9
            ELSE 5
        END
    FROM (
        SELECT
            d.*,
            CASE
                WHEN NOT is_spatial THEN 'with'
                WHEN d.relation = 'around' THEN CASE WHEN d.nth = 1 THEN 'around' END
                WHEN d.is_ns AND d.side IN ('north', 'south') AND d.nth_of_side = 1
                    THEN 'between'
                WHEN NOT d.is_ns AND d.is_ew AND d.side IN ('east', 'west')
                    AND d.nth_of_side = 1
                    THEN 'between'
                WHEN d.relation = 'along' AND head_kind = 'w' AND d.nth = 1 THEN 'along'
                WHEN d.relation IN ('beside', 'meeting', 'across') AND d.nth <= 2
                    THEN d.relation
                ELSE 'with'
            END AS part
        FROM (
            SELECT
                sided.*,
                row_number() OVER (
                    PARTITION BY sided.relation
                    ORDER BY sided.salience DESC, sided.phrase COLLATE "C"
                ) AS nth,
                row_number() OVER (
                    PARTITION BY sided.side
                    ORDER BY sided.salience DESC, sided.phrase COLLATE "C", sided.relation
                ) AS nth_of_side,
                bool_or(sided.side = 'north') OVER ()
                    AND bool_or(sided.side = 'south') OVER () AS is_ns,
                bool_or(sided.side = 'east') OVER ()
                    AND bool_or(sided.side = 'west') OVER () AS is_ew
            FROM (
                SELECT
                    kin.relation,
                    max(kin.preposition) AS preposition,
                    skyscript.counted_plainly(
                        kin.one, kin.many, sum(kin.n)::bigint, kin.one = head_one
                    ) AS phrase,
                    max(kin.n_tokens) AS n_tokens,
                    skyscript.directions(array_agg(kin.direction) FILTER (
                        WHERE kin.own_relation = kin.relation OR kin.relation = 'near'
                    )) AS directions,
                    kin.many IS NOT NULL AS is_counted,
                    bool_or(kin.direction IS NULL) AS has_no_direction,
                    sqrt(least(1, sum(kin.share))) * max(kin.rarity) AS salience,
                    CASE
                        WHEN kin.relation IN ('beside', 'along')
                            AND head_kind <> 'w'
                            AND sum(kin.n) = 1
                            THEN max(kin.direction)
                                FILTER (WHERE kin.own_relation = kin.relation)
                    END AS side
                FROM (
                    SELECT
                        x.one,
                        x.many,
                        x.preposition,
                        x.n_tokens,
                        x.rarity,
                        x.share,
                        x.n,
                        CASE WHEN is_spatial THEN x.direction END AS direction,
                        x.relation AS own_relation,
                        -- Of many alike some lie beside it: they are told as one. Where
                        -- nothing is counted, by the closest way that any of it lies.
                        CASE
                            WHEN NOT is_spatial OR x.relation IS NULL THEN 'near'
                            WHEN x.many IS NULL
                                THEN first_value(x.relation) OVER (
                                    PARTITION BY x.one, x.many
                                    ORDER BY array_position(
                                        '{around,across,along,inside,meeting,beside,near}',
                                        x.relation
                                    )
                                )
                            WHEN x.relation = 'beside' AND bool_or(x.relation = 'near')
                                OVER (PARTITION BY x.one, x.many) THEN 'near'
                            ELSE x.relation
                        END AS relation
                    FROM unnest(
                        one, many, preposition, relation, direction, tokens, rarity,
                        share, counts
                    ) AS x (
                        one, many, preposition, relation, direction, n_tokens, rarity,
                        share, n
                    )
                    WHERE x.rarity > 0
                        -- A road goes on as another way, a wood as another area.
                        AND (
                            x.one <> head_one
                            OR x.many IS NOT NULL
                            AND coalesce(x.relation, 'near') NOT IN (
                                'around', 'along', 'meeting', 'across'
                            )
                        )
                ) AS kin
                GROUP BY kin.one, kin.many, kin.relation
            ) AS sided
        ) AS d
    ) AS in_part
    WHERE in_part.part IS NOT NULL
$$;

COMMENT ON FUNCTION skyscript.placed IS
    'Neighbours in words, in which part of a sentence they are told and how it ends.';

-- In the order of the compass. Of two that are next to each other the plain one is
-- enough: north and north-east are north.
CREATE FUNCTION skyscript.directions(found text[])
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN count(*) = 2 AND bool_or(d.name LIKE '%-%')
            AND (max(d.n) - min(d.n) = 1 OR max(d.n) - min(d.n) = 7)
            THEN array_agg(d.name ORDER BY d.n) FILTER (WHERE d.name NOT LIKE '%-%')
        ELSE array_agg(d.name ORDER BY d.n)
    END
    FROM (
        SELECT DISTINCT x.name, array_position(
            '{north,north-east,east,south-east,south,south-west,west,north-west}', x.name
        ) AS n
        FROM unnest(found) AS x (name)
        WHERE x.name IS NOT NULL
    ) AS d
$$;

COMMENT ON FUNCTION skyscript.directions IS
    'Directions as they are told together, each once.';

CREATE FUNCTION skyscript.counted_plainly(
    one text, many text, n bigint, is_as_head boolean
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN many IS NULL OR n = 1
            THEN CASE
                WHEN is_as_head THEN regexp_replace(one, '^an? ', 'another ')
                ELSE one
            END
        ELSE CASE
            WHEN n <= 5 THEN (ARRAY['two', 'three', 'four', 'five'])[n::integer - 1]
            WHEN n < 10 THEN 'several'
            ELSE 'many'
        END || CASE WHEN is_as_head THEN ' other ' ELSE ' ' END || many
    END
$$;

COMMENT ON FUNCTION skyscript.counted_plainly IS
    'One or many in plain words, told apart from the feature that is the same.';

CREATE FUNCTION skyscript.listed(phrases text[])
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN cardinality(phrases) < 2 THEN phrases[1]
        ELSE array_to_string(phrases[:cardinality(phrases) - 1], ', ')
            || ' and ' || phrases[cardinality(phrases)]
    END
$$;

COMMENT ON FUNCTION skyscript.listed IS
    '"a", "a and b", "a, b and c".';

CREATE FUNCTION skyscript.sentence(words text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT upper(left(words, 1)) || substr(words, 2) || '.'
$$;

COMMENT ON FUNCTION skyscript.sentence IS
    'Words with a capital in front and a full stop behind.';
