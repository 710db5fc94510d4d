# shellcheck shell=bash
# The module, the sanitized nginx, the web pages.

# -isystem and quoting: nginx's configure passes words on unquoted
check_root() {
    case $ROOT in *[[:space:]]*) die "nginx cannot be built below a directory with a space in its name: $ROOT" ;; esac
}

live_build() {
    local nginx='' rtmp='' sanitize=0 arg

    for arg in "$@"; do
        case $arg in
        --nginx-src=*) nginx=$(realpath "${arg#*=}") ;;
        --rtmp-src=*)  rtmp=$(realpath "${arg#*=}") ;;
        --sanitize)    sanitize=1 ;;
        *)             die "build: unknown option $arg" ;;
        esac
    done

    check_root

    if [ $sanitize = 1 ]; then
        live_deps build test
        build_sanitized
        return
    fi

    live_deps build web
    build_web

    if [ -n "$nginx$rtmp" ]; then
        [ -n "$nginx" ] && [ -n "$rtmp" ] || die "build: --nginx-src and --rtmp-src go together"
        build_module other "$nginx" "$rtmp"
        say "built: .build/other/ngx_live_module.so"
    else
        build_stock
        say "built: .build/stock/ngx_live_module.so"
    fi
}

# Debian's nginx, by its own headers and flags
build_stock() {
    local rtmp
    rtmp=$(debian_source libnginx-mod-rtmp 'nginx-rtmp-module-*')
    build_module stock /usr/share/nginx/src "$rtmp"
}

# a copy of the nginx tree is configured once, then make looks at what changed
build_module() {
    local name=$1 nginx=$2 rtmp=$3 dir=$BUILD/$1 stamp

    stamp="$nginx $rtmp $(stat -c %Y "$nginx/configure" 2>/dev/null) $(cd "$ROOT" && find ngx_live_module config -name '*.[ch]' -o -name config | sort | md5sum)"

    if [ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ]; then
        rm -rf "$dir"
        mkdir -p "$dir"
        cp -a "$nginx/." "$dir/"
        step "configuring nginx's headers ($name)" configure_module "$dir" "$rtmp"
        printf '%s' "$stamp" >"$dir/stamp"
    fi

    step "building ngx_live_module.so ($name)" make -C "$dir" -f objs/Makefile modules
    install_module "$dir/objs/ngx_live_module.so" "$dir/ngx_live_module.so"
}

# a running nginx has the file mapped: a new one takes its name, nothing is written into the old
install_module() {
    cmp -s "$1" "$2" && return 0
    cp "$1" "$2.new"
    mv -f "$2.new" "$2"
}

configure_module() {
    local dir=$1 rtmp=$2
    cd "$dir"
    export LIVE_RTMP_SRC=$rtmp

    if [ -f conf_flags ]; then
        # shellcheck source=/dev/null
        . ./conf_flags
        bash ./configure "${NGX_CONF_FLAGS[@]}" --add-dynamic-module="$ROOT"
    else
        ./configure --with-compat --with-debug --with-threads --with-http_ssl_module --with-http_v2_module \
            --with-http_stub_status_module --with-http_realip_module --with-http_auth_request_module \
            --add-dynamic-module="$rtmp" --add-dynamic-module="$ROOT"
    fi
}

# nginx, nginx-rtmp and our module with the sanitizers: ASan on all, with nginx's pools
# made of single allocations so that it sees their ends; UBSan on our files
build_sanitized() {
    local nginx rtmp dir=$BUILD/sanitize stamp

    nginx=$(debian_source nginx 'nginx-[0-9]*')
    rtmp=$(debian_source libnginx-mod-rtmp 'nginx-rtmp-module-*')
    stamp="$nginx $rtmp $(cd "$ROOT" && find ngx_live_module config -name '*.[ch]' -o -name config | sort | md5sum)"

    if [ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ]; then
        rm -rf "$dir"
        mkdir -p "$dir"
        cp -a "$nginx/." "$dir/"
        step "configuring nginx with sanitizers" configure_sanitized "$dir" "$rtmp"
        printf '%s' "$stamp" >"$dir/stamp"
    fi

    step "building nginx with sanitizers (minutes, the first time)" make -C "$dir" -j2 -f objs/Makefile
}

configure_sanitized() {
    local dir=$1 rtmp=$2
    cd "$dir"
    export LIVE_RTMP_SRC=$rtmp
    ./configure --prefix="$dir/prefix" --with-debug --with-threads --with-http_ssl_module --with-http_v2_module \
        --with-http_stub_status_module --with-http_realip_module \
        --with-cc-opt="-O1 -g -fno-omit-frame-pointer -fsanitize=address -DNGX_DEBUG_PALLOC=1 -Wno-error" \
        --with-ld-opt="-fsanitize=address,undefined" \
        --add-module="$rtmp" --add-module="$ROOT"
    # UBSan on our objects alone: nginx itself is not clean. Two tabs: the compiler's line, not the rule's
    sed -i -E '/^\t\t.*\/ngx_live_module\/[a-z]+\/[a-z_0-9]+\.c$/s/$/ -fsanitize=undefined -fno-sanitize-recover=undefined/' objs/Makefile
}

build_web() {
    local web=$ROOT/web

    [ -f "$web/package.json" ] || return 0

    if [ ! -d "$web/node_modules" ] || [ "$web/package-lock.json" -nt "$web/node_modules/.stamp" ]; then
        step "fetching the web page's packages" npm_ci "$web"
        touch "$web/node_modules/.stamp"
    fi

    if [ ! -f "$web/dist/index.html" ] \
        || [ "$(newest "$web/src" "$web/index.html" "$web/package.json" | cut -d. -f1)" -gt "$(stat -c %Y "$web/dist/index.html")" ]
    then
        step "building the web page" npm --prefix "$web" run build
    fi
}

npm_ci() {
    cd "$1"
    npm ci --no-audit --no-fund --ignore-scripts
}

live_clean() {
    rm -rf "$BUILD" "$ROOT/web/dist" "$ROOT/web/node_modules" "$ROOT/t/browser/node_modules"
}
