-- How a tag is told: `building=yes` is "building", `highway=footway` is "road of
-- footway", `power=pole` is "power pole".
CREATE FUNCTION skyscript.tag_text(key text, value text)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN value = 'yes' THEN readable.word
        WHEN rule.form = 'key value' THEN readable.word || ' ' || skyscript.readable(value)
        ELSE readable.word || ' of ' || skyscript.readable(value)
    END
    FROM (VALUES ($1)) AS tag (key)
    LEFT JOIN skyscript.caption_rule AS rule ON rule.key = tag.key
    CROSS JOIN LATERAL (
        SELECT coalesce(rule.word, skyscript.readable(tag.key)) AS word
    ) AS readable
$$;

COMMENT ON FUNCTION skyscript.tag_text IS
    'The tag as captions tell it and as CLIP reads it.';
