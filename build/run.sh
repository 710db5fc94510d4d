# shellcheck shell=bash
# A server to try, all of it in one directory.

RUN=${LIVE_RUN_DIR:-$ROOT/run}
BIND=${LIVE_BIND:-127.0.0.1}
HTTP_PORT=${LIVE_HTTP_PORT:-8080}
HTTPS_PORT=${LIVE_HTTPS_PORT:-8443}
RTMP_PORT=${LIVE_RTMP_PORT:-1935}
STREAM=demo

# the pid of the nginx that `run` started, or nothing
run_pid() {
    local pid
    pid=$(cat "$RUN/nginx.pid" 2>/dev/null) || return 0
    [ -n "$pid" ] || return 0

    # a pid may have been given to somebody else by now
    if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$RUN/nginx.conf"; then
        printf '%s' "$pid"
    fi
}

check_port() {
    local port=$1 what=$2 variable=$3 who

    case $port in ''|*[!0-9]*) die "$variable must be a port number, it is \"$port\"" ;; esac

    perl -MIO::Socket::IP -e 'exit(IO::Socket::IP->new(LocalHost => $ARGV[0], LocalPort => $ARGV[1],
        Proto => "tcp", Listen => 1, ReuseAddr => 1) ? 0 : 1)' "$BIND" "$port" && return

    if [ "$port" -lt 1024 ] && [ "$(id -u)" != 0 ]; then
        die "port $port ($what) needs root: choose another with $variable"
    fi

    who=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -nE 's/.*users:\(\("([^"]+)",pid=([0-9]+).*/\1, pid \2/p' | head -n 1)
    die "port $port ($what) on $BIND is taken${who:+ by $who}: free it, or choose another with $variable=PORT"
}

live_run() {
    local pid host

    live_deps build run web
    check_root
    build_web
    build_stock

    mkdir -p "$RUN"
    RUN=$(cd "$RUN" && pwd)
    case $RUN in *[[:space:]\;\"\'{}]*) die "LIVE_RUN_DIR must have no spaces or quotes: $RUN" ;; esac

    pid=$(run_pid)

    if [ -n "$pid" ]; then
        say "already running (pid $pid); ./build.sh stop ends it"
        show_demo
        return
    fi

    check_port "$HTTP_PORT" HTTP LIVE_HTTP_PORT
    check_port "$HTTPS_PORT" HTTPS LIVE_HTTPS_PORT
    check_port "$RTMP_PORT" RTMP LIVE_RTMP_PORT

    make_certificate
    make_key
    make_conf

    : >"$RUN/error.log"

    if ! /usr/sbin/nginx -e "$RUN/error.log" -p "$RUN" -c "$RUN/nginx.conf" 2>"$RUN/start.log"; then
        cat "$RUN/start.log" "$RUN/error.log" >&2
        die "nginx did not start"
    fi

    for _ in $(seq 50); do
        if curl -fs -o /dev/null "http://$(url_host):$HTTP_PORT/healthz"; then
            write_demo
            show_demo
            return
        fi
        sleep 0.1
    done

    tail -n 20 "$RUN/error.log" >&2
    die "nginx started, but does not answer on $BIND:$HTTP_PORT"
}

url_host() {
    case $BIND in
    0.0.0.0) printf 127.0.0.1 ;;
    ::)      printf '[::1]' ;;
    *:*)     printf '[%s]' "$BIND" ;;
    *)       printf '%s' "$BIND" ;;
    esac
}

make_certificate() {
    [ -s "$RUN/cert.pem" ] && [ -s "$RUN/cert.key" ] && return

    (
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 \
            -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1' \
            -keyout "$RUN/cert.key" -out "$RUN/cert.pem" 2>/dev/null
    ) || die "openssl could not make a certificate"
}

make_key() {
    [ -s "$RUN/keys" ] && return

    (
        umask 077
        printf '%s %s\n' "$(openssl rand -hex 16)" "$STREAM" >"$RUN/keys"
    )
}

# where the store is: short, for its sockets' names, and of this run directory alone
store_path() {
    printf '/dev/shm/ngx-live-%s-%s' "$(id -u)" "$(printf '%s' "$RUN" | md5sum | cut -c1-8)"
}

make_conf() {
    local user='' web=$ROOT/web/dist listen=$BIND workers store
    store=$(store_path)

    case $BIND in *:*) listen="[$BIND]" ;; esac

    workers=$(nproc)
    [ "$workers" -lt 2 ] && workers=2

    if [ "$(id -u)" = 0 ]; then
        user="user www-data;"

        # root's home is closed to the workers: they get a copy
        if ! su -s /bin/sh www-data -c "test -r '$web/index.html'" 2>/dev/null; then
            rm -rf "$store.web"
            cp -r "$web" "$store.web"
            chmod -R a+rX "$store.web"
            web=$store.web
        fi
    fi

    mkdir -p "$RUN/temp"

    sed -e "s|@USER@|$user|; s|@WORKERS@|$workers|; s|@RUN@|$RUN|g; s|@STORE@|$store|" \
        -e "s|@MODULE@|$BUILD/stock/ngx_live_module.so|; s|@WEB@|$web|; s|@LISTEN@|$listen|g" \
        -e "s|@HTTP@|$HTTP_PORT|; s|@HTTPS@|$HTTPS_PORT|; s|@RTMP@|$RTMP_PORT|" \
        -e "s|@FILES@|$(ulimit -Hn | sed 's/unlimited/65536/')|" \
        "$ROOT/conf/run.conf.in" >"$RUN/nginx.conf"
}

write_demo() {
    local key host
    key=$(awk 'NR == 1 { print $1 }' "$RUN/keys")
    host=$(url_host)

    (
        umask 077
        cat >"$RUN/demo.env" <<END
STREAM=$STREAM
PUBLISH_URL=rtmp://$host:$RTMP_PORT/live/$key
WATCH_URL=http://$host:$HTTP_PORT/watch/$STREAM
HLS_URL=http://$host:$HTTP_PORT/live/$STREAM/index.m3u8
HTTPS_HLS_URL=https://$host:$HTTPS_PORT/live/$STREAM/index.m3u8
END
    )
}

show_demo() {
    # shellcheck source=/dev/null
    . "$RUN/demo.env"
    cat <<END

  publish   $PUBLISH_URL
            (OBS: server ${PUBLISH_URL%/*}, stream key ${PUBLISH_URL##*/}; or ./build.sh publish)
  watch     $WATCH_URL
  HLS       $HLS_URL
            $HTTPS_HLS_URL
  logs      $RUN/error.log
  stop      ./build.sh stop

END
}

live_stop() {
    local pid
    pid=$(run_pid)

    if [ -z "$pid" ]; then
        say "not running"
        return
    fi

    kill -TERM "$pid"

    for _ in $(seq 100); do
        if [ -z "$(run_pid)" ]; then
            rm -rf "$(store_path).web"
            say "stopped"
            return
        fi
        sleep 0.1
    done

    die "nginx (pid $pid) does not stop; see $RUN/error.log"
}

live_publish() {
    local input=()

    [ -f "$RUN/demo.env" ] || die "nothing is running here: ./build.sh run first"
    live_deps run

    # shellcheck source=/dev/null
    . "$RUN/demo.env"

    if [ $# -gt 0 ]; then
        [ -r "$1" ] || die "cannot read $1"
        input=(-re -stream_loop -1 -i "$1")
    else
        input=(-re -f lavfi -i "testsrc2=size=1280x720:rate=30,drawtext=fontfile=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf:text='%{gmtime\:%H\\\\\:%M\\\\\:%S} UTC':fontsize=64:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=16:x=(w-tw)/2:y=h-th-48"
               -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=48000")
    fi

    say "publishing to $STREAM; watch at $WATCH_URL; Ctrl-C stops"

    exec ffmpeg -hide_banner -loglevel warning -nostdin "${input[@]}" \
        -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -b:v 2500k -maxrate 2500k -bufsize 2500k \
        -force_key_frames 'expr:gte(t,n_forced*2)' -sc_threshold 0 \
        -c:a aac -b:a 128k -ac 2 -ar 48000 -f flv "$PUBLISH_URL"
}
