/*
 * TAP for the unit tests: each is a program.
 */

#ifndef _LIVE_TAP_H_INCLUDED_
#define _LIVE_TAP_H_INCLUDED_


#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>


static int  tap_tests;
static int  tap_failed;


#define ok(cond, ...)        tap_ok((cond) ? 1 : 0, #cond, __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...)                                                \
    tap_is_int((int64_t) (got), (int64_t) (want), #got, __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...)                                                \
    tap_is_str((got), (want), #got, __FILE__, __LINE__, __VA_ARGS__)
#define is_mem(got, ngot, want, nwant, ...)                                   \
    tap_is_mem((got), (ngot), (want), (nwant), #got, __FILE__, __LINE__, __VA_ARGS__)


static inline int
tap_line(int pass, const char *what, const char *file, int line,
    const char *format, va_list args)
{
    printf("%sok %d - ", pass ? "" : "not ", ++tap_tests);
    vprintf(format, args);
    printf("\n");

    if (!pass) {
        tap_failed++;
        printf("#   failed: %s, %s:%d\n", what, file, line);
    }

    return pass;
}


static inline int __attribute__((format(printf, 5, 6)))
tap_ok(int pass, const char *what, const char *file, int line,
    const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    pass = tap_line(pass, what, file, line, format, args);
    va_end(args);

    return pass;
}


static inline int __attribute__((format(printf, 6, 7)))
tap_is_int(int64_t got, int64_t want, const char *what, const char *file,
    int line, const char *format, ...)
{
    int      pass;
    va_list  args;

    va_start(args, format);
    pass = tap_line(got == want, what, file, line, format, args);
    va_end(args);

    if (!pass) {
        printf("#   got %" PRId64 ", want %" PRId64 "\n", got, want);
    }

    return pass;
}


static inline int __attribute__((format(printf, 6, 7)))
tap_is_str(const char *got, const char *want, const char *what,
    const char *file, int line, const char *format, ...)
{
    int      pass;
    va_list  args;

    va_start(args, format);
    pass = tap_line(strcmp(got, want) == 0, what, file, line, format, args);
    va_end(args);

    if (!pass) {
        printf("#   got \"%s\"\n#   want \"%s\"\n", got, want);
    }

    return pass;
}


static inline void
tap_hex(const char *name, const uint8_t *p, size_t n)
{
    size_t  i;

    printf("#   %s %zu bytes:", name, n);

    for (i = 0; i < n && i < 64; i++) {
        printf(" %02x", p[i]);
    }

    printf("%s\n", n > 64 ? " ..." : "");
}


static inline int __attribute__((format(printf, 8, 9)))
tap_is_mem(const void *got, size_t ngot, const void *want, size_t nwant,
    const char *what, const char *file, int line, const char *format, ...)
{
    int      pass;
    va_list  args;

    pass = ngot == nwant && (ngot == 0 || memcmp(got, want, ngot) == 0);

    va_start(args, format);
    pass = tap_line(pass, what, file, line, format, args);
    va_end(args);

    if (!pass) {
        tap_hex("got ", got, ngot);
        tap_hex("want", want, nwant);
    }

    return pass;
}


/* the program's return code */

static inline int
done_testing(void)
{
    printf("1..%d\n", tap_tests);

    return tap_failed ? 1 : 0;
}


#endif /* _LIVE_TAP_H_INCLUDED_ */
