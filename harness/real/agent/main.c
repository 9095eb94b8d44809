/* The agent: does counted work in a target and reports its time by the target's own clock.
 *
 * One request a line on standard input, one answer a line on standard output:
 *
 *     EVENT COUNT SIZE    ->  ok NANOSECONDS  |  refused REASON
 *     about               ->  ok RELEASE MACHINE CLOCKSOURCE
 *
 * An event's preparation (opening, forking a partner) is also done for COUNT 0: the difference
 * between two requests is COUNT events only. The first line of output is "ready".
 *
 * As process 1 of a guest it mounts file systems, loads the given modules and communicates over
 * the second serial line; otherwise its arguments are a directory of a tmpfs and a disk, and for
 * programs (program.c) a directory on a disk and that of their inputs.
 */
#define _GNU_SOURCE
#include "agent.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/utsname.h>
#include <time.h>

enum { LINE = 1 << 16 };

extern const struct event __start_events[], __stop_events[];
extern const struct verb __start_verbs[], __stop_verbs[];

const char *directory = "/shm", *disk = "/dev/vda";
const char *program_memory, *program_disk, *program_root, *inputs;
char *block;
int64_t began, ended;

int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

const char *failed(const char *what)
{
    static char text[160];
    snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    return text;
}

static const char *nothing(long count, long size)
{
    (void)count, (void)size;
    began = ended = now();
    return NULL;
}
EVENT("nothing", nothing)

static void about(char *rest)
{
    struct utsname names;
    char source[64] = "unknown";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");
    if (file) {
        if (fscanf(file, "%63s", source) != 1)
            strcpy(source, "unknown");
        fclose(file);
    }
    (void)rest;
    uname(&names);
    printf("ok %s %s %s\n", names.release, names.machine, source);
}
VERB("about", about)

static void answer(char *line)
{
    char *rest = line + strcspn(line, " \n"), *end;
    long count, size;
    if (*rest)
        *rest++ = '\0';
    for (const struct verb *verb = __start_verbs; verb < __stop_verbs; verb++)
        if (!strcmp(line, verb->name)) {
            verb->answer(rest);
            return;
        }
    for (const struct event *event = __start_events; event < __stop_events; event++)
        if (!strcmp(line, event->name)) {
            const char *wrong = "no such request";
            count = strtol(rest, &end, 10);
            if (end != rest && sscanf(end, "%ld", &size) == 1 && count >= 0 && size >= 0
                && size <= LARGEST)
                wrong = event->run(count, size);
            if (wrong)
                printf("refused %s\n", wrong);
            else
                printf("ok %lld\n", (long long)(ended - began));
            return;
        }
    printf("refused no event %.40s\n", line);
}

int main(int argc, char **argv)
{
    static char line[LINE];
    if (argc == 2 && !strcmp(argv[1], "--exit"))
        return 0;
    if (getpid() == 1)
        become_init();
    else if (argc == 3 || argc == 5) {
        program_memory = directory = argv[1];
        disk = argv[2];
        if (argc == 5)
            program_disk = argv[3], inputs = argv[4];
    } else
        return 2;
    if (posix_memalign((void **)&block, 4096, LARGEST))
        return 1;
    memset(block, 0x5a, LARGEST);
    setvbuf(stdout, NULL, _IOLBF, 512);
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        answer(line);
        fflush(stdout);
    }
    if (getpid() == 1)
        reboot(RB_AUTOBOOT);
    return 0;
}
