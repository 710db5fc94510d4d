/*
 * load publish|fetch|viewers --option=value ...: figures on stdout, as name=value.
 */

#define _GNU_SOURCE

#include "load.h"

#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static void load_pin(int cpu);
static void load_parse_pids(load_options_t *options, const char *list);
static void load_parse_options(load_options_t *options, int argc, char **argv);


static const struct {
    const char   *name;
    void        (*run)(const load_options_t *options);
} load_verbs[] = {
    { "publish", load_publish },
    { "fetch",   load_fetch   },
    { "viewers", load_viewers }
};


static void
load_pin(int cpu)
{
    cpu_set_t  set;

    if (cpu < 0) {
        return;
    }

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);

    if (sched_setaffinity(0, sizeof(set), &set) == -1) {
        load_die("cannot run on CPU %d", cpu);
    }
}


static void
load_parse_pids(load_options_t *options, const char *list)
{
    char  *end;

    while (*list && options->npids < LOAD_PIDS) {
        options->pids[options->npids++] = (int) strtol(list, &end, 10);
        list = *end == ',' ? end + 1 : end;
    }
}


static void
load_parse_options(load_options_t *options, int argc, char **argv)
{
    int  option;

    static const struct option  known[] = {
        { "port",    required_argument, NULL, 'p' },
        { "count",   required_argument, NULL, 'n' },
        { "streams", required_argument, NULL, 's' },
        { "warm",    required_argument, NULL, 'w' },
        { "seconds", required_argument, NULL, 't' },
        { "cpu",     required_argument, NULL, 'c' },
        { "pids",    required_argument, NULL, 'i' },
        { "media",   required_argument, NULL, 'm' },
        { "urls",    required_argument, NULL, 'u' },
        { "name",    required_argument, NULL, 'a' },
        { "log",     required_argument, NULL, 'l' },
        { NULL, 0, NULL, 0 }
    };

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {

        switch (option) {
        case 'p': options->port = atoi(optarg); break;
        case 'n': options->count = atoi(optarg); break;
        case 's': options->streams = atoi(optarg); break;
        case 'w': options->warm = atof(optarg); break;
        case 't': options->seconds = atof(optarg); break;
        case 'c': options->cpu = atoi(optarg); break;
        case 'i': load_parse_pids(options, optarg); break;
        case 'm': options->media = optarg; break;
        case 'u': options->urls = optarg; break;
        case 'a': options->name = optarg; break;
        case 'l': options->log = optarg; break;
        default: exit(2);
        }
    }
}


int
main(int argc, char **argv)
{
    size_t          i;
    load_options_t  options;

    memset(&options, 0, sizeof(load_options_t));
    options.count = 1;
    options.streams = 1;
    options.seconds = 1;
    options.cpu = -1;
    options.name = "s";

    signal(SIGPIPE, SIG_IGN);

    for (i = 0; argc > 1 && i < sizeof(load_verbs) / sizeof(load_verbs[0]); i++)
    {
        if (strcmp(argv[1], load_verbs[i].name) == 0) {
            load_parse_options(&options, argc - 1, argv + 1);
            load_pin(options.cpu);
            load_verbs[i].run(&options);
            return 0;
        }
    }

    load_die("what? publish, fetch or viewers");
}
