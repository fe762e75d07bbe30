#!/usr/bin/env bash
# Installs what the server side needs, with the system's own package manager:
#
#   PostgreSQL 15 or later, PostGIS 3, pgvector 0.8 or later, osm2pgsql 1.11 or later,
#   osmium-tool, and Python's venv module, which Debian packs apart.
#
# Debian and Ubuntu. May be run twice: what is there already is left alone. Where
# the release is too old to carry pgvector or a recent osm2pgsql, the script looks
# in the newer suites of the same archive, as the machine's own package sources
# name it: osm2pgsql comes from backports, pgvector is built from its source package.

set -euo pipefail

readonly MIN_POSTGRESQL=15
readonly MIN_PGVECTOR=0.8
readonly MIN_OSM2PGSQL=1.11

main() {
    require_apt
    become_root
    work=$(mktemp -d)
    chmod 0755 "$work" # apt downloads as a user of its own
    # What apt-get wrote there as root, an ordinary user may not remove.
    trap 'rm -rf "$work" 2>/dev/null || "${as_root[@]}" rm -rf "$work"' EXIT

    local postgresql
    postgresql=$(newest_postgresql)
    install_postgis "$postgresql"
    install_pgvector "$postgresql"
    install_osm2pgsql
    install_osmium
    install_venv
    report "$postgresql"
}

say() { printf 'db/install.sh: %s\n' "$*" >&2; }

die() { say "$@"; exit 1; }

require_apt() {
    command -v apt-get >/dev/null || die "this script knows Debian and Ubuntu only." \
        "Elsewhere install PostgreSQL $MIN_POSTGRESQL+, PostGIS 3, pgvector $MIN_PGVECTOR+" \
        "and osm2pgsql $MIN_OSM2PGSQL+ by hand, or use docker-compose.yml."
}

become_root() {
    as_root=()
    [ "$(id -u)" -eq 0 ] && return
    as_root=(sudo)
    # Not yet an error: nothing may be missing.
    command -v sudo >/dev/null || as_root=(refuse)
}

refuse() { die "something has to be installed: run this as root, or install sudo"; }

at_least() { dpkg --compare-versions "${1:-0}" ge "$2"; }

apt_install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >&2
}

# The version that apt would install, without epoch; empty if it knows none.
candidate() {
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p' \
        | grep -v '(none)' | sed 's/^[0-9]*://' || true
}

# apt-cache answers from old lists, or from none at all on a fresh machine.
refresh_lists() {
    [ -z "${refreshed:-}" ] || return 0
    "${as_root[@]}" apt-get update -q >&2
    refreshed=yes
}

has_postgis() { [ -f "/usr/share/postgresql/$1/extension/postgis.control" ]; }

# The newest PostgreSQL for which there is a PostGIS: installed, else in the archive.
newest_postgresql() {
    local version
    for version in $(seq 30 -1 "$MIN_POSTGRESQL"); do
        if [ -x "/usr/lib/postgresql/$version/bin/postgres" ] && has_postgis "$version"; then
            echo "$version"
            return
        fi
    done
    refresh_lists
    for version in $(seq 30 -1 "$MIN_POSTGRESQL"); do
        if [ -n "$(candidate "postgresql-$version-postgis-3")" ]; then
            echo "$version"
            return
        fi
    done
    die "the package sources offer no PostgreSQL $MIN_POSTGRESQL or later with PostGIS;" \
        "add your distribution's PostgreSQL repository and run this again"
}

install_postgis() {
    if [ -x "/usr/lib/postgresql/$1/bin/postgres" ] && has_postgis "$1"; then
        say "PostgreSQL $1 with PostGIS is there"
        return
    fi
    refresh_lists
    apt_install "postgresql-$1" "postgresql-$1-postgis-3" "postgresql-$1-postgis-3-scripts"
}

pgvector_version() {
    sed -n "s/^default_version *= *'\(.*\)'/\1/p" \
        "/usr/share/postgresql/$1/extension/vector.control" 2>/dev/null || true
}

install_pgvector() {
    if at_least "$(pgvector_version "$1")" "$MIN_PGVECTOR"; then
        say "pgvector $(pgvector_version "$1") is there"
        return
    fi
    refresh_lists
    if at_least "$(candidate "postgresql-$1-pgvector")" "$MIN_PGVECTOR"; then
        apt_install "postgresql-$1-pgvector"
    else
        build_pgvector "$1"
    fi
}

# Builds without the processor's own instructions (OPTFLAGS), so that the library
# still loads when the disk moves to another machine.
build_pgvector() {
    say "this release has no pgvector $MIN_PGVECTOR; building the archive's newest source package"
    apt_install build-essential dpkg-dev "postgresql-server-dev-$1"
    download_pgvector
    local pg_config="/usr/lib/postgresql/$1/bin/pg_config"
    (
        cd "$work"
        dpkg-source --no-check -x pgvector_*.dsc pgvector >&2
        make -s -C pgvector -j"$(nproc)" OPTFLAGS="" PG_CONFIG="$pg_config" >&2
        "${as_root[@]}" make -s -C pgvector install PG_CONFIG="$pg_config" >&2
    )
    at_least "$(pgvector_version "$1")" "$MIN_PGVECTOR" \
        || die "the archive's newest pgvector is $(pgvector_version "$1"), older than $MIN_PGVECTOR;" \
            "build it from its release and run this again"
}

# A mirror's index can be out of date, or name a package that its pool does not hold
# yet; hence the next suite when one fails.
download_pgvector() {
    local suite
    for suite in $(newer_suites); do
        if use_suite deb-src "$suite" && download_source pgvector; then
            return
        fi
        say "no pgvector source from $suite; trying the next suite"
    done
    die "found no source package of pgvector in: $(newer_suites)"
}

download_source() {
    (cd "$work" && apt-get "${suite_options[@]}" \
        source -q --only-source --download-only "$1" >&2)
}

osm2pgsql_version() {
    osm2pgsql --version 2>&1 | sed -n 's/.*version \([0-9.]*\).*/\1/p' | head -n 1
}

install_osm2pgsql() {
    if command -v osm2pgsql >/dev/null && at_least "$(osm2pgsql_version)" "$MIN_OSM2PGSQL"; then
        say "osm2pgsql $(osm2pgsql_version) is there"
        return
    fi
    refresh_lists
    if at_least "$(candidate osm2pgsql)" "$MIN_OSM2PGSQL"; then
        apt_install osm2pgsql
        return
    fi
    say "this release has no osm2pgsql $MIN_OSM2PGSQL; taking it from backports"
    use_suite deb "$(codename)-backports"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "${suite_options[@]}" \
        install -y -q -o Dpkg::Use-Pty=0 --no-install-recommends -t "$(codename)-backports" osm2pgsql >&2
}

# Sorts the rare files whose objects are out of order.
install_osmium() {
    ! command -v osmium >/dev/null || return 0
    refresh_lists
    apt_install osmium-tool
}

install_venv() {
    python3 -c 'import ensurepip' 2>/dev/null && return
    refresh_lists
    apt_install python3-venv
}

codename() { . /etc/os-release && echo "${VERSION_CODENAME:?}"; }

# Suites that may hold a newer source package, the newest first.
newer_suites() {
    case $(. /etc/os-release && echo "$ID") in
        debian) echo "unstable testing stable" ;;
        *) echo "devel" ;;
    esac
}

# Where a release keeps pgvector and osm2pgsql.
components() {
    case $(. /etc/os-release && echo "$ID") in
        debian) echo "main" ;;
        *) echo "main universe" ;;
    esac
}

# The main archive's address, as this machine's sources name it.
archive() {
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT) $(IDENTIFIER)' \
        | awk -v release="$(codename)" \
            '$2 == release && $3 == "main" && $4 == "Packages" { print $1; exit }'
}

# use_suite deb|deb-src SUITE: `apt-get "${suite_options[@]}"` then sees this suite
# beside the machine's own, in lists of its own, so that nothing on the machine is
# changed and a later plain `apt-get upgrade` pulls nothing from it.
use_suite() {
    local site
    site=$(archive)
    [ -n "$site" ] || die "found no main archive among this machine's package sources"
    # One folder each, since what apt-get writes as root we cannot use again.
    local own=$work/$2
    mkdir -p "$own/sources" "$own/lists/partial"
    cp -r /etc/apt/sources.list.d/. "$own/sources/"
    [ ! -f /etc/apt/sources.list ] || cp /etc/apt/sources.list "$own/sources/own.list"
    echo "$1 $site $2 $(components)" >"$own/sources/extra.list"
    chmod -R a+rX "$own"
    suite_options=(
        -o "Dir::Etc::sourcelist=/dev/null"
        -o "Dir::Etc::sourceparts=$own/sources"
        -o "Dir::State::lists=$own/lists"
    )
    "${as_root[@]}" apt-get "${suite_options[@]}" update -q >&2
}

report() {
    say "PostgreSQL $1, pgvector $(pgvector_version "$1"), osm2pgsql $(osm2pgsql_version): ready"
}

main "$@"
