/*
 * What the verbs share.
 */

#define _GNU_SOURCE

#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>


static volatile sig_atomic_t  load_signal;


static void load_signal_handler(int signo);
static const char *load_header(const char *head, const char *name);
static const uint8_t *load_box(const uint8_t *p, const uint8_t *last,
    const char *type, const uint8_t **end);
static uint32_t load_32(const uint8_t *p);
static uint32_t load_default_duration(const uint8_t *tfhd);
static uint64_t load_trun(const uint8_t *p, const uint8_t *last,
    uint32_t duration, uint32_t *samples);


void
load_die(const char *format, ...)
{
    int      err = errno;
    va_list  args;

    fflush(stdout);
    fprintf(stderr, "load: ");

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    fprintf(stderr, err ? ": %s\n" : "\n", strerror(err));
    exit(1);
}


void *
load_alloc(size_t size)
{
    void  *p = calloc(1, size);

    if (p == NULL) {
        load_die("no memory for %zu bytes", size);
    }

    return p;
}


char *
load_read_file(const char *path, size_t *size)
{
    int          fd;
    char        *p;
    struct stat  st;

    fd = open(path, O_RDONLY|O_CLOEXEC);

    if (fd == -1 || fstat(fd, &st) == -1) {
        load_die("%s", path);
    }

    p = load_alloc((size_t) st.st_size + 1);

    if (read(fd, p, (size_t) st.st_size) != st.st_size) {
        load_die("%s cannot be read", path);
    }

    close(fd);
    *size = (size_t) st.st_size;

    return p;
}


int64_t
load_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_REALTIME, &ts);

    return ts.tv_sec * LOAD_S + ts.tv_nsec;
}


void
load_sleep_until(int64_t when)
{
    struct timespec  ts;

    ts.tv_sec = when / LOAD_S;
    ts.tv_nsec = when % LOAD_S;

    (void) clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL);
}


static void
load_signal_handler(int signo)
{
    load_signal = signo;
}


int
load_stopped(void)
{
    static int        ready;
    struct sigaction  sa;

    if (!ready) {
        ready = 1;
        memset(&sa, 0, sizeof(sa));
        sa.sa_handler = load_signal_handler;
        sigaction(SIGTERM, &sa, NULL);
        sigaction(SIGINT, &sa, NULL);
    }

    return load_signal != 0;
}


/* schedstat counts in ns where stat has ticks of 10 ms */

int64_t
load_cpu(int pid)
{
    char     path[64];
    FILE    *f;
    int64_t  ns;

    if (pid) {
        snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);

    } else {
        snprintf(path, sizeof(path), "/proc/self/schedstat");
    }

    f = fopen(path, "r");

    if (f == NULL || fscanf(f, "%ld", &ns) != 1) {
        load_die("%s: has the worker died?", path);
    }

    fclose(f);

    return ns;
}


int64_t
load_cpu_all(const load_options_t *options)
{
    int      i;
    int64_t  ns;

    for (ns = 0, i = 0; i < options->npids; i++) {
        ns += load_cpu(options->pids[i]);
    }

    return ns;
}


int
load_connect(int port, int rcvbuf)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, 0);

    if (fd == -1) {
        load_die("socket");
    }

    if (rcvbuf) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
    }

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        load_die("connect to port %d", port);
    }

    on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));

    if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
        load_die("fcntl");
    }

    return fd;
}


void
load_need_files(int n)
{
    struct rlimit  limit;

    n += 32;
    getrlimit(RLIMIT_NOFILE, &limit);

    if (limit.rlim_cur >= (rlim_t) n) {
        return;
    }

    if (limit.rlim_max < (rlim_t) n) {
        errno = 0;
        load_die("needs %d descriptors, the hard limit is %lu: ulimit -Hn", n,
                 (unsigned long) limit.rlim_max);
    }

    limit.rlim_cur = limit.rlim_max;

    if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
        load_die("setrlimit");
    }
}


long
load_receive(int fd, void *buf, size_t size, int discard, int64_t *when)
{
    char              control[CMSG_SPACE(sizeof(struct timespec))];
    ssize_t           n;
    struct iovec      iov;
    struct msghdr     msg;
    struct cmsghdr   *c;
    struct timespec   ts;

    iov.iov_base = buf;
    iov.iov_len = size;

    memset(&msg, 0, sizeof(msg));
    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    msg.msg_control = control;
    msg.msg_controllen = sizeof(control);

    n = recvmsg(fd, &msg, discard ? MSG_TRUNC : 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        errno = EAGAIN;
        return -1;
    }

    if (n == 0) {
        errno = 0;
    }

    if (n <= 0) {
        load_die("the server closed a connection");
    }

    c = CMSG_FIRSTHDR(&msg);

    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
        memcpy(&ts, CMSG_DATA(c), sizeof(ts));
        *when = ts.tv_sec * LOAD_S + ts.tv_nsec;

    } else {
        *when = load_now();
    }

    return n;
}


/* a header's value; head ends with a zero */

static const char *
load_header(const char *head, const char *name)
{
    const char  *p;

    p = strcasestr(head, name);

    return p ? p + strlen(name) : NULL;
}


void
load_parse_response(const char *buf, size_t n, load_response_t *response)
{
    char         head[2048];
    size_t       len;
    const char  *end, *value;

    response->head = 0;

    end = memmem(buf, n, "\r\n\r\n", 4);

    if (end == NULL) {
        return;
    }

    len = (size_t) (end - buf);

    if (len >= sizeof(head) || sscanf(buf, "HTTP/1.1 %d", &response->status) != 1)
    {
        errno = 0;
        load_die("not an answer: %.*s", (int) (n < 80 ? n : 80), buf);
    }

    memcpy(head, buf, len);
    head[len] = '\0';

    value = load_header(head, "\r\nContent-Length: ");

    if (value == NULL) {
        errno = 0;
        load_die("an answer without Content-Length: %s", head);
    }

    response->length = atoll(value);

    value = load_header(head, "\r\nX-Worker: ");
    response->worker = value ? atoi(value) : 0;
    response->head = len + 4;
}


static uint32_t
load_32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


/* the body of the first box of a type; NULL: not there or not whole */

static const uint8_t *
load_box(const uint8_t *p, const uint8_t *last, const char *type,
    const uint8_t **end)
{
    uint32_t  size;

    for ( /* void */ ; last - p >= 8; p += size) {

        size = load_32(p);

        if (size < 8 || size > (size_t) (last - p)) {
            return NULL;
        }

        if (memcmp(p + 4, type, 4) == 0) {
            *end = p + size;
            return p + 8;
        }
    }

    return NULL;
}


/* ISO/IEC 14496-12, 8.8.7: optional fields in the order of their flags */

static uint32_t
load_default_duration(const uint8_t *tfhd)
{
    uint32_t        flags;
    const uint8_t  *p;

    flags = load_32(tfhd) & 0xffffff;
    p = tfhd + 8;
    p += flags & 0x01 ? 8 : 0;
    p += flags & 0x02 ? 4 : 0;

    return flags & 0x08 ? load_32(p) : 0;
}


/* 8.8.8: the sum of the samples' durations */

static uint64_t
load_trun(const uint8_t *p, const uint8_t *last, uint32_t duration,
    uint32_t *samples)
{
    size_t    step;
    uint32_t  flags, i;
    uint64_t  sum;

    flags = load_32(p) & 0xffffff;
    *samples = load_32(p + 4);

    p += 8;
    p += flags & 0x01 ? 4 : 0;
    p += flags & 0x04 ? 4 : 0;

    if (!(flags & 0x100)) {
        return (uint64_t) duration * *samples;
    }

    step = 4;
    step += flags & 0x200 ? 4 : 0;
    step += flags & 0x400 ? 4 : 0;
    step += flags & 0x800 ? 4 : 0;

    for (sum = 0, i = 0; i < *samples && last - p >= 4; i++, p += step) {
        sum += load_32(p);
    }

    return sum;
}


int
load_parse_fragment(const uint8_t *p, size_t n, load_fragment_t *fragment)
{
    const uint8_t  *moof, *traf, *box, *end, *moof_end, *traf_end;
    uint32_t        duration;

    /* moof may stand behind styp, and what follows it need not be there */

    moof = load_box(p, p + n, "moof", &moof_end);
    if (moof == NULL) {
        return -1;
    }

    traf = load_box(moof, moof_end, "traf", &traf_end);
    if (traf == NULL) {
        return -1;
    }

    box = load_box(traf, traf_end, "tfhd", &end);
    if (box == NULL) {
        return -1;
    }

    duration = load_default_duration(box);

    box = load_box(traf, traf_end, "tfdt", &end);
    if (box == NULL) {
        return -1;
    }

    fragment->start = load_32(box + 4);

    if (box[0] == 1) {
        fragment->start = fragment->start << 32 | load_32(box + 8);
    }

    box = load_box(traf, traf_end, "trun", &end);
    if (box == NULL) {
        return -1;
    }

    fragment->duration = load_trun(box, end, duration, &fragment->samples);

    return 0;
}
