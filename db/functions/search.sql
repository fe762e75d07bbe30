-- The model that a query vector belongs to, after checking that it does.
CREATE FUNCTION skyscript.search_model(query halfvec, model_id integer)
RETURNS skyscript.embedding_model
LANGUAGE plpgsql
STABLE
AS $function$
DECLARE
    model skyscript.embedding_model;
    known text;
BEGIN
    SELECT m.*
    INTO model
    FROM skyscript.embedding_model AS m
    WHERE m.id = search_model.model_id
        OR (search_model.model_id IS NULL AND m.is_default);
    SELECT string_agg(
        format('%s: %s (%s), %s dimensions', m.id, m.name, m.weights, m.dimension),
        '; ' ORDER BY m.id
    )
    INTO known
    FROM skyscript.embedding_model AS m;
    IF model.id IS NULL THEN
        RAISE EXCEPTION 'no embedding model %', coalesce(model_id::text, 'is the default')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = coalesce('Models: ' || known, 'Run the job embed_chips first.');
    END IF;
    IF query IS NULL OR l2_norm(query) = 0 THEN
        RAISE EXCEPTION 'the query vector is %, and points nowhere',
            CASE WHEN query IS NULL THEN 'NULL' ELSE 'zero' END
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Embed a text or an image with the model searched.';
    END IF;
    IF vector_dims(query) <> model.dimension THEN
        RAISE EXCEPTION 'the query vector has % dimensions, the vectors of model % have %',
            vector_dims(query), model.id, model.dimension
            USING ERRCODE = 'data_exception',
                HINT = 'Embed the query with that model, or say as model_id which one '
                    'embedded it. Models: ' || known;
    END IF;
    RETURN model;
END
$function$;

COMMENT ON FUNCTION skyscript.search_model IS
    'The model that a query vector is searched under; an error where it does not fit.';

-- Which split scheme a search by split means.
CREATE FUNCTION skyscript.search_scheme(split text, scheme text)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $function$
BEGIN
    IF split NOT IN ('train', 'val', 'test') THEN
        RAISE EXCEPTION 'no split %', split
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say train, val or test.';
    END IF;
    RETURN coalesce(scheme, skyscript.current_scheme());
END
$function$;

COMMENT ON FUNCTION skyscript.search_scheme IS
    'The scheme given, or else the one that was drawn last.';

-- The k chips most similar to a query vector among those that pass the filters. k rows
-- come back if k exist, whatever the filter: a selective one is answered by an exact
-- scan of what it leaves, others by the HNSW index, which hands over further neighbours
-- until k have passed. `plan` says which it was: 'exact', 'hnsw', or 'hnsw, then exact'
-- where the index gave up early.
--
-- collections: names. tags: what the focus feature carries; {"building": "yes",
-- "height": null} is building=yes with a height, whatever it is. acquired_from is in,
-- acquired_to is out; a scene without a date is within no dates. split_scheme: by
-- default the one that was drawn last. exact_rows: what an exact scan is preferred up to.
CREATE FUNCTION skyscript.search(
    query halfvec,
    k integer DEFAULT 10,
    area geometry DEFAULT NULL,
    min_gsd_m double precision DEFAULT NULL,
    max_gsd_m double precision DEFAULT NULL,
    collections text[] DEFAULT NULL,
    tags jsonb DEFAULT NULL,
    acquired_from timestamptz DEFAULT NULL,
    acquired_to timestamptz DEFAULT NULL,
    split text DEFAULT NULL,
    split_scheme text DEFAULT NULL,
    model_id integer DEFAULT NULL,
    exact_rows integer DEFAULT 50000
)
RETURNS TABLE (chip_id bigint, similarity double precision, plan text)
LANGUAGE plpgsql
VOLATILE
AS $function$
DECLARE
    model skyscript.embedding_model := skyscript.search_model(query, model_id);
    conditions text;
    may_be_few boolean;
    is_indexed boolean;
    estimate json;
    candidates bigint[];
    source text;
    ids bigint[];
    similarities double precision[];
    old_settings jsonb;
BEGIN
    IF k IS NULL OR k NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'k is %', coalesce(k::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Ask for 1 to 10000 rows.';
    END IF;
    IF jsonb_typeof(tags) <> 'object' THEN
        RAISE EXCEPTION 'tags are %, not an object', jsonb_typeof(tags)
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Write {"key": "value"}, and null for any value.';
    END IF;
    split_scheme := skyscript.search_scheme(split, split_scheme);
    IF st_srid(area) <> 4326 THEN
        area := st_transform(area, 4326);
    END IF;

    -- Only the conditions that are asked for, so that the planner may use any of them
    -- to find the chips. The numbers are those of the USING clauses below.
    SELECT string_agg(c.condition, ' AND '), count(*) > 1
    INTO conditions, may_be_few
    FROM (
        VALUES
            ('c.state = ''ok''', true),
            ('st_intersects(c.footprint, $3)', area IS NOT NULL),
            ('c.gsd_m >= $4', min_gsd_m IS NOT NULL),
            ('c.gsd_m <= $5', max_gsd_m IS NOT NULL),
            (
                'c.scene_id IN (SELECT s.id FROM skyscript.scene AS s'
                ' INNER JOIN skyscript.collection AS o ON o.id = s.collection_id'
                ' WHERE o.name = ANY ($6))',
                collections IS NOT NULL
            ),
            (
                'c.id IN (SELECT f.chip_id FROM skyscript.chip_feature AS f'
                ' WHERE f.role = ''focus'' AND f.tags @> jsonb_strip_nulls($7)'
                ' AND f.tags ?& ARRAY(SELECT jsonb_object_keys($7)))',
                tags IS NOT NULL
            ),
            (
                'c.scene_id IN (SELECT s.id FROM skyscript.scene AS s'
                ' WHERE s.acquired_at >= coalesce($8, ''-infinity'')'
                ' AND s.acquired_at < coalesce($9, ''infinity''))',
                acquired_from IS NOT NULL OR acquired_to IS NOT NULL
            ),
            (
                'c.id IN (SELECT p.chip_id FROM skyscript.chip_split AS p'
                ' WHERE p.scheme = $10 AND p.split = $11)',
                split IS NOT NULL
            )
    ) AS c (condition, is_asked)
    WHERE c.is_asked;

    SELECT coalesce(bool_or(i.indisvalid), false)
    INTO is_indexed
    FROM pg_index AS i
    WHERE i.indexrelid = to_regclass(
        format('skyscript.ix_chip_embedding_model_%s_hnsw', model.id)
    );
    source := format('(SELECT c.id FROM skyscript.chip AS c WHERE %s)', conditions);
    plan := 'exact';

    -- What surely leaves many rows need not be counted. A wrong guess costs time, or a
    -- little recall, but never rows.
    IF is_indexed AND may_be_few THEN
        EXECUTE 'EXPLAIN (FORMAT JSON) SELECT id FROM ' || source || ' AS f'
        INTO estimate
        USING query, k, area, min_gsd_m, max_gsd_m, collections, tags,
            acquired_from, acquired_to, split_scheme, split;
        may_be_few := (estimate #>> '{0,Plan,Plan Rows}')::bigint <= 4::bigint * exact_rows;
    END IF;
    IF is_indexed AND may_be_few THEN
        EXECUTE format(
            'SELECT array_agg(m.id) FROM (SELECT id FROM %s AS f LIMIT $12) AS m', source
        )
        INTO candidates
        USING query, k, area, min_gsd_m, max_gsd_m, collections, tags,
            acquired_from, acquired_to, split_scheme, split, exact_rows + 1;
        candidates := coalesce(candidates, '{}');
        IF cardinality(candidates) <= exact_rows THEN
            source := 'unnest($12)';
            is_indexed := false;
        ELSE
            candidates := NULL;
        END IF;
    END IF;

    IF is_indexed THEN
        SELECT jsonb_object_agg(s.name, coalesce(current_setting(s.name, true), ''))
        INTO old_settings
        FROM (
            VALUES ('hnsw.iterative_scan'), ('hnsw.ef_search'), ('enable_seqscan'),
                ('enable_sort')
        ) AS s (name);
        PERFORM
            set_config('hnsw.iterative_scan', 'strict_order', true),
            set_config('hnsw.ef_search', least(1000, greatest(200, 2 * k))::text, true),
            set_config('enable_seqscan', 'off', true),
            set_config('enable_sort', 'off', true);
        -- The filter is asked of one neighbour at a time, as a subquery, which the
        -- planner cannot turn into a join that would read all vectors first.
        EXECUTE format(
            'SELECT array_agg(n.chip_id ORDER BY n.distance, n.chip_id),'
            ' array_agg(1 - n.distance ORDER BY n.distance, n.chip_id)'
            ' FROM (SELECT e.chip_id,'
            ' e.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s) AS distance'
            ' FROM skyscript.chip_embedding AS e WHERE e.model_id = %2$s'
            ' AND (SELECT true FROM skyscript.chip AS c WHERE c.id = e.chip_id AND %3$s)'
            ' ORDER BY e.embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)'
            ' LIMIT $2) AS n',
            model.dimension, model.id, conditions
        )
        INTO ids, similarities
        USING query, k, area, min_gsd_m, max_gsd_m, collections, tags,
            acquired_from, acquired_to, split_scheme, split;
        PERFORM set_config(s.key, s.value, true) FROM jsonb_each_text(old_settings) AS s;
        IF cardinality(ids) = k THEN
            RETURN QUERY SELECT n.id, n.similarity, 'hnsw'
            FROM unnest(ids, similarities) AS n (id, similarity);
            RETURN;
        END IF;
        plan := 'hnsw, then exact';
    END IF;

    -- Without the cast that the index is on, the index is out of the question.
    RETURN QUERY EXECUTE format(
        'SELECT e.chip_id, 1 - (e.embedding <=> $1), $13'
        ' FROM %s AS m (id)'
        ' INNER JOIN skyscript.chip_embedding AS e'
        ' ON e.chip_id = m.id AND e.model_id = %s'
        ' ORDER BY e.embedding <=> $1, e.chip_id LIMIT $2',
        source, model.id
    )
    USING query, k, area, min_gsd_m, max_gsd_m, collections, tags,
        acquired_from, acquired_to, split_scheme, split, candidates, plan;
END
$function$;

COMMENT ON FUNCTION skyscript.search IS
    'The k chips most similar to a vector among those that pass the filters.';
