CREATE VIEW skyscript.visible_tag AS
SELECT
    v.tag_id,
    v.key,
    v.value,
    greatest(v.max_gsd_m, word.max_gsd_m) AS max_gsd_m
FROM skyscript.tag_verdict AS v
INNER JOIN skyscript.caption_rule AS r ON r.key = v.key
-- As in told_tags: building=office is told as a building.
LEFT JOIN LATERAL skyscript.max_gsd_m(v.key, 'yes') AS word (max_gsd_m)
    ON r.is_generic AND skyscript.stands(v.value)
WHERE r.role = 'primary' AND coalesce(v.max_gsd_m, word.max_gsd_m) > 0;

COMMENT ON VIEW skyscript.visible_tag IS
    'Primary tags that can be seen at some GSD, by themselves or by the word of their '
    'key: a feature with one of these can be the focus of a chip.';
