-- The product: one row for each chip that is on disk and each of its captions.
CREATE VIEW skyscript.pair AS
SELECT
    chip.id AS chip_id,
    caption.kind AS caption_kind,
    caption_text.text AS caption,
    score.similarity,
    scorer.name AS scorer,
    collection.name AS collection,
    collection.provider,
    chip.gsd_m,
    scene.acquired_at,
    coalesce(chip.cloud_fraction, scene.cloud_fraction) AS cloud_fraction,
    chip.footprint,
    chip.lon,
    chip.lat,
    chip.osm_type,
    chip.osm_id,
    chip.kind AS osm_kind,
    focus.tags,
    around.surrounding,
    coalesce(around.n_surrounding, 0) AS n_surrounding,
    chip.image_path,
    chip.width_px,
    chip.height_px,
    chip.sha256,
    chip_split.split,
    focus.changed_at AS osm_changed_at,
    abs(extract(epoch FROM scene.acquired_at - focus.changed_at) / 86400)::integer
        AS osm_imagery_gap_days,
    coalesce(scene.licence, collection.licence) AS licence,
    concat_ws(
        '; ',
        coalesce(
            scene.attribution,
            collection.attribution,
            format('imagery: %s, credit not stated', collection.name)
        ),
        '© OpenStreetMap contributors (ODbL)'
    ) AS attribution,
    scene.name AS scene,
    scene.is_synthetic,
    caption.recipe,
    caption.text_id,
    focus.version AS osm_version,
    focus.visible_fraction,
    chip.cell,
    chip.nodata_fraction,
    recipe.style
FROM skyscript.caption
INNER JOIN skyscript.chip ON chip.id = caption.chip_id
INNER JOIN skyscript.caption_text ON caption_text.id = caption.text_id
INNER JOIN skyscript.caption_recipe AS recipe ON recipe.name = caption.recipe
INNER JOIN skyscript.scene ON scene.id = chip.scene_id
INNER JOIN skyscript.collection ON collection.id = scene.collection_id
INNER JOIN skyscript.chip_feature AS focus
    ON focus.chip_id = chip.id AND focus.role = 'focus'
LEFT JOIN skyscript.embedding_model AS scorer ON scorer.is_default
LEFT JOIN skyscript.pair_similarity AS score
    ON score.model_id = scorer.id
        AND score.chip_id = chip.id
        AND score.text_id = caption.text_id
LEFT JOIN skyscript.chip_split
    ON chip_split.chip_id = chip.id
        AND chip_split.scheme = (SELECT skyscript.current_scheme())
LEFT JOIN LATERAL (
    SELECT
        jsonb_agg(
            jsonb_build_object(
                'osm_type', cf.osm_type,
                'osm_id', cf.osm_id,
                'kind', cf.kind,
                'tags', cf.tags,
                'version', cf.version,
                'visible_fraction', round(cf.visible_fraction::numeric, 4),
                'width_px', round(cf.width_px::numeric, 1),
                'height_px', round(cf.height_px::numeric, 1),
                'touches_edge', cf.touches_edge
            )
            ORDER BY cf.osm_type, cf.osm_id
        ) AS surrounding,
        count(*) AS n_surrounding
    FROM skyscript.chip_feature AS cf
    WHERE cf.chip_id = chip.id AND cf.role = 'surrounding'
) AS around ON true
WHERE chip.state = 'ok';

COMMENT ON VIEW skyscript.pair IS
    'Image-text pairs: one row a chip, kind of caption and recipe. similarity is by the default '
    'model; skyscript.pair_similarity has the scores of all.';
