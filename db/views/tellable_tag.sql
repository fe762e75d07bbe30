-- A sieve: these are few, and the other tags are most. Which verdict counts where a tag
-- has several is looked up when it is told.
CREATE VIEW skyscript.tellable_tag AS
SELECT
    t.key,
    t.value,
    g.max_gsd_m
FROM skyscript.tag AS t
INNER JOIN skyscript.tag_groundability AS g ON g.tag_id = t.id
WHERE g.max_gsd_m IS NOT NULL;

COMMENT ON VIEW skyscript.tellable_tag IS
    'Tags that can be seen from above by some verdict, though one that counts more may say '
    'otherwise (see tag_verdict): a row for each such verdict.';
