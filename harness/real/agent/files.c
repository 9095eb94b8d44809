/* Events of files and of the disk. */
#define _GNU_SOURCE
#include "agent.h"
#include <fcntl.h>
#include <stdio.h>

enum { SPAN = 8 << 20 };

static const char *files(long count, long size)
{
    char path[512];
    (void)size;
    snprintf(path, sizeof path, "%s/file", directory);
    began = now();
    for (long i = 0; i < count; i++) {
        int file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (file < 0)
            return failed("create");
        close(file);
        if (unlink(path))
            return failed("unlink");
    }
    ended = now();
    return NULL;
}

EVENT("files", files)

static const char *transfers(long count, long size, int writing, int flags)
{
    const char *wrong = NULL;
    /* Cached transfers use a small area; direct ones change their place. */
    long span = flags & O_DIRECT ? SPAN : LARGEST, place = 0;
    int file = open(disk, (writing ? O_WRONLY : O_RDONLY) | flags);
    if (file < 0)
        return failed("the disk of the target");
    if (!(flags & O_DIRECT)) /* Fill the cache. */
        for (long at = 0; at < span && !wrong; at += size)
            if (pread(file, block, size, at) != size)
                wrong = failed("read");
    began = now();
    for (long i = 0; i < count && !wrong; i++) {
        ssize_t n = writing ? pwrite(file, block, size, place) : pread(file, block, size, place);
        if (n != size)
            wrong = failed(writing ? "write" : "read");
        place = (place + 7 * size) % span;
    }
    ended = now();
    close(file);
    return wrong;
}

SHARED_EVENT(cached_reads, transfers(count, size, 0, 0))
SHARED_EVENT(direct_reads, transfers(count, size, 0, O_DIRECT))
SHARED_EVENT(direct_writes, transfers(count, size, 1, O_DIRECT))
