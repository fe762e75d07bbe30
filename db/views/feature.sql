CREATE VIEW osm.feature AS
SELECT
    f.osm_type,
    f.osm_id,
    f.kind,
    f.tags,
    f.geom,
    f.version,
    f.changed_at,
    f.extract
FROM osm.extract_feature AS f
WHERE f.is_current;

COMMENT ON VIEW osm.feature IS
    'OSM objects with geometry; one that several extracts hold, in its newest version.';
