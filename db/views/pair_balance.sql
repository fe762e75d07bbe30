-- To sample or cap pairs evenly. Equal captions make a group, in which none is a
-- negative of another. Weights fall with the square root of how common a tag is, which
-- tempers the common without drowning in the rare, and are 1 on average.
CREATE VIEW skyscript.pair_balance AS
SELECT
    ranked.chip_id,
    ranked.recipe,
    ranked.caption_kind,
    ranked.text_id,
    ranked.n_in_group,
    ranked.nth_in_group,
    ranked.key,
    ranked.value,
    ranked.n_of_tag,
    ranked.nth_of_tag,
    ranked.raw_weight / avg(ranked.raw_weight) OVER (
        PARTITION BY ranked.recipe, ranked.caption_kind
    ) AS weight
FROM (
    SELECT
        c.chip_id,
        c.recipe,
        c.kind AS caption_kind,
        c.text_id,
        t.key,
        t.value,
        count(*) OVER same_text AS n_in_group,
        row_number() OVER (same_text ORDER BY c.chip_id) AS nth_in_group,
        count(*) OVER same_tag AS n_of_tag,
        row_number() OVER (same_tag ORDER BY c.chip_id) AS nth_of_tag,
        1 / sqrt(count(*) OVER same_tag) AS raw_weight
    FROM skyscript.caption AS c
    INNER JOIN skyscript.chip_tag AS t ON t.chip_id = c.chip_id
    WINDOW
        same_text AS (PARTITION BY c.recipe, c.kind, c.text_id),
        same_tag AS (PARTITION BY c.recipe, c.kind, t.key, t.value)
) AS ranked;

COMMENT ON VIEW skyscript.pair_balance IS
    'Caption groups, ranks for caps, and weights that even out tags, of each pair.';
