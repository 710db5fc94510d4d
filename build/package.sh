# shellcheck shell=bash
# A Debian package of the module.

live_package() {
    local dir=$BUILD/deb version abi arch deb

    live_deps build
    check_root
    build_stock

    version=$(sed -nE 's/^Changes with ngx-live ([0-9.]+).*/\1/p' "$ROOT/CHANGES" | head -n 1)
    [ -n "$version" ] || die "CHANGES names no version"

    # the module fits one build of nginx: its package says which
    abi=$(dpkg-query -W -f='${Provides}' nginx | tr ',' '\n' | sed -nE 's/^ *(nginx-abi-[^ ]+).*/\1/p' | head -n 1)
    [ -n "$abi" ] || abi=$(dpkg-query -W -f='${Provides}' nginx-common | tr ',' '\n' | sed -nE 's/^ *(nginx-abi-[^ ]+).*/\1/p' | head -n 1)
    [ -n "$abi" ] || die "Debian's nginx names no nginx-abi"

    arch=$(dpkg --print-architecture)
    deb=$BUILD/libnginx-mod-live_${version}_$arch.deb

    rm -rf "$dir"
    install -D -m 644 "$BUILD/stock/ngx_live_module.so" "$dir/usr/lib/nginx/modules/ngx_live_module.so"
    strip --strip-unneeded "$dir/usr/lib/nginx/modules/ngx_live_module.so"
    install -D -m 644 "$ROOT/packaging/mod-live.conf" "$dir/usr/share/nginx/modules-available/mod-live.conf"
    install -D -m 644 "$ROOT/LICENSE" "$dir/usr/share/doc/libnginx-mod-live/copyright"
    install -D -m 644 "$ROOT/conf/live.conf" "$dir/usr/share/doc/libnginx-mod-live/examples/live.conf"
    install -d "$dir/DEBIAN"

    sed -e "s/@VERSION@/$version/; s/@ARCH@/$arch/; s/@ABI@/$abi/" \
        -e "s/@SIZE@/$(du -sk "$dir/usr" | cut -f1)/" "$ROOT/packaging/control.in" >"$dir/DEBIAN/control"

    for script in postinst prerm postrm; do
        install -m 755 "$ROOT/packaging/$script" "$dir/DEBIAN/$script"
    done

    step "making $(basename "$deb")" dpkg-deb --root-owner-group --build "$dir" "$deb"
    say "install it with: apt install $deb"
}
