-- name: select_classifier
SELECT c.metrics FROM skyscript.tag_classifier AS c WHERE c.id = %(id)s;

-- name: insert_classifier
INSERT INTO skyscript.tag_classifier (
    id, model_id, encoder, inputs, coefficients, intercept, threshold,
    label_sha256, n_labels, metrics, is_default
)
VALUES (
    %(id)s, %(model_id)s, %(encoder)s, %(inputs)s, %(coefficients)s::vector,
    %(intercept)s, %(threshold)s, %(label_sha256)s, %(n_labels)s, %(metrics)s, false
);

-- name: insert_step
INSERT INTO skyscript.tag_classifier_gsd (
    classifier_id, max_gsd_m, finer_gsd_m, coefficients, intercept, threshold
)
VALUES (
    %(id)s, %(max_gsd_m)s, %(finer_gsd_m)s, %(coefficients)s::vector,
    %(intercept)s, %(threshold)s
);
