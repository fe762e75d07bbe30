-- name: count_sources
-- Who decides the tags of loaded features: distinct tags, how often features carry
-- them, and how often so a tag that can be seen.
SELECT
    coalesce(split_part(v.source, ':', 1), 'nothing') AS source,
    count(*),
    coalesce(sum(v.n_features), 0)::bigint,
    coalesce(sum(v.n_features) FILTER (WHERE v.max_gsd_m IS NOT NULL), 0)::bigint
FROM skyscript.tag_verdict AS v
GROUP BY 1
ORDER BY 3 DESC, 1;
