# shellcheck shell=bash
# A Debian package of the module.

PACKAGE=libnginx-mod-live
MAINTAINER="ngx-live contributors <noreply@ngx-live.example>"

live_package() {
    local dir=$BUILD/deb version arch deb doc script

    live_deps build
    check_root
    exclusively build_stock

    version=$(sed -nE 's/^Changes with ngx-live ([0-9.]+).*/\1/p' "$ROOT/CHANGES" | head -n 1)
    [ -n "$version" ] || die "CHANGES names no version"

    arch=$(dpkg --print-architecture)
    deb=$BUILD/${PACKAGE}_${version}_$arch.deb
    doc=$dir/usr/share/doc/$PACKAGE

    # what is installed must not depend on the umask of who builds
    umask 022
    rm -rf "$dir"
    install -D -m 644 "$BUILD/stock/ngx_live_module.so" "$dir/usr/lib/nginx/modules/ngx_live_module.so"
    strip --strip-unneeded "$dir/usr/lib/nginx/modules/ngx_live_module.so"
    install -D -m 644 "$ROOT/packaging/mod-live.conf" "$dir/usr/share/nginx/modules-available/mod-live.conf"
    install -D -m 644 "$ROOT/LICENSE" "$doc/copyright"
    install -D -m 644 "$ROOT/conf/live.conf" "$doc/examples/live.conf"
    debian_changelog <"$ROOT/CHANGES" | gzip -9n >"$doc/changelog.gz"

    mkdir "$dir/DEBIAN"
    (cd "$dir" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

    sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@MAINTAINER@/$MAINTAINER/" \
        -e "s/@DEPENDS@/$(package_depends "$dir")/; s/@SIZE@/$(du -sk "$dir/usr" | cut -f1)/" \
        "$ROOT/packaging/control.in" >"$dir/DEBIAN/control"

    for script in postinst prerm postrm; do
        install -m 755 "$ROOT/packaging/$script" "$dir/DEBIAN/$script"
    done

    step "making $(basename "$deb")" dpkg-deb --root-owner-group --build "$dir" "$deb"
    say "install it with: apt install $deb"
}

# The module fits one build of nginx, whose package says which, and the nginx-rtmp whose headers it was built
# with: that has no such name, so it is that release.
package_depends() {
    local dir=$1 abi rtmp libc

    abi=$(dpkg-query -W -f='${Provides}' nginx | tr ',' '\n' | sed -nE 's/^ *(nginx-abi-[^ ]+).*/\1/p' | head -n 1)
    [ -n "$abi" ] || die "Debian's nginx names no nginx-abi"

    rtmp=$(dpkg-query -W -f='${Version}' libnginx-mod-rtmp | sed -E 's/[-+~].*//')

    # dpkg-shlibdeps wants a source package around
    mkdir -p "$BUILD/shlibdeps/debian"
    printf 'Source: %s\n\nPackage: %s\nArchitecture: any\n' $PACKAGE $PACKAGE >"$BUILD/shlibdeps/debian/control"
    libc=$(cd "$BUILD/shlibdeps" && dpkg-shlibdeps -O -e"$dir/usr/lib/nginx/modules/ngx_live_module.so" 2>/dev/null \
        | sed -n 's/^shlibs:Depends=//p')

    printf '%s, libnginx-mod-rtmp (>= %s), libnginx-mod-rtmp (<< %s~), %s' "$abi" "$rtmp" "$(next_release "$rtmp")" "${libc:-libc6}"
}

# 1:1.2.2 is followed by 1:1.2.3
next_release() {
    printf '%s%s' "${1%"${1##*[!0-9]}"}" $((${1##*[!0-9]} + 1))
}

# CHANGES, in the form of Debian's
debian_changelog() {
    local line version='' date=''

    while IFS= read -r line; do
        if [[ $line =~ ^Changes\ with\ ngx-live\ ([0-9.]+)\ +(.*)$ ]]; then
            [ -z "$version" ] || printf '\n -- %s  %s\n\n' "$MAINTAINER" "$date"
            version=${BASH_REMATCH[1]}
            date=$(date -u -R -d "${BASH_REMATCH[2]}")
            printf '%s (%s) unstable; urgency=medium\n\n' $PACKAGE "$version"
        elif [[ $line =~ ^\ +\*\)\ (.*)$ ]]; then
            printf '  * %s\n' "${BASH_REMATCH[1]}"
        elif [[ $line =~ ^\ +([^ ].*)$ ]]; then
            printf '    %s\n' "${BASH_REMATCH[1]}"
        fi
    done

    printf '\n -- %s  %s\n' "$MAINTAINER" "$date"
}
