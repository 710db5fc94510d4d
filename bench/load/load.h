/*
 * The load generator: publishers, plain fetchers and low-latency viewers, one
 * process each, driven by bench/live.
 *
 * Times are nanoseconds of CLOCK_REALTIME: the kernel stamps arriving bytes with
 * it, and so a generator that is late itself does not make the server look slow.
 */

#ifndef _LOAD_H_INCLUDED_
#define _LOAD_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define LOAD_PIDS     8
#define LOAD_MS       1000000ll           /* in ns */
#define LOAD_S        1000000000ll


typedef struct {
    int           port;
    int           count;                  /* streams, connections or viewers */
    int           streams;
    double        warm;                   /* seconds before the measurement */
    double        seconds;                /* of the measurement */
    int           cpu;                    /* to run on, -1: any */
    int           pids[LOAD_PIDS];        /* whose CPU time is measured */
    int           npids;
    const char   *media;                  /* FLV */
    const char   *urls;                   /* file, a path a line */
    const char   *name;                   /* of streams: name0, name1 ... */
    const char   *log;                    /* a line a frame or part */
} load_options_t;


/* ends the process with a message; with errno's text behind it */

_Noreturn void load_die(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

void *load_alloc(size_t size);
char *load_read_file(const char *path, size_t *size);

int64_t load_now(void);

/* sleeps until a time, or returns at once if it is over */

void load_sleep_until(int64_t when);

/* 1 once SIGTERM or SIGINT came */

int load_stopped(void);

/* CPU time that a process has used, ns; 0: this one */

int64_t load_cpu(int pid);
int64_t load_cpu_all(const load_options_t *options);

/* a connection to 127.0.0.1, non-blocking, arrivals stamped; rcvbuf 0: default */

int load_connect(int port, int rcvbuf);

/* raises the limit of descriptors; ends the process if it cannot be so high */

void load_need_files(int n);

/*
 * Receives like recv(), and stores when the last of these bytes arrived at the
 * socket.  discard: bytes are counted, not copied.  -1 with EAGAIN: nothing there;
 * other failures, and the end of the connection, end the process.
 */

long load_receive(int fd, void *buf, size_t size, int discard, int64_t *when);


/* the header of an HTTP response */

typedef struct {
    size_t    head;                       /* its length, 0: not complete */
    int       status;
    int64_t   length;                     /* of the body */
    int       worker;                     /* X-Worker, 0: none */
} load_response_t;

void load_parse_response(const char *buf, size_t n, load_response_t *response);


/* a fragment: decode time and duration in the track's timescale */

typedef struct {
    uint64_t  start;
    uint64_t  duration;
    uint32_t  samples;
} load_fragment_t;

/* 0: it is one; -1: not, or not all of its moof is there */

int load_parse_fragment(const uint8_t *p, size_t n, load_fragment_t *fragment);


/* the verbs */

void load_publish(const load_options_t *options);
void load_fetch(const load_options_t *options);
void load_viewers(const load_options_t *options);


#endif /* _LOAD_H_INCLUDED_ */
