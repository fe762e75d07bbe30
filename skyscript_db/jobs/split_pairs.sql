-- name: insert_splits
INSERT INTO skyscript.chip_split (scheme, chip_id, split, cell)
SELECT %(scheme)s, s.chip_id, s.split, s.cell
FROM skyscript.draw_splits(%(val)s, %(test)s, %(seed)s) AS s
WHERE s.split IS NOT NULL
    AND NOT EXISTS (
        SELECT FROM skyscript.chip_split AS old
        WHERE old.scheme = %(scheme)s AND old.chip_id = s.chip_id
    )
ORDER BY s.chip_id
LIMIT %(limit)s;

-- name: select_splits
SELECT s.split, count(DISTINCT s.cell) AS n_cells
FROM skyscript.chip_split AS s
WHERE s.scheme = %(scheme)s
GROUP BY s.split;

-- name: analyze
ANALYZE skyscript.chip_split;

-- name: count
SELECT
    CASE
        WHEN old.chip_id IS NOT NULL THEN 'ok'
        WHEN s.split IS NULL THEN 'rejected'
        ELSE 'pending'
    END AS outcome,
    CASE
        WHEN old.chip_id IS NULL AND s.split IS NULL THEN 'reaches into another split'
    END AS reason,
    count(*)
FROM skyscript.draw_splits(%(val)s, %(test)s, %(seed)s) AS s
LEFT JOIN skyscript.chip_split AS old
    ON old.scheme = %(scheme)s AND old.chip_id = s.chip_id
GROUP BY 1, 2
ORDER BY 1, 2;
