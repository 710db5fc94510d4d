# shellcheck shell=bash
# What is needed from Debian, by purpose; installed only where it is missing.

deps_of() {
    case $1 in
    build) say "gcc libc6-dev make dpkg-dev nginx-dev nginx libnginx-mod-rtmp libpcre2-dev zlib1g-dev libssl-dev xz-utils" ;;
    run)   say "nginx libnginx-mod-rtmp ffmpeg fonts-dejavu-core openssl curl iproute2" ;;
    lint)  say "perl git shellcheck" ;;
    test)  say "perl curl ffmpeg openssl clang libclang-rt-14-dev chromium firefox-esr xxd iproute2 mount $(deps_of lint)" ;;
    esac
}

# groups: build run web lint test
live_deps() {
    local group package missing=() seen=" "

    for group in "$@"; do
        if [ "$group" = web ]; then
            node_ok || missing+=(nodejs npm)
            continue
        fi

        for package in $(deps_of "$group"); do
            case $seen in *" $package "*) continue ;; esac
            seen="$seen$package "
            installed "$package" || missing+=("$package")
        done
    done

    [ ${#missing[@]} = 0 ] && return 0

    [ -f /etc/debian_version ] || die "needs ${missing[*]}: install them; only Debian is known here"

    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null \
        || die "needs root or sudo once, for: apt-get install --no-install-recommends ${missing[*]}"

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
    local policy=/usr/sbin/policy-rc.d

    # a password is asked for here, not in the middle of a step
    as_root true || die "root is needed to install: $*"

    if [ ! -e $policy ]; then
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
    fi

    step "updating Debian's package lists" apt_update
    step "installing from Debian: $*" apt_install "$@"

    if [ -n "$(trap -p EXIT)" ]; then
        as_root rm -f $policy
        trap - EXIT
    fi
}

# some other source of the machine's may be out of reach: what counts is whether the packages come
apt_update() {
    as_root apt-get update -q || true
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

# the upstream source of a Debian package, into $BUILD/src; prints its directory
debian_source() {
    local package=$1 pattern=$2 found

    found=$(unpacked "$pattern")

    if [ -z "$found" ]; then
        step "fetching the source of $package from Debian" fetch_source "$package" >&2
        found=$(unpacked "$pattern")
        [ -n "$found" ] || die "the source of $package has no directory $pattern"
    fi

    say "$found"
}

unpacked() {
    find "$BUILD/src" -mindepth 1 -maxdepth 1 -type d -name "$1" 2>/dev/null | head -n 1
}

# The machine's own sources are read as deb-src, in files of our own: nothing of
# the machine's configuration is touched.
fetch_source() {
    local package=$1 apt=$BUILD/apt opts tar file

    rm -rf "$apt/sources"
    mkdir -p "$apt/sources" "$apt/lists/partial" "$BUILD/src"

    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        sed -E 's/^Types:.*/Types: deb-src/' "$file" >"$apt/sources/$(basename "$file")"
    done

    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null \
        | sed -nE 's/^[[:space:]]*deb[[:space:]]/deb-src /p' >"$apt/sources/machine.list" || true

    opts=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$apt/sources"
          -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt" -o APT::Sandbox::User=)

    cd "$BUILD/src" || return
    apt-get "${opts[@]}" update -q || true
    apt-get "${opts[@]}" source -q --download-only --tar-only "$package"

    for tar in "${package}"_*.orig.tar.*; do
        # unpacked beside and moved: what was interrupted is not taken for the whole
        case $tar in *.asc) continue ;; esac
        rm -rf unpack
        mkdir unpack
        tar xf "$tar" -C unpack
        mv unpack/* .
        rmdir unpack
    done
}
