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
        --nginx-src=*) nginx=${arg#*=} ;;
        --rtmp-src=*)  rtmp=${arg#*=} ;;
        --sanitize)    sanitize=1 ;;
        *)             die "build: unknown option $arg" ;;
        esac
    done

    check_root

    if [ -n "$nginx$rtmp" ]; then
        check_sources "$nginx" "$rtmp"
        nginx=$(realpath "$nginx")
        rtmp=$(realpath "$rtmp")
    fi

    if [ $sanitize = 1 ]; then
        live_deps build test
        exclusively build_sanitized
        return
    fi

    live_deps build web
    exclusively build_web

    if [ -n "$nginx" ]; then
        exclusively build_module other "$nginx" "$rtmp"
        say "built: $BUILD/other/ngx_live_module.so"
        say "load it behind nginx-rtmp: the one in your nginx, or $BUILD/other/objs/ngx_rtmp_module.so"
    else
        exclusively build_stock
        say "built: $BUILD/stock/ngx_live_module.so"
    fi
}

check_sources() {
    local nginx=$1 rtmp=$2

    if [ -z "$nginx" ] || [ -z "$rtmp" ]; then
        die "build: --nginx-src and --rtmp-src go together"
    fi

    [ -d "$nginx" ] || die "build: --nginx-src: no directory $nginx"
    [ -d "$rtmp" ] || die "build: --rtmp-src: no directory $rtmp"

    if [ ! -f "$nginx/configure" ] && [ ! -f "$nginx/auto/configure" ]; then
        die "build: --nginx-src: $nginx has no configure: it is not nginx's source"
    fi

    [ -f "$rtmp/ngx_rtmp.h" ] || die "build: --rtmp-src: $rtmp has no ngx_rtmp.h: it is not nginx-rtmp's source"

    case $nginx$rtmp in *[[:space:]]*) die "nginx cannot be built from a directory with a space in its name" ;; esac
}

# Debian's nginx, by its own headers and flags
build_stock() {
    local rtmp
    rtmp=$(debian_source libnginx-mod-rtmp 'nginx-rtmp-module-*')
    build_module stock /usr/share/nginx/src "$rtmp"
}

# which files there are, not what is in them: that make sees
module_files() {
    (cd "$ROOT" && find ngx_live_module config -name '*.[ch]' -o -name config | sort | md5sum)
}

# a copy of the nginx tree is configured once, then make looks at what changed
build_module() {
    local name=$1 nginx=$2 rtmp=$3 dir=$BUILD/$1 stamp

    stamp="$nginx $rtmp $(stat -c %Y "$nginx/configure" 2>/dev/null) $(module_files) $(debian_flags CFLAGS)"

    if [ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ]; then
        rm -rf "$dir"
        mkdir -p "$dir"
        cp -a "$nginx/." "$dir/"
        step "configuring nginx's headers ($name)" configure_module "$dir" "$rtmp"
        printf '%s' "$stamp" >"$dir/stamp"
    fi

    step "building ngx_live_module.so ($name)" make -C "$dir" -j"$(nproc)" -f objs/Makefile modules
    install_module "$dir/objs/ngx_live_module.so" "$dir/ngx_live_module.so"
}

# a running nginx has the file mapped: a new one takes its name, nothing is written into the old
install_module() {
    cmp -s "$1" "$2" && return 0
    cp "$1" "$2.new"
    mv -f "$2.new" "$2"
}

configure_module() {
    local dir=$1 rtmp=$2 configure=./configure args=()
    cd "$dir" || return
    export LIVE_RTMP_SRC=$rtmp

    if [ -f conf_flags ]; then
        # shellcheck source=/dev/null
        . ./conf_flags
        bash ./configure "${NGX_CONF_FLAGS[@]}" --with-cc-opt="$(debian_flags CPPFLAGS) $(debian_flags CFLAGS)" \
            --with-ld-opt="$(debian_flags LDFLAGS)" --add-dynamic-module="$ROOT"
        return
    fi

    # from a repository, not a release
    [ -f configure ] || configure=auto/configure

    configured_with args
    "$configure" "${args[@]}" --add-dynamic-module="$rtmp" --add-dynamic-module="$ROOT"
}

# what Debian compiles its own modules with: -O2, and hardened
debian_flags() {
    (cd "$ROOT" && DEB_BUILD_MAINT_OPTIONS=hardening=+bindnow dpkg-buildflags --get "$1")
}

# A tree that has been configured tells how: its nginx takes only modules that were built in the same way,
# unless both have --with-compat. Any other is taken for a release's.
configured_with() {
    local -n into=$1
    local was i

    was=$(sed -nE 's/^#define NGX_CONFIGURE "(.*)"$/\1/p' objs/ngx_auto_config.h 2>/dev/null | sed 's/\\"/"/g') || true
    eval "into=($was)"

    if [ ${#into[@]} = 0 ]; then
        into=(--with-compat --with-threads --with-http_ssl_module --with-http_v2_module --with-http_stub_status_module
              --with-http_realip_module --with-http_auth_request_module)
    fi

    for i in "${!into[@]}"; do
        case ${into[i]} in --add-dynamic-module=*|--add-module=*) unset "into[i]" ;; esac
    done
}

# nginx, nginx-rtmp and our module with the sanitizers: ASan on all, with nginx's pools
# made of single allocations so that it sees their ends; UBSan on our files
build_sanitized() {
    local nginx rtmp dir=$BUILD/sanitize stamp

    nginx=$(debian_source nginx 'nginx-[0-9]*')
    rtmp=$(debian_source libnginx-mod-rtmp 'nginx-rtmp-module-*')
    stamp="$nginx $rtmp $(module_files)"

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
    cd "$dir" || return
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
        || [ "$(newest "$web/src" "$web"/*.json "$web"/*.ts "$web/index.html" | cut -d. -f1)" -gt "$(stat -c %Y "$web/dist/index.html")" ]
    then
        step "building the web page" npm --prefix "$web" run build
    fi
}

npm_ci() {
    cd "$1" || return
    npm ci --no-audit --no-fund --ignore-scripts
}

live_clean() {
    [ -z "$(run_pid)" ] || die "nginx runs with what clean would remove: ./build.sh stop first"
    rm -rf "$BUILD" "$ROOT/web/dist" "$ROOT/web/node_modules" "$ROOT/t/browser/node_modules"
}
