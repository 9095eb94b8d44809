/* Events of memory. */
#define _GNU_SOURCE
#include "agent.h"
#include <sys/mman.h>

enum { PAGES = 256 };

static const char *faults(long count, long size)
{
    (void)size;
    began = now();
    for (long left = count; left > 0; left -= PAGES) {
        long page = sysconf(_SC_PAGESIZE), pages = left < PAGES ? left : PAGES;
        char *area = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
            return failed("mmap");
        madvise(area, PAGES * page, MADV_NOHUGEPAGE);
        for (long i = 0; i < pages; i++)
            ((volatile char *)area)[i * page] = 1;
        munmap(area, PAGES * page);
    }
    ended = now();
    return NULL;
}

EVENT("faults", faults)

static const char *mappings(long count, long size)
{
    began = now();
    for (long i = 0; i < count; i++) {
        void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
            return failed("mmap");
        munmap(area, size);
    }
    ended = now();
    return NULL;
}
EVENT("mappings", mappings)
