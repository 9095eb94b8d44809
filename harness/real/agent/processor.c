/* Events of the processor, and calls of the kernel that do next to nothing. */
#define _GNU_SOURCE
#include "agent.h"
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>

static volatile uint64_t sink;

static const char *compute(long count, long size)
{
    uint64_t x = 88172645463325252ULL + sink;
    (void)size;
    began = now();
    for (long i = 0; i < count; i++)
        for (int j = 0; j < 1000; j++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
        }
    ended = now();
    sink = x & 1;
    return NULL;
}
EVENT("compute", compute)

static const char *calls(long count, long size)
{
    (void)size;
    began = now();
    for (long i = 0; i < count; i++)
        syscall(SYS_getppid);
    ended = now();
    return NULL;
}
EVENT("calls", calls)

static const char *io_calls(long count, long size)
{
    char byte;
    const char *wrong = NULL;
    int zero = open("/dev/zero", O_RDONLY);
    (void)size;
    if (zero < 0)
        return failed("/dev/zero");
    began = now();
    for (long i = 0; i < count && !wrong; i++)
        if (read(zero, &byte, 1) != 1)
            wrong = failed("read");
    ended = now();
    close(zero);
    return wrong;
}
EVENT("io_calls", io_calls)
