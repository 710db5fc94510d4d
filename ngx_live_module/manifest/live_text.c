#include "live_manifest_internal.h"

#include <string.h>


void
live_text_add(live_text_t *text, const char *s, size_t n)
{
    if ((size_t) (text->last - text->p) < n) {
        text->full = 1;
        return;
    }

    memcpy(text->p, s, n);
    text->p += n;
}


void
live_text_str(live_text_t *text, const char *s)
{
    live_text_add(text, s, strlen(s));
}


static void
live_text_digits(live_text_t *text, uint64_t n, int least)
{
    int   i;
    char  buf[24];

    i = sizeof(buf);

    do {
        buf[--i] = (char) ('0' + n % 10);
        n /= 10;
        least--;
    } while (n || least > 0);

    live_text_add(text, buf + i, sizeof(buf) - (size_t) i);
}


void
live_text_number(live_text_t *text, uint64_t n)
{
    live_text_digits(text, n, 1);
}


void
live_text_seconds(live_text_t *text, uint64_t us, int digits)
{
    int       i;
    uint64_t  fraction;

    live_text_digits(text, us / 1000000, 1);

    fraction = us % 1000000;

    for (i = digits; i < 6; i++) {
        fraction /= 10;
    }

    live_text_lit(text, ".");
    live_text_digits(text, fraction, digits);
}


/* days since 1970 to a date of the Gregorian calendar */

static void
live_text_day(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint64_t  era, doe, yoe, doy, mp;

    /* years that begin in March put the leap day at their end */

    days += 719468;
    era = days / 146097;
    doe = days % 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;

    *day = (unsigned) (doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned) (mp < 10 ? mp + 3 : mp - 9);
    *year = (unsigned) (yoe + era * 400 + (*month <= 2));
}


void
live_text_date(live_text_t *text, int64_t us)
{
    uint64_t  ms, s;
    unsigned  year, month, day;

    ms = us > 0 ? (uint64_t) us / 1000 : 0;
    s = ms / 1000;

    live_text_day(s / 86400, &year, &month, &day);
    s %= 86400;

    live_text_digits(text, year, 4);
    live_text_lit(text, "-");
    live_text_digits(text, month, 2);
    live_text_lit(text, "-");
    live_text_digits(text, day, 2);
    live_text_lit(text, "T");
    live_text_digits(text, s / 3600, 2);
    live_text_lit(text, ":");
    live_text_digits(text, s / 60 % 60, 2);
    live_text_lit(text, ":");
    live_text_digits(text, s % 60, 2);
    live_text_lit(text, ".");
    live_text_digits(text, ms % 1000, 3);
    live_text_lit(text, "Z");
}
