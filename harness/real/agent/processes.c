/* Events of processes: switching between them, and their beginning and end. */
#define _GNU_SOURCE
#include "agent.h"
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char *switches(long count, long size)
{
    int there[2], back[2];
    const char *wrong;
    pid_t partner;
    (void)size;
    if (pipe(there))
        return failed("pipe");
    if (pipe(back)) {
        wrong = failed("pipe");
        close(there[0]), close(there[1]);
        return wrong;
    }
    partner = fork();
    if (partner == 0) {
        close(there[1]), close(back[0]);
        echo(there[0], back[1], 1);
    }
    close(there[0]), close(back[1]);
    wrong = partner < 0 ? failed("fork") : round_trips(back[0], there[1], count, 1);
    close(there[1]), close(back[0]);
    if (partner > 0)
        waitpid(partner, NULL, 0);
    return wrong;
}
EVENT("switches", switches)

static const char *processes(long count, char *const *command)
{
    began = now();
    for (long i = 0; i < count; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            if (command)
                execv(command[0], command);
            _exit(command ? 1 : 0);
        }
        if (child < 0)
            return failed("fork");
        if (waitpid(child, &status, 0) != child || status)
            return "a child process failed";
    }
    ended = now();
    return NULL;
}

static char *const agent_command[] = {"/proc/self/exe", "--exit", NULL};
static char *const shell_command[] = {"/bin/sh", "-c", "exit 0", NULL};

SHARED_EVENT(forks, processes(count, NULL))
SHARED_EVENT(execs, processes(count, agent_command))
SHARED_EVENT(shells, access("/bin/sh", X_OK) ? failed("/bin/sh") : processes(count, shell_command))

static const char *vforks(long count, long size)
{
    (void)size;
    began = now();
    for (long i = 0; i < count; i++) {
        int status = 0;
        pid_t child = vfork();
        if (child == 0)
            _exit(0);
        if (child < 0)
            return failed("vfork");
        if (waitpid(child, &status, 0) != child || status)
            return "a child process failed";
    }
    ended = now();
    return NULL;
}
EVENT("vforks", vforks)

/* Processor time of all children that were waited for, finer than the tick of /proc. */
static void children(char *rest)
{
    struct rusage used;
    (void)rest;
    getrusage(RUSAGE_CHILDREN, &used);
    printf("ok %lld\n", (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000LL
                            + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000LL);
}
VERB("children", children)
