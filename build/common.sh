# shellcheck shell=bash
# What all verbs share.

say() {
    printf '%s\n' "$*"
}

die() {
    printf 'build.sh: %s\n' "$*" >&2
    exit 1
}

# runs a long step quietly, with a line that says so; its output only if it fails
step() {
    local what=$1 log start
    shift
    mkdir -p "$BUILD"
    log=$(mktemp "$BUILD/step.XXXXXX")
    start=$SECONDS
    printf '%s ... ' "$what"

    if "$@" >"$log" 2>&1; then
        printf 'done (%d s)\n' $((SECONDS - start))
        rm -f "$log"
        return 0
    fi

    printf 'FAILED\n'
    tail -n 40 "$log" >&2
    rm -f "$log"
    die "this step failed: $what"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root or sudo to run: $*"
    fi
}

# the newest modification time below some paths, to see whether a build is stale
newest() {
    find "$@" -type f -printf '%T@\n' 2>/dev/null | sort -n | tail -n 1
}
