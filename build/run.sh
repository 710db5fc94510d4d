# shellcheck shell=bash
# A server to try, all of it in one directory.

RUN=$(realpath -m -- "${LIVE_RUN_DIR:-$ROOT/run}")
BIND=${LIVE_BIND:-127.0.0.1}
HTTP_PORT=${LIVE_HTTP_PORT:-8080}
HTTPS_PORT=${LIVE_HTTPS_PORT:-8443}
RTMP_PORT=${LIVE_RTMP_PORT:-1935}
STREAM=demo

# The pid of the nginx that `run` started, or nothing. Its file may be left from one that was killed, and the
# pid somebody else's by now: nginx's title says whose configuration it has.
run_pid() {
    local pid title

    pid=$(cat "$RUN/nginx.pid" 2>/dev/null) || return 0
    case $pid in ''|*[!0-9]*) return 0 ;; esac

    title=$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) || return 0
    case "$title " in "nginx: master process "*" -c $RUN/nginx.conf "*) printf '%s' "$pid" ;; esac
}

# What is left of an nginx that was killed, or whose directory was removed: processes whose stderr is the error log
# here. Called only when none runs.
end_orphans() {
    local found pid pids=()

    # no < <(): a bare /dev has no fd
    while IFS= read -r found; do
        [ -n "$found" ] || continue
        pid=${found#/proc/}
        pid=${pid%%/*}
        case $({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) in "nginx: "*) pids+=("$pid") ;; esac
    done <<<"$(find /proc/[0-9]*/fd -maxdepth 1 -name 2 \( -lname "$RUN/error.log" -o -lname "$RUN/error.log (deleted)" \) 2>/dev/null)"

    [ ${#pids[@]} -gt 0 ] || return 0

    say "ending what is left of an earlier nginx: ${pids[*]}"
    kill -TERM "${pids[@]}" 2>/dev/null || true

    for _ in $(seq 50); do
        kill -0 "${pids[@]}" 2>/dev/null || return 0
        sleep 0.1
    done

    kill -KILL "${pids[@]}" 2>/dev/null || true
}

live_run() {
    local pid

    check_settings
    live_deps build run web
    check_root
    exclusively build_web
    exclusively build_stock

    pid=$(run_pid)

    if [ -n "$pid" ]; then
        say "already running (pid $pid)"
        say_what_differs "$pid"
        show_demo
        return
    fi

    make_run_dir
    end_orphans
    check_port "$HTTP_PORT" HTTP LIVE_HTTP_PORT
    check_port "$HTTPS_PORT" HTTPS LIVE_HTTPS_PORT
    check_port "$RTMP_PORT" RTMP LIVE_RTMP_PORT

    make_certificate
    make_key
    make_conf
    start_nginx
    write_demo
    show_demo
}

check_settings() {
    # nginx's configuration and sed's expressions hold the path as it is
    case $RUN in *[!A-Za-z0-9_./+@,=:~-]*) die "LIVE_RUN_DIR must have letters, digits and _./+@,=:~- only: $RUN" ;; esac

    perl -MSocket=inet_pton,AF_INET,AF_INET6 -e 'exit !(inet_pton(AF_INET, $ARGV[0]) || inet_pton(AF_INET6, $ARGV[0]))' -- "$BIND" \
        || die "LIVE_BIND must be an IP address, like 127.0.0.1 or ::1: it is \"$BIND\""

    check_number "$HTTP_PORT" LIVE_HTTP_PORT
    check_number "$HTTPS_PORT" LIVE_HTTPS_PORT
    check_number "$RTMP_PORT" LIVE_RTMP_PORT

    if [ "$HTTP_PORT" = "$HTTPS_PORT" ] || [ "$HTTP_PORT" = "$RTMP_PORT" ] || [ "$HTTPS_PORT" = "$RTMP_PORT" ]; then
        die "LIVE_HTTP_PORT, LIVE_HTTPS_PORT and LIVE_RTMP_PORT must differ: $HTTP_PORT, $HTTPS_PORT, $RTMP_PORT"
    fi
}

check_number() {
    case $1 in
    0*|''|*[!0-9]*|??????*) ;;
    *) [ "$1" -gt 65535 ] || return 0 ;;
    esac
    die "$2 must be a port number, 1 to 65535: it is \"$1\""
}

make_run_dir() {
    mkdir -p "$RUN/temp" 2>/dev/null || die "cannot make the directory $RUN: choose another with LIVE_RUN_DIR"

    # left by a run as root, say
    if [ ! -w "$RUN" ] || { [ -e "$RUN/nginx.conf" ] && [ ! -w "$RUN/nginx.conf" ]; }; then
        die "$RUN belongs to $(stat -c %U "$RUN"): choose another with LIVE_RUN_DIR"
    fi
}

check_port() {
    local port=$1 what=$2 variable=$3 why who

    why=$(perl -MIO::Socket::IP -MErrno -e '
        IO::Socket::IP->new(LocalHost => $ARGV[0], LocalPort => $ARGV[1], Proto => "tcp", Listen => 1, ReuseAddr => 1,
            V6Only => 1) and exit;
        print $!{EADDRNOTAVAIL} ? "address" : $!{EACCES} ? "root" : $!{EADDRINUSE} ? "taken" : $!' "$BIND" "$port")

    case $why in
    '')      return ;;
    address) die "LIVE_BIND: $BIND is no address of this machine" ;;
    root)    die "port $port ($what) needs root: choose another with $variable=PORT" ;;
    taken)   ;;
    *)       die "port $port ($what) on $BIND cannot be used: $why ($variable, LIVE_BIND)" ;;
    esac

    # who it is only its user and root can see
    who=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -nE 's/.*users:\(\("([^"]+)",pid=([0-9]+).*/\1, pid \2/p' | head -n 1)
    die "port $port ($what) on $BIND is taken${who:+ by $who}: free it, or choose another with $variable=PORT"
}

start_nginx() {
    : >"$RUN/error.log"

    if ! /usr/sbin/nginx -e "$RUN/error.log" -p "$RUN" -c "$RUN/nginx.conf" >/dev/null 2>"$RUN/start.log"; then
        cat "$RUN/start.log" "$RUN/error.log" >&2
        die "nginx did not start"
    fi

    for _ in $(seq 100); do
        if curl -fs --noproxy '*' -m 5 -o /dev/null "http://$(url_host):$HTTP_PORT/healthz"; then
            return
        fi
        sleep 0.1
    done

    tail -n 20 "$RUN/error.log" >&2
    live_stop >/dev/null
    die "nginx started, but did not answer on $BIND:$HTTP_PORT; it is stopped again"
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
    local ip=

    [ -s "$RUN/cert.pem" ] && [ -s "$RUN/cert.key" ] && return

    case $BIND in 127.0.0.1|::1|0.0.0.0|::) ;; *) ip=",IP:$BIND" ;; esac

    (
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 \
            -subj /CN=localhost -addext "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1$ip" \
            -keyout "$RUN/cert.key" -out "$RUN/cert.pem" 2>/dev/null
    ) || die "openssl could not make a certificate"
}

make_key() {
    local key

    [ -s "$RUN/keys" ] && return
    key=$(openssl rand -hex 16)

    (
        umask 077
        printf '%s %s\n' "$key" "$STREAM" >"$RUN/keys"
    )
}

# Where the store is, of this run directory alone: on a tmpfs, and short for its sockets' names. Segments of one
# stream take a few ten megabytes; containers may have no /dev/shm, or one of 64 MB.
store_path() {
    local base name
    name=$(store_name)

    for base in /dev/shm /tmp; do
        if [ -d $base ] && [ -w $base ] && [ "$(free_megabytes $base)" -ge 48 ]; then
            printf '%s/%s' "$base" "$name"
            return
        fi
    done

    die "neither /dev/shm nor /tmp has 48 MB free: streams need them"
}

store_name() {
    printf 'ngx-live-%s-%s' "$(id -u)" "$(printf '%s' "$RUN" | md5sum | cut -c1-8)"
}

free_megabytes() {
    df -Pm "$1" | awk 'NR == 2 { print $4 }'
}

# the store of the configuration that is there
store_used() {
    sed -nE 's/^live_store demo path=([^ ;]+).*/\1/p' "$RUN/nginx.conf" 2>/dev/null || true
}

make_conf() {
    local user='' web=$ROOT/web/dist listen=$BIND workers store size files

    # of a configuration that another user or another machine made
    remove_store

    store=$(store_path)
    size=$(($(free_megabytes "$(dirname "$store")") * 3 / 4))

    case $BIND in *:*) listen="[$BIND]" ;; esac

    workers=$(nproc)
    [ "$workers" -ge 2 ] || workers=2

    files=$(ulimit -Hn)
    [ "$files" != unlimited ] && [ "$files" -lt 65536 ] || files=65536

    if [ "$(id -u)" = 0 ]; then
        user="user www-data;"

        # what lies in root's home is closed to the workers: they get a copy
        if ! can_read www-data "$web/index.html"; then
            rm -rf "$store.web"
            mkdir "$store.web"
            cp -r "$web/." "$store.web/"
            chmod -R a+rX "$store.web"
            web=$store.web
        fi
    fi

    sed -e "s|@USER@|$user|; s|@WORKERS@|$workers|; s|@RUN@|$RUN|g; s|@STORE@|$store|; s|@SIZE@|${size}m|" \
        -e "s|@MODULE@|$BUILD/stock/ngx_live_module.so|; s|@WEB@|$web|; s|@LISTEN@|$listen|g" \
        -e "s|@HTTP@|$HTTP_PORT|; s|@HTTPS@|$HTTPS_PORT|; s|@RTMP@|$RTMP_PORT|; s|@FILES@|$files|" \
        "$ROOT/conf/run.conf.in" >"$RUN/nginx.conf"
}

can_read() {
    setpriv --reuid="$1" --regid="$1" --clear-groups test -r "$2" 2>/dev/null
}

# what an nginx that was killed has left; never called while one runs
remove_store() {
    local store name
    store=$(store_used)
    case $store in /dev/shm/ngx-live-*|/tmp/ngx-live-*) rm -rf "$store" "$store.web" ;; esac

    # the configuration may have gone with its directory
    name=$(store_name)
    rm -rf "/dev/shm/$name" "/dev/shm/$name.web" "/tmp/$name" "/tmp/$name.web" 2>/dev/null || true
}

demo() {
    local key host
    key=$(awk 'NR == 1 { print $1 }' "$RUN/keys")
    host=$(url_host)

    cat <<END
STREAM=$STREAM
PUBLISH_URL=rtmp://$host:$RTMP_PORT/live/$key
WATCH_URL=http://$host:$HTTP_PORT/watch/$STREAM
HLS_URL=http://$host:$HTTP_PORT/live/$STREAM/index.m3u8
HTTPS_HLS_URL=https://$host:$HTTPS_PORT/live/$STREAM/index.m3u8
END
}

# the key is in it
write_demo() {
    (
        umask 077
        demo >"$RUN/demo.env.new"
        mv -f "$RUN/demo.env.new" "$RUN/demo.env"
    )
}

# a second run starts nothing, so it must not look as if it had taken what is new
say_what_differs() {
    local pid=$1

    if grep -q 'ngx_live_module.so (deleted)' "/proc/$pid/maps" 2>/dev/null; then
        say "it runs with the module as it was before this build: ./build.sh stop, then run, takes the new one"
    fi

    if [ "$(demo 2>/dev/null)" != "$(cat "$RUN/demo.env" 2>/dev/null)" ]; then
        say "it keeps the addresses and ports it was started with: ./build.sh stop, then run, takes others"
    fi
}

show_demo() {
    local with=''

    [ -r "$RUN/demo.env" ] || die "cannot read $RUN/demo.env, where the addresses are: $RUN belongs to $(stat -c %U "$RUN")"
    [ -z "${LIVE_RUN_DIR:-}" ] || with="LIVE_RUN_DIR=$RUN "

    # shellcheck source=/dev/null
    . "$RUN/demo.env"
    cat <<END

  publish   $PUBLISH_URL
            (OBS: server ${PUBLISH_URL%/*}, stream key ${PUBLISH_URL##*/}; or $with./build.sh publish)
  watch     $WATCH_URL
  HLS       $HLS_URL
            $HTTPS_HLS_URL
  logs      $RUN/error.log
  stop      $with./build.sh stop

END
}

live_stop() {
    local pid
    pid=$(run_pid)

    if [ -z "$pid" ]; then
        end_orphans
        remove_store
        say "not running"
        return
    fi

    kill -TERM "$pid" 2>/dev/null || die "nginx (pid $pid) was started by $(stat -c %U "/proc/$pid"): stop it as that user"

    for _ in $(seq 150); do
        if [ -z "$(run_pid)" ]; then
            remove_store
            say "stopped"
            return
        fi
        sleep 0.1
    done

    die "nginx (pid $pid) does not stop; see $RUN/error.log"
}

live_publish() {
    local input=() codecs=() clock font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf

    [ $# -le 1 ] || die "publish: one file, or none"
    [ -n "$(run_pid)" ] || die "nothing is running in $RUN: ./build.sh run first"
    [ -r "$RUN/demo.env" ] || die "cannot read $RUN/demo.env"
    live_deps run

    # shellcheck source=/dev/null
    . "$RUN/demo.env"

    if [ $# = 1 ]; then
        if [ ! -f "$1" ] || [ ! -r "$1" ]; then
            die "publish: cannot read the file $1"
        fi

        # V: not the cover of a piece of music; even sizes are what 4:2:0 has
        input=(-re -stream_loop -1 -i "file:$1" -map '0:V:0?' -map '0:a:0?' -vf 'crop=trunc(iw/2)*2:trunc(ih/2)*2')
    else
        clock="drawtext=fontfile=$font:text='%{gmtime\:%H\\\\\:%M\\\\\:%S} UTC':fontsize=64:fontcolor=white"
        clock="$clock:box=1:boxcolor=black@0.6:boxborderw=16:x=(w-tw)/2:y=h-th-48"
        input=(-re -f lavfi -i "testsrc2=size=1280x720:rate=30,$clock"
               -re -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=48000")
    fi

    codecs=(-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -b:v 2500k -maxrate 2500k -bufsize 2500k
            -force_key_frames 'expr:gte(t,n_forced*2)' -sc_threshold 0 -c:a aac -b:a 128k -ac 2 -ar 48000)

    say "publishing to $STREAM; watch at $WATCH_URL; Ctrl-C stops"

    exec ffmpeg -hide_banner -loglevel warning -nostdin "${input[@]}" "${codecs[@]}" -flvflags no_duration_filesize -f flv "$PUBLISH_URL"
}
