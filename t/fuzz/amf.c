/*
 * AMF0 values, one behind the other as in a command, and then the same bytes as one object
 * whose properties are gone through.
 */

#include "live_amf.h"

#include <stdlib.h>
#include <string.h>


#define fuzz_assert(cond)  do { if (!(cond)) { abort(); } } while (0)


typedef struct {
    const uint8_t  *p;
    const uint8_t  *last;
    size_t          found;
} fuzz_input_t;


static void
fuzz_value(const fuzz_input_t *in, const live_amf_value_t *value)
{
    uint8_t  *copy;

    if (value->type == LIVE_AMF_STRING) {
        fuzz_assert(value->data >= in->p && value->data <= in->last
                    && value->size <= (size_t) (in->last - value->data));

        /* all of it may be read */

        copy = malloc(value->size + 1);
        memcpy(copy, value->data, value->size);
        free(copy);

        return;
    }

    fuzz_assert(value->data == NULL && value->size == 0);

    if (value->type == LIVE_AMF_BOOLEAN) {
        fuzz_assert(value->number == 0 || value->number == 1);
    }
}


static void
fuzz_found(void *ctx, const uint8_t *name, size_t len,
    const live_amf_value_t *value)
{
    fuzz_input_t  *in = ctx;

    fuzz_assert(name >= in->p && len <= (size_t) (in->last - name));
    fuzz_value(in, value);
    in->found++;
}


int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    int                rc, known;
    uint8_t           *copy;
    const uint8_t     *at, *before, *again;
    fuzz_input_t       in;
    live_amf_value_t   value;

    copy = malloc(n ? n : 1);
    memcpy(copy, p, n);

    memset(&in, 0, sizeof(fuzz_input_t));
    in.p = copy;
    in.last = copy + n;

    for (at = copy; /* void */ ; ) {
        before = at;

        if (live_amf_read(&at, in.last, &value) != 0) {
            fuzz_assert(at >= before && at <= in.last);
            break;
        }

        fuzz_assert(at > before && at <= in.last);
        fuzz_value(&in, &value);

        /* what can be passed over can be gone through, to the same end */

        if (*before == LIVE_AMF_OBJECT || *before == LIVE_AMF_ARRAY) {
            again = before;
            fuzz_assert(live_amf_each(&again, in.last, fuzz_found, &in) == 0);
            fuzz_assert(again == at);
        }
    }

    at = copy;
    in.found = 0;
    rc = live_amf_each(&at, in.last, fuzz_found, &in);

    fuzz_assert(at >= copy && at <= in.last);
    fuzz_assert(in.found <= n / 3);

    known = n && (*copy == LIVE_AMF_OBJECT || *copy == LIVE_AMF_ARRAY);
    fuzz_assert(rc == 0 || rc == -1);
    fuzz_assert(known || (rc == -1 && in.found == 0));

    free(copy);

    return 0;
}
