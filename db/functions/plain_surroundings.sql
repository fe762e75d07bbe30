-- What lies around the features that chips show, in words to be put behind them: " in a
-- park beside a car park, with two tennis courts to the north and a street along its
-- southern edge". Entry i of each array tells of `n` equal neighbours that lie alike, of
-- their chip and of the feature in its focus, and how many tokens are left there. The
-- most salient are told while there is room: the share of the image that they fill,
-- times how rare they are. For many chips at once: sorting them all costs a third of
-- sorting each. A chip of which nothing is told has no row.
CREATE FUNCTION skyscript.plain_surroundings(
    chips bigint[],
    head_one text[],
    head_kind text[],
    head_preposition text[],
    room integer[],
    one text[],
    many text[],
    preposition text[],
    relation text[],
    direction text[],
    tokens integer[],
    rarity integer[],
    share double precision[],
    counts bigint[],
    max_neighbours integer,
    is_spatial boolean
)
RETURNS TABLE (chip_id bigint, words text)
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    WITH neighbour AS (
        SELECT
            x.*,
            min(skyscript.closeness(x.relation)) OVER kin AS closest,
            bool_or(x.relation = 'near') OVER kin AS is_any_near
        -- By bytes, which sorts in half the time of any language's order.
        FROM unnest(
            chips, head_one COLLATE "C", head_kind, head_preposition, room,
            one COLLATE "C", many COLLATE "C", preposition,
            CASE WHEN is_spatial THEN relation END COLLATE "C",
            CASE WHEN is_spatial THEN direction END COLLATE "C",
            tokens, rarity, share, counts
        ) AS x (
            chip_id, head_one, head_kind, head_preposition, room, one, many, preposition,
            relation, direction, n_tokens, rarity, share, n
        )
        WHERE x.rarity > 0
            -- A road goes on as another way, a wood as another area.
            AND (
                x.one <> x.head_one
                OR x.many IS NOT NULL
                AND coalesce(x.relation, 'near') NOT IN (
                    'around', 'along', 'meeting', 'across'
                )
            )
        WINDOW kin AS (PARTITION BY x.chip_id, x.one, x.many)
    ),

    -- Of many alike some lie beside it: they are told as one. Where nothing is counted,
    -- by the closest way that any of it lies.
    related AS (
        SELECT
            n.*,
            CASE
                WHEN n.relation IS NULL THEN 'near'
                WHEN n.many IS NULL THEN skyscript.relation_at(n.closest)
                WHEN n.relation = 'beside' AND n.is_any_near THEN 'near'
                ELSE n.relation
            END AS told_relation
        FROM neighbour AS n
    ),

    kin AS (
        SELECT
            r.chip_id,
            min(r.head_kind) AS head_kind,
            min(r.head_preposition) AS head_preposition,
            min(r.room) AS room,
            r.told_relation AS relation,
            max(r.preposition) AS preposition,
            skyscript.counted_plainly(
                min(r.one), min(r.many), sum(r.n)::bigint, bool_or(r.one = r.head_one)
            ) AS phrase,
            max(r.n_tokens) AS n_tokens,
            bit_or(skyscript.direction_bit(r.direction)) FILTER (
                WHERE r.relation = r.told_relation OR r.told_relation = 'near'
            ) AS direction_bits,
            min(r.many) IS NOT NULL AS is_counted,
            bool_or(r.direction IS NULL) AS has_no_direction,
            -- Of sums in whatever order, no more digits than they share.
            (sqrt(least(1, sum(r.share))) * max(r.rarity))::real AS salience,
            CASE
                WHEN r.told_relation IN ('beside', 'along')
                    AND min(r.head_kind) <> 'w'
                    AND sum(r.n) = 1
                    THEN max(r.direction) FILTER (WHERE r.relation = r.told_relation)
            END AS side
        FROM related AS r
        GROUP BY
            r.chip_id, r.one, r.many, r.told_relation
    ),

    ranked AS (
        SELECT
            kin.*,
            skyscript.directions(kin.direction_bits) AS directions,
            row_number() OVER (
                PARTITION BY kin.chip_id
                ORDER BY
                    kin.salience DESC, kin.phrase, kin.relation
            ) AS n
        FROM kin
    ),

    sided AS (
        SELECT
            r.*,
            row_number() OVER (
                PARTITION BY r.chip_id, r.relation ORDER BY r.n
            ) AS nth,
            row_number() OVER (
                PARTITION BY r.chip_id, r.side ORDER BY r.n
            ) AS nth_of_side,
            bool_or(r.side = 'north') OVER chip AND bool_or(r.side = 'south') OVER chip
                AS is_ns,
            bool_or(r.side = 'east') OVER chip AND bool_or(r.side = 'west') OVER chip
                AS is_ew
        FROM ranked AS r
        WINDOW chip AS (PARTITION BY r.chip_id)
    ),

    placed AS (
        SELECT
            s.*,
            CASE
                WHEN NOT is_spatial THEN 'with'
                WHEN s.relation = 'around' THEN CASE WHEN s.nth = 1 THEN 'around' END
                WHEN s.nth_of_side = 1 AND (
                    s.is_ns AND s.side IN ('north', 'south')
                    OR NOT s.is_ns AND s.is_ew AND s.side IN ('east', 'west')
                ) THEN 'between'
                WHEN s.relation = 'along' AND s.head_kind = 'w' AND s.nth = 1 THEN 'along'
                WHEN s.relation IN ('beside', 'meeting', 'across') AND s.nth <= 2
                    THEN s.relation
                ELSE 'with'
            END AS part
        FROM sided AS s
    ),

    -- The phrase, what joins it, and the longest tail: "to the north-east and ...".
    fitting AS (
        SELECT
            p.*,
            row_number() OVER chip AS nth_told,
            sum(p.n_tokens + 3 + CASE
                WHEN p.part <> 'with' THEN 0
                WHEN cardinality(p.directions) = 2 THEN 9
                ELSE 5
            END) OVER chip AS used
        FROM placed AS p
        WHERE p.part IS NOT NULL
        WINDOW chip AS (PARTITION BY p.chip_id ORDER BY p.n)
    ),

    told AS (
        SELECT
            f.*,
            CASE
                -- Between two things, or beside the one that is told.
                WHEN f.part = 'between'
                    AND count(*) OVER (PARTITION BY f.chip_id, f.part) < 2
                    THEN 'beside'
                ELSE f.part
            END AS told_part,
            CASE
                WHEN f.part = 'with' THEN skyscript.tail(
                    f.relation, f.head_kind, f.head_preposition, f.directions,
                    f.has_no_direction, f.is_counted OR f.phrase !~ '^an? '
                )
            END AS tail
        FROM fitting AS f
        WHERE f.nth_told <= max_neighbours AND f.used <= f.room
    ),

    -- Those that share a tail are told before it: "a and b to the north".
    listed AS (
        SELECT
            t.chip_id,
            t.told_part,
            min(t.n) AS n,
            concat_ws(
                ' ',
                CASE WHEN t.told_part = 'around' THEN min(t.preposition) END,
                skyscript.listed(array_agg(t.phrase ORDER BY t.n)),
                t.tail
            ) AS phrase
        FROM told AS t
        GROUP BY t.chip_id, t.told_part, t.tail, CASE WHEN t.part <> 'with' THEN t.n END
    )

    SELECT
        l.chip_id,
        concat(
            ' ' || string_agg(l.phrase, '') FILTER (WHERE l.told_part = 'around'),
            ' between ' || string_agg(l.phrase, ' and ' ORDER BY l.n)
                FILTER (WHERE l.told_part = 'between'),
            ' beside ' || string_agg(l.phrase, ' and ' ORDER BY l.n)
                FILTER (WHERE l.told_part = 'beside'),
            -- The focus is a line, which lies between nothing. What it lies beside does
            -- not itself lie along a street.
            CASE
                WHEN bool_or(l.told_part = 'beside') THEN ' and along '
                ELSE ' along '
            END || string_agg(l.phrase, ' and ' ORDER BY l.n)
                FILTER (WHERE l.told_part = 'along'),
            ', joined by ' || string_agg(l.phrase, ' and ' ORDER BY l.n)
                FILTER (WHERE l.told_part = 'meeting'),
            ', crossed by ' || string_agg(l.phrase, ' and ' ORDER BY l.n)
                FILTER (WHERE l.told_part = 'across'),
            ', with ' || skyscript.listed(
                array_agg(l.phrase ORDER BY l.n) FILTER (WHERE l.told_part = 'with')
            )
        ) COLLATE "default"
    FROM listed AS l
    GROUP BY l.chip_id
$$;

COMMENT ON FUNCTION skyscript.plain_surroundings IS
    'What lies around the features in the focus of chips, and where, in words to be put '
    'behind them.';

-- A house "with a flat roof, beside a car park": it is not the roof that lies there.
CREATE FUNCTION skyscript.surrounded(head text, words text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT concat(
        head,
        CASE
            WHEN head LIKE '% with %' AND words ~ '^ (between|beside|along) ' THEN ','
        END,
        words
    )
$$;

COMMENT ON FUNCTION skyscript.surrounded IS
    'A feature alone, with the words of what lies around it behind.';

CREATE FUNCTION skyscript.relations()
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT '{around,across,along,inside,meeting,beside,near}'::text[]
$$;

COMMENT ON FUNCTION skyscript.relations IS
    'The ways to lie near a feature in a row, the closest first.';

CREATE FUNCTION skyscript.closeness(relation text)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT array_position(skyscript.relations(), relation)
$$;

COMMENT ON FUNCTION skyscript.closeness IS
    'How close a way to lie near a feature is: 1 is the closest.';

CREATE FUNCTION skyscript.relation_at(closeness integer)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT (skyscript.relations())[closeness]
$$;

COMMENT ON FUNCTION skyscript.relation_at IS
    'The way to lie near a feature that has this closeness.';

CREATE FUNCTION skyscript.tail(
    relation text,
    head_kind text,
    head_preposition text,
    directions text[],
    has_no_direction boolean,
    is_countable boolean
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN relation = 'inside'
            THEN CASE head_preposition WHEN 'on' THEN 'on it' ELSE 'in it' END
        WHEN relation = 'along' AND head_kind = 'a' AND cardinality(directions) = 1
            THEN 'along its ' || directions[1] || 'ern edge'
        WHEN relation = 'along' AND head_kind = 'a' THEN 'along its edges'
        WHEN relation = 'along' THEN 'alongside'
        WHEN relation = 'across' THEN 'across it'
        WHEN relation IN ('beside', 'meeting') THEN 'next to it'
        WHEN has_no_direction OR relation = 'around' THEN 'nearby'
        WHEN cardinality(directions) = 1 THEN 'to the ' || directions[1]
        -- What is not counted may be one thing that goes on and on.
        WHEN NOT is_countable THEN 'nearby'
        WHEN cardinality(directions) > 2 THEN 'around it'
        ELSE 'to the ' || array_to_string(directions, ' and ')
    END
$$;

COMMENT ON FUNCTION skyscript.tail IS
    'Where a neighbour lies, in words that follow it.';

-- A set of directions, a bit for each, clockwise from the north.
CREATE FUNCTION skyscript.direction_bit(direction text)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT 1 << array_position(
        '{north,north-east,east,south-east,south,south-west,west,north-west}'::text[],
        direction
    ) - 1
$$;

COMMENT ON FUNCTION skyscript.direction_bit IS
    'The bit of a direction in a set of directions.';

-- Of two that are next to each other the plain one is enough: north and north-east are
-- north.
CREATE FUNCTION skyscript.directions(bits integer)
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN bits & 1 > 0 THEN 'north' END,
        CASE WHEN bits & 2 > 0 AND bits NOT IN (3, 6) THEN 'north-east' END,
        CASE WHEN bits & 4 > 0 THEN 'east' END,
        CASE WHEN bits & 8 > 0 AND bits NOT IN (12, 24) THEN 'south-east' END,
        CASE WHEN bits & 16 > 0 THEN 'south' END,
        CASE WHEN bits & 32 > 0 AND bits NOT IN (48, 96) THEN 'south-west' END,
        CASE WHEN bits & 64 > 0 THEN 'west' END,
        CASE WHEN bits & 128 > 0 AND bits NOT IN (192, 129) THEN 'north-west' END
    ], NULL)
$$;

COMMENT ON FUNCTION skyscript.directions IS
    'Directions as they are told together, in the order of the compass.';

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
