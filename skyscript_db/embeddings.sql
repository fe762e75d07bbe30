-- Words in braces are identifiers and constants of a model, put in by psycopg.sql:
-- neither names of tables nor what a CHECK compares with can be parameters.

-- name: lock_models
SELECT pg_advisory_xact_lock(hashtext('skyscript models'));

-- name: select_model
SELECT m.id, m.dimension
FROM skyscript.embedding_model AS m
WHERE m.weights_sha256 = %(weights_sha256)s;

-- name: list_models
SELECT m.name, m.weights FROM skyscript.embedding_model AS m ORDER BY m.id;

-- name: retire_stand_in
-- Random weights are the default only until real ones come.
UPDATE skyscript.embedding_model
SET is_default = false
WHERE is_default AND name LIKE '%%(stand-in: %%' AND %(name)s NOT LIKE '%%(stand-in: %%';

-- name: insert_model
INSERT INTO skyscript.embedding_model (
    name, weights, weights_sha256, dimension, is_default
)
SELECT
    %(name)s,
    %(weights)s,
    %(weights_sha256)s,
    %(dimension)s,
    NOT EXISTS (SELECT FROM skyscript.embedding_model AS m WHERE m.is_default);

-- name: create_partition
CREATE TABLE {table} PARTITION OF {parent} (
    CONSTRAINT {check} CHECK (vector_dims(embedding) = {dimension})
)
FOR VALUES IN ({model_id});
COMMENT ON TABLE {table} IS {comment};

-- name: copy
COPY {table} (model_id, {id}, embedding) FROM STDIN (FORMAT BINARY);

-- name: insert_rejection
INSERT INTO skyscript.embedding_rejection (model_id, {id}, reason)
VALUES (%(model_id)s, %(id)s, %(reason)s)
ON CONFLICT ({id}, model_id) DO NOTHING;

-- name: delete_orphans
DELETE FROM {table} AS e
WHERE NOT EXISTS (SELECT FROM {parent} AS p WHERE p.id = e.{id});

-- name: count_pending
SELECT count(*) FROM pending;

-- name: count_rows
SELECT count(*) FROM {table};

-- name: analyze
ANALYZE {table};

-- name: select_index_state
SELECT i.indisvalid
FROM pg_index AS i
WHERE i.indexrelid = to_regclass(%(index)s);

-- name: drop_index
DROP INDEX IF EXISTS {index};

-- name: set_build_memory
SELECT set_config('maintenance_work_mem', %(memory)s, true);

-- name: set_build_workers
SELECT set_config('max_parallel_maintenance_workers', %(workers)s, true);

-- name: create_index
CREATE INDEX {index} ON {table}
USING hnsw ((embedding::halfvec({dimension})) halfvec_cosine_ops);
