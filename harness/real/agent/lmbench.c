/* The rest of lmbench's list: calls of several kinds, and signals. */
#define _GNU_SOURCE
#include "agent.h"
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const char *with_file(long count, int opens)
{
    char path[512];
    struct stat about;
    const char *wrong = NULL;
    int file;
    snprintf(path, sizeof path, "%s/existing", directory);
    file = open(path, O_CREAT | O_WRONLY, 0600);
    if (file < 0)
        return failed("create");
    close(file);
    began = now();
    for (long i = 0; i < count && !wrong; i++)
        if (!opens)
            wrong = stat(path, &about) ? failed("stat") : NULL;
        else if ((file = open(path, O_RDONLY)) < 0)
            wrong = failed("open");
        else
            close(file);
    ended = now();
    unlink(path);
    return wrong;
}

SHARED_EVENT(stats, with_file(count, 0))
SHARED_EVENT(opens, with_file(count, 1))

static const char *selects(long count, long size)
{
    enum { MANY = 10 };
    struct pollfd polled[MANY];
    int ends[2];
    (void)size;
    if (pipe(ends))
        return failed("pipe");
    for (int i = 0; i < MANY; i++)
        polled[i] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    began = now();
    for (long i = 0; i < count; i++)
        poll(polled, MANY, 0);
    ended = now();
    close(ends[0]), close(ends[1]);
    return NULL;
}
EVENT("selects", selects)

static void ignore(int number)
{
    (void)number;
}

static const char *signal_installs(long count, long size)
{
    struct sigaction action = {.sa_handler = ignore};
    (void)size;
    began = now();
    for (long i = 0; i < count; i++)
        sigaction(SIGUSR1, &action, NULL);
    ended = now();
    signal(SIGUSR1, SIG_DFL);
    return NULL;
}
EVENT("signal_installs", signal_installs)

static const char *signals(long count, long size)
{
    struct sigaction action = {.sa_handler = ignore};
    pid_t own = getpid();
    (void)size;
    sigaction(SIGUSR1, &action, NULL);
    began = now();
    for (long i = 0; i < count; i++)
        kill(own, SIGUSR1);
    ended = now();
    signal(SIGUSR1, SIG_DFL);
    return NULL;
}
EVENT("signals", signals)

static sigjmp_buf resume;

static void jump(int number)
{
    (void)number;
    siglongjmp(resume, 1);
}

static const char *protection_faults(long count, long size)
{
    struct sigaction action = {.sa_handler = jump, .sa_flags = SA_NODEFER};
    volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile long i = 0;
    (void)size;
    if (page == MAP_FAILED)
        return failed("mmap");
    sigaction(SIGSEGV, &action, NULL);
    began = now();
    sigsetjmp(resume, 0);
    while (i < count) {
        i++;
        *page = 1;
    }
    ended = now();
    signal(SIGSEGV, SIG_DFL);
    munmap((void *)page, 4096);
    return NULL;
}
EVENT("protection_faults", protection_faults)

static const char *synced_writes(long count, long size)
{
    const char *wrong = NULL;
    int file = open(disk, O_WRONLY);
    if (file < 0)
        return failed("the disk of the target");
    began = now();
    for (long i = 0; i < count && !wrong; i++)
        if (pwrite(file, block, size, i * size % LARGEST) != size || fdatasync(file))
            wrong = failed("write");
    ended = now();
    close(file);
    return wrong;
}
EVENT("synced_writes", synced_writes)
