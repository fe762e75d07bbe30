-- Kept from where exp() would overflow: there, the answer is 0 or 1 anyway.
CREATE FUNCTION skyscript.logistic(logit double precision)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $$
    SELECT 1 / (1 + exp(-greatest(-700, least(700, logit))))
$$;

COMMENT ON FUNCTION skyscript.logistic IS 'The probability that a logit stands for.';
