-- name: select_rules
SELECT key, role, rank, word, form, plural, counted, is_generic
FROM skyscript.caption_rule;

-- name: select_verdicts
SELECT v.key, v.value, v.max_gsd_m FROM skyscript.tag_verdict AS v;

-- name: select_hiding_tags
SELECT key, value, unless_key FROM skyscript.hiding_tag;

-- name: select_word_tokens
SELECT word, n_tokens FROM skyscript.word_tokens;

-- name: select_recipe
SELECT prefix, max_tokens, min_size_px
FROM skyscript.caption_recipe
WHERE name = %(recipe)s;

-- name: select_links
SELECT cf.chip_id, cf.role, cf.kind::text, cf.tags::text, cf.width_px, cf.height_px,
    c.gsd_m
FROM skyscript.chip AS c
INNER JOIN skyscript.chip_feature AS cf ON cf.chip_id = c.id
ORDER BY c.id;

-- name: count_links
SELECT count(*), count(DISTINCT cf.tags) FROM skyscript.chip_feature AS cf;

-- name: select_captions
SELECT caption.chip_id, caption.kind, t.text
FROM skyscript.caption AS caption
INNER JOIN skyscript.caption_text AS t ON t.id = caption.text_id;
