# shellcheck shell=bash
# All tests, by prove.

live_test() {
    local only='' arg files=()

    for arg in "$@"; do
        case $arg in
        --only=*) only=${arg#*=} ;;
        --long)   export LIVE_TEST_LONG=1 ;;
        --fuzz)   export LIVE_TEST_FUZZ=600 ;;
        *)        die "test: unknown option $arg" ;;
        esac
    done

    live_deps build run web test
    check_root
    build_web
    build_stock
    build_sanitized

    if [ -f "$ROOT/t/browser/package.json" ] && [ ! -d "$ROOT/t/browser/node_modules" ]; then
        step "fetching the browser tests' packages" npm_ci "$ROOT/t/browser"
    fi

    export LIVE_ROOT=$ROOT LIVE_BUILD=$BUILD

    # workers run as www-data when the tests run as root: they must get at the
    # module and the test's files, so those lie outside of root's home
    export TMPDIR=${TMPDIR:-/tmp}

    cd "$ROOT"
    mapfile -t files < <(find t -name '*.t' | sort | grep -E -- "${only:-.}")
    [ ${#files[@]} -gt 0 ] || die "no test matches $only"

    live_prove "${files[@]}"
}

# skips are listed; in CI they fail
live_prove() {
    local log=$BUILD/prove.log rc=0 skipped

    prove --timer -It/lib "$@" 2>&1 | tee "$log" || rc=$?

    skipped=$(grep -E '(\.t|\.\.) *skipped|# skip' "$log" || true)

    if [ -n "$skipped" ]; then
        say "skipped:"
        say "$skipped"
        [ "${CI:-}" = true ] && die "skipped tests fail CI"
    fi

    return $rc
}

live_bench() {
    [ "${1:-}" = live ] || die "bench: what? (live)"
    live_deps build run test
    build_stock
    exec "$ROOT/bench/live" "${@:2}"
}
