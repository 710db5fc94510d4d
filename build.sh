#!/usr/bin/env bash
# The one command of the project: ./build.sh help

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# the parts read it
# shellcheck disable=SC2034
BUILD=$ROOT/.build

export LC_ALL=C.UTF-8

for part in common deps compile run test package; do
    # shellcheck source=/dev/null
    . "$ROOT/build/$part.sh"
done

usage() {
    cat <<'END'
usage: ./build.sh VERB [options]

  deps      install what is missing (all of it; the other verbs install their own share)
  build     build the module and the web pages
              --nginx-src=DIR --rtmp-src=DIR   against these sources, not Debian's
              --sanitize                       a whole nginx with ASan and UBSan, for tests
  run       build, start, and say where to publish and where to watch
  stop      stop what run started
  publish   send a test picture with a clock and a tone, or a file: publish [FILE]
  test      build and pass every test
              --only=PATTERN   test files whose name matches
              --long           minute-long torture runs too
              --fuzz           fuzz for minutes, not seconds
  lint      the tests in t/lint alone
  bench     measure: bench live
  package   a .deb of the module, in .build/
  clean     remove what was built

settings, from the environment:
  LIVE_RUN_DIR (run/ here)  LIVE_BIND (127.0.0.1)
  LIVE_HTTP_PORT (8080)  LIVE_HTTPS_PORT (8443)  LIVE_RTMP_PORT (1935)
  LIVE_TEST_ALLOW_SKIP (1: a skipped test is no failure)
END
}

main() {
    local verb=${1:-help}
    [ $# -gt 0 ] && shift

    case $verb in
    deps)    live_deps build run web test ;;
    build)   live_build "$@" ;;
    run)     live_run ;;
    stop)    live_stop ;;
    publish) live_publish "$@" ;;
    test)    live_test "$@" ;;
    lint)    live_test --only='^t/lint/' ;;
    bench)   live_bench "$@" ;;
    package) live_package ;;
    clean)   live_clean ;;
    help|-h|--help) usage ;;
    *)       usage >&2; die "unknown verb \"$verb\"" ;;
    esac
}

main "$@"
