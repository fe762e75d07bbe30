-- Ids, jitter, samples and splits come from these, so that two machines agree. MD5 is
-- the same on every version and processor, which PostgreSQL's own hashes do not promise.
CREATE FUNCTION skyscript.hash_id(VARIADIC parts text[])
RETURNS bigint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT ('x' || left(md5(array_to_string(parts, E'\x1f')), 16))::bit(64)::bigint
        & 9223372036854775807
$$;

COMMENT ON FUNCTION skyscript.hash_id IS
    'A number of 63 bits that depends on the parts alone.';

CREATE FUNCTION skyscript.hash_fraction(VARIADIC parts text[])
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT (('x' || left(md5(array_to_string(parts, E'\x1f')), 12))::bit(48)::bigint)
        / 281474976710656.0::double precision
$$;

COMMENT ON FUNCTION skyscript.hash_fraction IS
    'A number in [0, 1) that depends on the parts alone.';
