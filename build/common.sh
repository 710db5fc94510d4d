# shellcheck shell=bash
# What all verbs share.

say() {
    printf '%s\n' "$*"
}

die() {
    printf 'build.sh: %s\n' "$*" >&2
    exit 1
}

# Runs a long step quietly: a line says what it does, how long it has taken and what it is at; its
# output comes only if it fails.
step() {
    local what=$1 log start rc=0 ticker
    shift
    log=$(mktemp)
    start=$SECONDS
    printf '%s ... ' "$what"

    # without the lock of exclusively(), which its last sleep would hold a second too long
    progress "$what" "$log" "$start" 9<&- &
    ticker=$!

    # a subshell, and not in a condition: in one, bash would pass over every failure but the last command's
    set +e
    ( set -e; "$@" ) >"$log" 2>&1 </dev/null
    rc=$?
    set -e

    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    [ ! -t 1 ] || printf '\r\033[K%s ... ' "$what"

    if [ $rc = 0 ]; then
        printf 'done (%d s)\n' $((SECONDS - start))
        rm -f "$log"
        return 0
    fi

    printf 'FAILED\n'
    tail -n 40 "$log" >&2
    rm -f "$log"
    die "this step failed: $what"
}

# on a terminal the line is written anew each second, elsewhere another is added every 15
progress() {
    local what=$1 log=$2 start=$3 last every=15 seconds

    [ ! -t 1 ] || every=1

    # it must not outlive a build.sh that was killed
    while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
        seconds=$((SECONDS - start))
        [ $((seconds % every)) = 0 ] || continue
        last=$(tail -n 1 "$log" 2>/dev/null | tr -d '\000-\037\177' | cut -c 1-60) || true

        if [ $every = 1 ]; then
            printf '\r\033[K%s ... %d s  %s' "$what" "$seconds" "$last"
        else
            printf '%d s ... ' "$seconds"
        fi
    done
}

# one build at a time in this checkout; build.sh itself is the lock, since who may only read here may run too
exclusively() {
    (
        if ! flock -n 9; then
            say "waiting for another build in this checkout"
            flock 9
        fi
        "$@"
    ) 9<"$ROOT/build.sh"
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
