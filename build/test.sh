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

    mapfile -t files < <(test_files "${only:-.}")
    [ ${#files[@]} -gt 0 ] || die "no test matches $only"

    export LIVE_ROOT=$ROOT LIVE_BUILD=$BUILD

    # workers run as www-data when the tests run as root: they must get at the
    # module and the test's files, so those lie outside of root's home
    export TMPDIR=${TMPDIR:-/tmp}

    # what only reads the checkout needs no build
    if printf '%s\n' "${files[@]}" | grep -qv '^t/lint/'; then
        live_deps build run web test
        check_root
        keep_root "${files[@]}"
        exclusively build_web
        exclusively build_stock
        exclusively build_sanitized
        exclusively browser_packages
        export LIVE_TEST_NGINX=$BUILD/sanitize/objs/nginx
    else
        live_deps lint
    fi

    cd "$ROOT" || return
    live_prove "${files[@]}"
}

# the quick ones first
test_files() {
    (cd "$ROOT" && printf '%s\n' t/lint/*.t t/unit.t t/fuzz.t t/[0-9]*.t t/build/*.t) \
        | grep -v '\*' | grep -E -- "$1" || true
}

browser_packages() {
    local dir=$ROOT/t/browser

    if [ ! -d "$dir/node_modules" ] || [ "$dir/package-lock.json" -nt "$dir/node_modules/.stamp" ]; then
        step "fetching the browser tests' packages" npm_ci "$dir"
        touch "$dir/node_modules/.stamp"
    fi
}

# The package is tested as root, on a machine made of namespaces. A password is asked for once, at the beginning,
# and sudo kept from forgetting it.
keep_root() {
    [ "$(id -u)" != 0 ] || return 0
    printf '%s\n' "$@" | grep -q '^t/build/' || return 0

    as_root true || die "some of the tests need root: --only=PATTERN leaves out t/build/"
    (while sleep 60 && kill -0 $$ && sudo -n true; do :; done >/dev/null 2>&1 9<&-) &
}

# no file may hang; what failed is said again at the end; a skip fails, unless it
# was asked for
live_prove() {
    local log=$BUILD/prove.log rc=0 skipped

    prove --timer --exec 'timeout -k 30 900 perl -It/lib' "$@" 2>&1 | tee "$log" || rc=$?

    if [ $rc != 0 ]; then
        say ""
        say "what failed, in order:"
        grep -E -A6 '^#? *(Failed test|Dubious|No subtests|Bail)|ERROR: AddressSanitizer|runtime error:' "$log" | head -n 200
    fi

    skipped=$(grep -E '(\.t|\.\.) *skipped|# skip' "$log" || true)

    if [ -n "$skipped" ]; then
        say "skipped:"
        say "$skipped"
        [ "${LIVE_TEST_ALLOW_SKIP:-}" = 1 ] || die "a skipped test is a failure (LIVE_TEST_ALLOW_SKIP=1 lets it pass)"
    fi

    return $rc
}

live_bench() {
    [ "${1:-}" = live ] || die "bench: what? (live)"
    live_deps build run test
    exclusively build_stock
    exec "$ROOT/bench/live" "${@:2}"
}
