-- The id of a model that scored pairs, by `name` or `name/weights`.
CREATE FUNCTION skyscript.scorer_id(scorer text)
RETURNS smallint
LANGUAGE plpgsql
STABLE
AS $function$
DECLARE
    ids smallint[];
    known text;
BEGIN
    SELECT array_agg(m.id)
    INTO ids
    FROM skyscript.embedding_model AS m
    WHERE scorer IN (m.name, m.name || '/' || m.weights);
    SELECT string_agg(m.name || '/' || m.weights, ', ' ORDER BY m.id)
    INTO known
    FROM skyscript.embedding_model AS m;
    IF ids IS NULL THEN
        RAISE EXCEPTION 'no scorer %', coalesce(scorer, 'is the default')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = coalesce('Scorers: ' || known, 'Run the job score_pairs first.');
    END IF;
    IF cardinality(ids) > 1 THEN
        RAISE EXCEPTION 'several scorers are named %', scorer
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Say which as name/weights: ' || known;
    END IF;
    RETURN ids[1];
END
$function$;

COMMENT ON FUNCTION skyscript.scorer_id IS
    'The model of a name, or of name/weights; an error where there is none, or two.';

-- The filter of SkyScript's paper: the pairs that a scorer finds most alike. Exactly
-- round(fraction * n) of the n pairs that it scored; of equal ones those with the
-- smaller ids, so that two runs agree.
CREATE FUNCTION skyscript.top_pairs(
    scorer text,
    fraction double precision,
    of_kind text DEFAULT NULL,
    of_recipe text DEFAULT NULL
)
RETURNS TABLE (
    nth bigint,
    chip_id bigint,
    caption_kind text,
    recipe text,
    text_id bigint,
    similarity real
)
LANGUAGE plpgsql
STABLE
AS $function$
#variable_conflict use_column
DECLARE
    scorer_id CONSTANT smallint := skyscript.scorer_id(scorer);
BEGIN
    IF fraction IS NULL OR fraction NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'a fraction of % is no share', fraction
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say 0 to 1, such as 0.3.';
    END IF;
    RETURN QUERY
    SELECT r.nth, r.chip_id, r.kind, r.recipe, r.text_id, r.similarity
    FROM (
        SELECT
            row_number() OVER (
                ORDER BY s.similarity DESC, c.chip_id, c.recipe COLLATE "C", c.kind
            ) AS nth,
            count(*) OVER () AS n,
            c.chip_id,
            c.kind,
            c.recipe,
            c.text_id,
            s.similarity
        FROM skyscript.caption AS c
        INNER JOIN skyscript.chip AS chip ON chip.id = c.chip_id AND chip.state = 'ok'
        INNER JOIN skyscript.pair_similarity AS s
            ON s.model_id = scorer_id
                AND s.chip_id = c.chip_id
                AND s.text_id = c.text_id
        WHERE (of_kind IS NULL OR c.kind = of_kind)
            AND (of_recipe IS NULL OR c.recipe = of_recipe)
    ) AS r
    WHERE r.nth <= round((fraction * r.n)::numeric)
    ORDER BY r.nth;
END
$function$;

COMMENT ON FUNCTION skyscript.top_pairs IS
    'The share of the scored pairs that a scorer finds most alike, best first.';

-- How far two scorers choose the same: SkyScript's two top-30 % sets share 62 %.
CREATE FUNCTION skyscript.scorer_overlap(
    fraction double precision,
    of_kind text DEFAULT NULL,
    of_recipe text DEFAULT NULL
)
RETURNS TABLE (
    scorer text, other text, n_pairs bigint, n_shared bigint, share double precision
)
LANGUAGE sql
STABLE
AS $$
    WITH scorer AS (
        SELECT m.id, m.name || '/' || m.weights AS name
        FROM skyscript.embedding_model AS m
        WHERE EXISTS (
            SELECT FROM skyscript.pair_similarity AS s WHERE s.model_id = m.id
        )
    ),

    chosen AS (
        SELECT scorer.id, scorer.name, t.chip_id, t.caption_kind, t.recipe
        FROM scorer
        CROSS JOIN LATERAL skyscript.top_pairs(
            scorer.name, fraction, of_kind, of_recipe
        ) AS t
    ),

    size AS (SELECT chosen.id, count(*) AS n FROM chosen GROUP BY chosen.id),

    shared AS (
        SELECT a.id, b.id AS other_id, count(*) AS n
        FROM chosen AS a
        INNER JOIN chosen AS b
            ON b.chip_id = a.chip_id
                AND b.caption_kind = a.caption_kind
                AND b.recipe = a.recipe
                AND b.id > a.id
        GROUP BY a.id, b.id
    )

    SELECT
        one.name,
        two.name,
        least(n_one.n, n_two.n),
        coalesce(shared.n, 0),
        coalesce(shared.n, 0)::double precision / nullif(least(n_one.n, n_two.n), 0)
    FROM scorer AS one
    INNER JOIN scorer AS two ON two.id > one.id
    LEFT JOIN size AS n_one ON n_one.id = one.id
    LEFT JOIN size AS n_two ON n_two.id = two.id
    LEFT JOIN shared ON shared.id = one.id AND shared.other_id = two.id
    ORDER BY one.id, two.id
$$;

COMMENT ON FUNCTION skyscript.scorer_overlap IS
    'For every two scorers, how many of their top pairs are the same.';
