-- Caps and weights go by one tag a chip, lest a chip count twice: the rarest of those
-- that make its feature a focus, among the chips that there are.
CREATE VIEW skyscript.chip_tag AS
WITH carried AS (
    SELECT
        chip.id AS chip_id,
        v.key,
        v.value,
        count(*) OVER (PARTITION BY v.tag_id) AS n_chips
    FROM skyscript.chip
    INNER JOIN skyscript.chip_feature AS focus
        ON focus.chip_id = chip.id AND focus.role = 'focus'
    CROSS JOIN LATERAL jsonb_each_text(focus.tags) AS tag
    INNER JOIN skyscript.visible_tag AS v
        ON v.key = tag.key AND v.value = tag.value AND v.max_gsd_m >= chip.gsd_m
    WHERE chip.state = 'ok' AND NOT EXISTS (SELECT FROM skyscript.hidden_by(focus.tags))
)

SELECT DISTINCT ON (carried.chip_id)
    carried.chip_id,
    carried.key,
    carried.value,
    carried.n_chips
FROM carried
ORDER BY
    carried.chip_id, carried.n_chips, carried.key COLLATE "C", carried.value COLLATE "C";

COMMENT ON VIEW skyscript.chip_tag IS
    'The tag that a chip counts for: the rarest that makes its feature a focus.';
