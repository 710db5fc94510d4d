# shellcheck shell=bash
# What is needed from Debian, by purpose; installed only where it is missing.

DEPS_build="gcc libc6-dev make dpkg-dev nginx-dev nginx libnginx-mod-rtmp libpcre2-dev zlib1g-dev libssl-dev xz-utils"
DEPS_run="nginx libnginx-mod-rtmp ffmpeg fonts-dejavu-core openssl curl"
DEPS_test="perl curl ffmpeg openssl clang libclang-rt-14-dev chromium shellcheck"

# groups: build run web test
live_deps() {
    local group package var missing=() seen=" "

    for group in "$@"; do
        if [ "$group" = web ]; then
            node_ok || missing+=(nodejs npm)
            continue
        fi

        var=DEPS_$group

        for package in ${!var}; do
            case $seen in *" $package "*) continue ;; esac
            seen="$seen$package "
            installed "$package" || missing+=("$package")
        done
    done

    [ ${#missing[@]} = 0 ] && return 0

    [ -f /etc/debian_version ] || die "needs ${missing[*]}: install them; only Debian is known here"

    install_packages "${missing[@]}"
}

installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

node_ok() {
    command -v node >/dev/null && command -v npm >/dev/null \
        && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]
}

# Debian starts a service when its package is installed; ours must not take port
# 80 or meet an admin's nginx unasked, so a policy forbids it for this one call
install_packages() {
    local policy=/usr/sbin/policy-rc.d held=0

    say "installing from Debian: $*"

    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        held=1
    fi

    if ! apt_install "$@"; then
        say "updating the package lists"
        as_root apt-get update -qq || true
        apt_install "$@" || {
            [ $held = 1 ] && as_root rm -f $policy
            die "apt-get could not install: $*"
        }
    fi

    if [ $held = 1 ]; then
        as_root rm -f $policy
    fi
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 "$@" >/dev/null
}

# the upstream source of a Debian package, into $BUILD/src; prints its directory.
# The machine's own sources are read as deb-src, in files of our own: nothing of
# the machine's configuration is touched.
debian_source() {
    local package=$1 pattern=$2 apt=$BUILD/apt found opts tar

    found=$(find "$BUILD/src" -mindepth 1 -maxdepth 1 -type d -name "$pattern" 2>/dev/null | head -n 1)

    if [ -n "$found" ]; then
        say "$found"
        return
    fi

    mkdir -p "$apt/sources" "$apt/lists/partial" "$BUILD/src"

    find /etc/apt/sources.list.d -name '*.sources' 2>/dev/null | while read -r file; do
        sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$apt/sources/$(basename "$file")"
    done

    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null \
        | sed -nE 's/^[[:space:]]*deb[[:space:]]/deb-src /p' >"$apt/sources/machine.list" || true

    opts=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/sources"
          -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt" -o APT::Sandbox::User=)

    (
        cd "$BUILD/src"
        apt-get "${opts[@]}" update -qq
        apt-get "${opts[@]}" source -qq --download-only --tar-only "$package"
        for tar in "${package}"_*.orig.tar.*; do
            case $tar in *.asc) ;; *) tar xf "$tar" ;; esac
        done
    ) >"$BUILD/source.log" 2>&1 || {
        tail -n 20 "$BUILD/source.log" >&2
        die "cannot get the source of $package from Debian"
    }

    found=$(find "$BUILD/src" -mindepth 1 -maxdepth 1 -type d -name "$pattern" | head -n 1)
    [ -n "$found" ] || die "the source of $package has no directory $pattern"
    say "$found"
}
