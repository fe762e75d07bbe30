-- CLIP's byte-pair encoding splits text into words, single digits and runs of other
-- marks, and never joins two of them, so counts add up. A piece that word_tokens does
-- not know counts as its bytes, which no encoding exceeds.
CREATE FUNCTION skyscript.n_tokens(phrase text)
RETURNS integer
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT coalesce(sum(coalesce(w.n_tokens, octet_length(piece.word))), 0)::integer
    FROM skyscript.pieces(phrase) AS piece
    LEFT JOIN skyscript.word_tokens AS w ON w.word = piece.word
$$;

COMMENT ON FUNCTION skyscript.n_tokens IS
    'Upper bound of the tokens that CLIP makes of a text, without its two marks.';

CREATE FUNCTION skyscript.pieces(phrase text)
RETURNS TABLE (word text)
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
ROWS 12
AS $$
    SELECT found.words[1]
    FROM regexp_matches(
        lower(phrase), '[[:alpha:]]+|[[:digit:]]|[^[:space:][:alnum:]]+', 'g'
    ) AS found (words)
$$;

COMMENT ON FUNCTION skyscript.pieces IS
    'The words, digits and runs of marks that CLIP encodes one by one.';
