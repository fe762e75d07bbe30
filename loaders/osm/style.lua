-- Chooses the features of an OpenStreetMap file, and their shapes.
--
-- Every node, way and area relation with at least one descriptive tag becomes a row of
-- `feature`, with all its tags as they are. A tagged object that does not is a row of
-- `left_out`, with the reason. Untagged objects are in neither: osm2pgsql counts what it
-- reads, so they are the difference.
--
-- Neither table is clustered or indexed here: load.sql sorts while it copies.

local feature = osm2pgsql.define_table({
    name = 'feature',
    ids = { type = 'any', type_column = 'osm_type', id_column = 'osm_id' },
    cluster = 'no',
    indexes = {},
    columns = {
        { column = 'kind', sql_type = 'char(1)', not_null = true },
        { column = 'tags', type = 'jsonb', not_null = true },
        { column = 'geom', type = 'geometry', projection = 4326, not_null = true },
        { column = 'version', type = 'int4' },
        -- Seconds since 1970: faster to write and to read than a date.
        { column = 'changed_s', type = 'int8' },
        -- Nodes that a way names; load.sql finds by it the ways that miss some.
        { column = 'n_way_nodes', type = 'int4' },
    },
})

local left_out = osm2pgsql.define_table({
    name = 'left_out',
    ids = { type = 'any', type_column = 'osm_type', id_column = 'osm_id' },
    cluster = 'no',
    indexes = {},
    columns = {
        { column = 'reason', type = 'text', not_null = true },
    },
})

local function set(names)
    local members = {}
    for _, name in ipairs(names) do
        members[name] = true
    end
    return members
end

-- Tags about the mapping and not about the thing mapped. An object with no others has
-- nothing that a caption could say.
local technical_keys = set({
    'attribution', -- whose data it was
    'converted_by', -- the program that made it
    'created_by', -- the editor that made it
    'fixme', 'FIXME', -- work left for other mappers
    'import', 'import_uuid', -- the import that made it
    'note', -- a message to other mappers
    'odbl', -- the licence change of 2012
    'source', -- where a mapper has it from
    'todo', -- work left for other mappers
})

-- What stands before the first colon: fields of an imported database, and remarks.
local technical_prefixes = set({
    'canvec', 'CLC', 'geobase', 'gnis', 'KSJ2', 'LINZ', 'LINZ2OSM', 'massgis', 'naptan',
    'NHD', 'nycdoitt', 'osak', 'tiger', 'yh', -- imports
    'fixme', 'note', 'odbl', 'source', -- remarks, with a language or a key behind
})

-- They give a shape to other tags and say nothing alone.
local shape_keys = set({ 'area', 'type' })

-- A closed way with one of these keys is an area. The values named are its exceptions.
local area_keys = {
    aeroway = set({ 'jet_bridge', 'parking_position', 'taxiway' }),
    allotments = {},
    amenity = {},
    ['area:highway'] = {},
    boundary = {},
    building = { no = true },
    ['building:part'] = { no = true },
    club = {},
    craft = {},
    crop = {},
    emergency = {},
    golf = set({ 'cartpath', 'hole', 'path' }),
    healthcare = {},
    historic = set({ 'citywalls' }),
    indoor = set({ 'corridor', 'wall' }),
    industrial = {},
    landcover = {},
    landuse = {},
    leisure = set({ 'slipway', 'track' }),
    man_made = set({ 'breakwater', 'cutline', 'dyke', 'embankment', 'groyne', 'pipeline' }),
    military = set({ 'trench' }),
    natural = set({
        'arete', 'arch', 'cliff', 'coastline', 'earth_bank', 'gully', 'ridge', 'tree_row',
        'valley',
    }),
    office = {},
    place = {},
    playground = {},
    public_transport = {},
    residential = {},
    ruins = {},
    shop = {},
    tourism = {},
    wetland = {},
}

-- Keys of lines whose few areas are known by their values.
local area_values = {
    highway = set({ 'rest_area', 'services' }),
    power = set({ 'generator', 'plant', 'substation', 'transformer' }),
    railway = set({ 'roundhouse', 'station', 'turntable' }),
    waterway = set({ 'boatyard', 'dam', 'dock', 'fuel', 'riverbank' }),
}

local area_relations = set({ 'boundary', 'multipolygon' })

local function is_descriptive(key)
    if technical_keys[key] or shape_keys[key] then
        return false
    end
    local prefix = key:match('^([^:]+):')
    return not (prefix and technical_prefixes[prefix])
end

local function has_descriptive_tag(tags)
    for key in pairs(tags) do
        if is_descriptive(key) then
            return true
        end
    end
    return false
end

local function is_area(tags)
    local area = tags.area
    if area == 'yes' or area == 'no' then
        return area == 'yes'
    end
    for key, value in pairs(tags) do
        local exceptions, values = area_keys[key], area_values[key]
        if exceptions and not exceptions[value] or values and values[value] then
            return true
        end
    end
    return false
end

local function leave_out(reason)
    left_out:insert({ reason = reason })
end

local function add(object, kind, geom)
    if geom:is_null() then
        return leave_out('no valid geometry')
    end
    if kind == 'a' and geom:area() == 0 then
        return leave_out('area of size zero')
    end
    feature:insert({
        kind = kind,
        tags = object.tags,
        geom = geom,
        version = object.version,
        changed_s = object.timestamp,
        n_way_nodes = object.nodes and #object.nodes,
    })
end

-- osm2pgsql builds what it can of a relation that an extract cut through: a lake without
-- its islands. Relations have no count of points to tell by, so count the ways found.
local function misses_ways(object)
    local named, n_named = {}, 0
    for _, member in ipairs(object.members) do
        if member.type == 'w' and not named[member.ref] then
            named[member.ref] = true
            n_named = n_named + 1
        end
    end
    return object:as_multilinestring():num_geometries() < n_named
end

-- osm2pgsql 1 calls these for untagged objects too.
local function is_untagged(object)
    return next(object.tags) == nil
end

function osm2pgsql.process_node(object)
    if is_untagged(object) then
        return
    end
    if not has_descriptive_tag(object.tags) then
        return leave_out('no descriptive tag')
    end
    add(object, 'n', object:as_point())
end

function osm2pgsql.process_way(object)
    if is_untagged(object) then
        return
    end
    if not has_descriptive_tag(object.tags) then
        return leave_out('no descriptive tag')
    end
    if object.is_closed and is_area(object.tags) then
        add(object, 'a', object:as_polygon())
    else
        add(object, 'w', object:as_linestring())
    end
end

function osm2pgsql.process_relation(object)
    if is_untagged(object) then
        return
    end
    if not area_relations[object.tags.type] then
        return leave_out('relation type without geometry')
    end
    if not has_descriptive_tag(object.tags) then
        return leave_out('no descriptive tag')
    end
    if misses_ways(object) then
        return leave_out('members missing from the file')
    end
    add(object, 'a', object:as_multipolygon())
end
