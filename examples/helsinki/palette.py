"""What the ground looks like from above: materials, and the tags that ask for them.

Everything here is data. A tag that no table names is not drawn.
"""

from __future__ import annotations

from typing import NamedTuple

RGB = tuple[int, int, int]
Stroke = list[tuple[float, float]]


class Material(NamedTuple):
    """Two colours that large patches drift between, and what lies on them.

    ``grain`` is the relative strength of fine texture, ``wave`` that of ripples, and
    ``trees`` the chance of a tree on each 16 square metres.
    """

    colour: RGB
    other: RGB
    grain: float = 0.05
    wave: float = 0.0
    trees: float = 0.0


class Area(NamedTuple):
    """How an area is drawn."""

    material: str
    rank: int


class Line(NamedTuple):
    """How a linear feature is drawn, where its own tags do not say."""

    material: str
    width_m: float
    rank: int
    kerb_m: float = 0.0
    lanes: int = 0
    height_m: float = 0.0


class Court(NamedTuple):
    """One court with its run-off, its lines, and the radius of its centre circle."""

    long_m: float
    wide_m: float
    lines: list[Stroke]
    circle_m: float = 0.0


MATERIALS: dict[str, Material] = {
    "ground": Material((139, 133, 122), (124, 121, 114), 0.09),
    "yard": Material((133, 127, 118), (148, 141, 130), 0.08, trees=0.035),
    "paving": Material((158, 152, 143), (143, 138, 131), 0.06),
    "asphalt": Material((96, 97, 100), (112, 110, 108), 0.045),
    "old_asphalt": Material((122, 120, 117), (132, 129, 124), 0.05),
    "parking": Material((109, 109, 111), (121, 119, 116), 0.05),
    "kerb": Material((150, 147, 141), (139, 136, 131), 0.05),
    "concrete": Material((172, 168, 160), (159, 156, 150), 0.05),
    "sett": Material((131, 124, 117), (117, 112, 107), 0.1),
    "gravel": Material((168, 156, 134), (152, 141, 121), 0.08),
    "sand": Material((202, 187, 153), (188, 172, 139), 0.06),
    "soil": Material((148, 124, 98), (168, 148, 122), 0.13),
    "rock": Material((146, 143, 138), (122, 120, 116), 0.16),
    "field": Material((150, 142, 92), (118, 128, 76), 0.06),
    "grass": Material((93, 113, 63), (121, 126, 78), 0.1, trees=0.02),
    "mown": Material((101, 124, 68), (112, 130, 73), 0.06),
    "park": Material((88, 110, 60), (118, 124, 76), 0.11, trees=0.14),
    "garden": Material((84, 104, 58), (124, 118, 80), 0.16, trees=0.22),
    "heath": Material((112, 106, 72), (92, 100, 62), 0.17, trees=0.04),
    "scrub": Material((76, 92, 52), (94, 104, 60), 0.24, trees=0.3),
    "hedge": Material((62, 84, 44), (72, 92, 50), 0.25),
    "wetland": Material((92, 100, 68), (78, 94, 74), 0.15),
    "forest": Material((58, 70, 42), (72, 80, 50), 0.16, trees=0.9),
    "water": Material((35, 57, 70), (46, 67, 74), 0.02, wave=0.09),
    "pool": Material((92, 178, 196), (110, 190, 204), 0.02, wave=0.06),
    "deck": Material((146, 126, 104), (160, 142, 120), 0.07),
    "ballast": Material((126, 112, 101), (112, 102, 95), 0.12),
    "tramway": Material((126, 124, 121), (114, 113, 112), 0.05),
    "rail": Material((186, 180, 174), (174, 168, 162)),
    "dark_rail": Material((76, 75, 77), (84, 82, 82)),
    "sleeper": Material((104, 92, 84), (96, 88, 82), 0.06),
    "clay": Material((168, 98, 72), (156, 92, 70), 0.04),
    "turf": Material((72, 116, 62), (80, 124, 68), 0.04),
    "acrylic": Material((86, 118, 140), (92, 124, 144), 0.03),
    "paint": Material((226, 226, 220), (214, 214, 208), 0.06),
    "plant": Material((150, 150, 148), (128, 128, 128), 0.04),
    "parapet": Material((176, 173, 168), (160, 158, 154), 0.04),
    "glass": Material((138, 156, 166), (158, 172, 178), 0.06),
    "wall": Material((120, 110, 102), (132, 122, 112), 0.08),
    "crown_0": Material((66, 88, 44), (76, 96, 48), 0.26),
    "crown_1": Material((78, 100, 50), (88, 106, 54), 0.26),
    "crown_2": Material((58, 78, 44), (66, 86, 48), 0.26),
    "crown_3": Material((88, 106, 56), (98, 112, 60), 0.26),
    "roof_0": Material((92, 92, 95), (100, 100, 102), 0.05),
    "roof_1": Material((70, 71, 75), (78, 78, 81), 0.05),
    "roof_2": Material((142, 84, 66), (152, 94, 74), 0.07),
    "roof_3": Material((160, 158, 154), (170, 168, 163), 0.04),
    "roof_4": Material((118, 72, 62), (126, 78, 66), 0.06),
    "roof_5": Material((114, 142, 124), (126, 150, 134), 0.06),
    "roof_6": Material((126, 122, 116), (134, 130, 124), 0.05),
    "roof_7": Material((158, 134, 108), (168, 144, 118), 0.06),
    "roof_8": Material((194, 192, 186), (184, 182, 178), 0.04),
    "car_0": Material((214, 214, 212), (214, 214, 212)),
    "car_1": Material((48, 49, 52), (48, 49, 52)),
    "car_2": Material((132, 135, 140), (132, 135, 140)),
    "car_3": Material((138, 44, 40), (138, 44, 40)),
    "car_4": Material((56, 78, 116), (56, 78, 116)),
    "car_5": Material((172, 175, 177), (172, 175, 177)),
}


def _numbered(stem: str) -> list[str]:
    return [name for name in MATERIALS if name.startswith(stem)]


CROWNS, ROOFS, CARS = _numbered("crown_"), _numbered("roof_"), _numbered("car_")
ROOF_WEIGHTS = (22, 14, 12, 16, 8, 7, 9, 5, 7)

# Ranks: lower ones lie below, and among equals the larger area lies below.
_AREAS = """
yard 0 landuse=residential landuse=commercial landuse=retail landuse=civil
concrete 0 landuse=industrial
ballast 1 landuse=railway
soil 1 landuse=construction landuse=brownfield landuse=greenfield
rock 1 landuse=quarry
field 1 landuse=farmland
park 1 landuse=cemetery amenity=grave_yard
grass 1 landuse=meadow
garden 1 landuse=orchard landuse=allotments
forest 2 landuse=forest natural=wood
park 2 leisure=park
mown 2 leisure=golf_course
garden 3 leisure=garden landuse=flowerbed
grass 3 landuse=grass landuse=village_green landuse=recreation_ground natural=grassland
heath 3 natural=heath
scrub 3 natural=scrub
wetland 3 natural=wetland
rock 3 natural=bare_rock
gravel 3 natural=shingle
sand 3 natural=sand natural=beach
asphalt 4 landuse=lane landuse=lanes
old_asphalt 4 landuse=cycleway
paving 4 landuse=bus_stop
concrete 4 landuse=steps
water 5 natural=water landuse=basin landuse=pond landuse=reservoir waterway=dock
deck 6 man_made=pier
rock 6 man_made=breakwater
concrete 6 man_made=bridge
paving 6 place=square
paving 7 highway=pedestrian highway=footway amenity=bicycle_parking
asphalt 7 highway=service
concrete 7 highway=platform railway=platform
parking 7 amenity=parking
sand 8 leisure=playground leisure=fitness_station
clay 8 leisure=track
turf 9 leisure=pitch
pool 9 leisure=swimming_pool
"""
AREAS = {
    tag: Area(material, int(rank))
    for material, rank, *tags in map(str.split, _AREAS.strip().splitlines())
    for tag in tags
}

_SURFACES = """
asphalt asphalt
old_asphalt paved
concrete concrete concrete:plates
paving paving_stones
sett sett cobblestone unhewn_cobblestone
gravel gravel fine_gravel compacted unpaved ground dirt
sand sand
mown grass
deck wood
clay clay tartan
turf artificial_turf
"""
SURFACES = {
    surface: material
    for material, *surfaces in map(str.split, _SURFACES.strip().splitlines())
    for surface in surfaces
}
# Only what is laid on purpose follows its ``surface`` tag.
SURFACED_KEYS = {"highway", "leisure", "place", "amenity"}

LINES = {
    "waterway=river": Line("water", 15, 0, height_m=-1.5),
    "waterway=canal": Line("water", 10, 0, height_m=-1.5),
    "waterway=stream": Line("water", 2, 0, height_m=-1.5),
    "waterway=drain": Line("water", 1, 0, height_m=-1.5),
    "man_made=pier": Line("deck", 3, 1),
    "man_made=breakwater": Line("rock", 5, 1),
    "highway=track": Line("gravel", 2.5, 2),
    "highway=trail": Line("gravel", 2.5, 2),
    "highway=path": Line("gravel", 1.8, 2),
    "highway=footway": Line("paving", 2.2, 3),
    "highway=platform": Line("concrete", 3, 3),
    "railway=platform": Line("concrete", 3.5, 3),
    "highway=steps": Line("concrete", 3, 4),
    "highway=cycleway": Line("old_asphalt", 2.6, 4),
    "highway=service": Line("old_asphalt", 4, 5),
    "highway=pedestrian": Line("paving", 6, 5),
    "highway=living_street": Line("asphalt", 6, 6, 1.5),
    "highway=residential": Line("asphalt", 8, 6, 2, 2),
    "highway=unclassified": Line("asphalt", 8, 6, 2, 2),
    "highway=tertiary": Line("asphalt", 8, 7, 2, 2),
    "highway=secondary": Line("asphalt", 8, 8, 2, 2),
    "highway=primary": Line("asphalt", 8, 8, 2, 2),
    "highway=tertiary_link": Line("asphalt", 5, 7, 1),
    "highway=secondary_link": Line("asphalt", 5, 8, 1),
    "highway=primary_link": Line("asphalt", 5, 8, 1),
    "highway=trunk": Line("asphalt", 10, 9, 1, 3),
    "highway=motorway": Line("asphalt", 11, 9, 1, 3),
    "aeroway=taxiway": Line("old_asphalt", 18, 9),
    "aeroway=runway": Line("asphalt", 45, 9),
    "railway=tram": Line("tramway", 2.6, 10),
    "railway=light_rail": Line("ballast", 3.8, 10),
    "railway=subway": Line("ballast", 3.8, 10),
    "railway=rail": Line("ballast", 4.2, 10),
    "barrier=hedge": Line("hedge", 1.4, 11, height_m=1.6),
    "barrier=wall": Line("wall", 0.5, 11, height_m=1.8),
}
RAIL_GAUGES_M = {"tram": 1.0, "light_rail": 1.5, "subway": 1.5, "rail": 1.52}
LANE_WIDTH_M = 3.3

PITCHES = {"tennis": "clay", "basketball": "acrylic", "multi": "gravel"}

# Lines of a pitch as fractions of its length and width.
BOX: Stroke = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
HALFWAY: Stroke = [(0.5, 0), (0.5, 1)]
SOCCER: list[Stroke] = [
    BOX,
    HALFWAY,
    [(0, 0.2), (0.157, 0.2), (0.157, 0.8), (0, 0.8)],
    [(1, 0.2), (0.843, 0.2), (0.843, 0.8), (1, 0.8)],
]
TENNIS: list[Stroke] = [
    BOX,
    HALFWAY,
    [(0, 0.125), (1, 0.125)],
    [(0, 0.875), (1, 0.875)],
    [(0.23, 0.125), (0.23, 0.875)],
    [(0.77, 0.125), (0.77, 0.875)],
    [(0.23, 0.5), (0.77, 0.5)],
]
COURTS = {
    "soccer": Court(105, 68, SOCCER, 9.15),
    "tennis": Court(36, 18, TENNIS),
    "basketball": Court(32, 19, [BOX, HALFWAY], 1.8),
    "": Court(60, 40, [BOX, HALFWAY], 4),
}

BUILDING_HEIGHTS_M = {
    "roof": 5.0,
    "kiosk": 3.0,
    "shed": 3.0,
    "garage": 3.0,
    "utility": 3.0,
    "pavilion": 4.0,
    "house": 6.0,
    "church": 20.0,
    "train_station": 15.0,
}
OTHER_BUILDING_HEIGHT_M = 16.0
