-- The plainest style: all tagged objects with geometry in one table, tags and all.

local everything = osm2pgsql.define_table({
    name = 'everything',
    ids = { type = 'any', type_column = 'osm_type', id_column = 'osm_id', create_index = 'always' },
    columns = {
        { column = 'tags', type = 'jsonb', not_null = true },
        { column = 'geom', type = 'geometry', projection = 4326, not_null = true },
    },
})

local function add(object, geom)
    if next(object.tags) ~= nil then
        everything:insert({ tags = object.tags, geom = geom })
    end
end

function osm2pgsql.process_node(object)
    add(object, object:as_point())
end

function osm2pgsql.process_way(object)
    add(object, object.is_closed and object:as_polygon() or object:as_linestring())
end

function osm2pgsql.process_relation(object)
    if object.tags.type == 'multipolygon' or object.tags.type == 'boundary' then
        add(object, object:as_multipolygon())
    end
end
