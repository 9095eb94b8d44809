/* Kinds of computing besides the integer loop: programs are mixtures of them. */
#define _GNU_SOURCE
#include "agent.h"
#include <string.h>
#include <sys/mman.h>

static volatile uint64_t sink;

/* Memory that is already populated, and that forks do not copy. */
static void *memory(long size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    void *area = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (area == MAP_FAILED)
        return NULL;
    madvise(area, size, MADV_DONTFORK);
    return area;
}

/* 1024 functions, called in an unpredictable order, each with an unpredictable branch. Those of one
 * set are close together; each of the other set has pages of its own, at different offsets. */
#define FUNCTION(name, n, apart)                                       \
    static uint64_t __attribute__((noinline)) name##_##n(uint64_t x)   \
    {                                                                  \
        if (x & (1ULL << (0x##n % 53)))                                \
            x = x * 6364136223846793005ULL + 0x##n;                    \
        else                                                           \
            x = (x ^ x >> (0x##n % 29 + 3)) * 2862933555777941757ULL;  \
        if (apart && x == 0x##n)                                       \
            __asm__ volatile(".skip %c0" ::"i"(4000 + 0x##n % 61 * 16)); \
        return x + (x >> 32);                                          \
    }
#define CLOSE(n) FUNCTION(close, n, 0)
#define APART(n) FUNCTION(apart, n, 1)
#define TIMES_4(do, n) do(n##0) do(n##1) do(n##2) do(n##3)
#define TIMES_16(do, n) \
    TIMES_4(do, n##0) TIMES_4(do, n##1) TIMES_4(do, n##2) TIMES_4(do, n##3)
#define TIMES_64(do, n) \
    TIMES_16(do, n##0) TIMES_16(do, n##1) TIMES_16(do, n##2) TIMES_16(do, n##3)
#define TIMES_256(do, n) \
    TIMES_64(do, n##0) TIMES_64(do, n##1) TIMES_64(do, n##2) TIMES_64(do, n##3)
#define TIMES_1024(do) TIMES_256(do, 0) TIMES_256(do, 1) TIMES_256(do, 2) TIMES_256(do, 3)
TIMES_1024(CLOSE)
TIMES_1024(APART)
#define NAME_CLOSE(n) close_##n,
#define NAME_APART(n) apart_##n,
typedef uint64_t function(uint64_t);
static function *const functions_close[] = {TIMES_1024(NAME_CLOSE)};
static function *const functions_apart[] = {TIMES_1024(NAME_APART)};

static const char *wander(long count, function *const functions[])
{
    uint64_t x = 88172645463325252ULL + sink;
    began = now();
    for (long i = 0; i < count; i++)
        for (int j = 0; j < 1000; j++)
            x = functions[x >> 54](x);
    ended = now();
    sink = x & 1;
    return NULL;
}

SHARED_EVENT(branches, wander(count, functions_close))
SHARED_EVENT(sprawls, wander(count, functions_apart))

static const char *floats(long count, long size)
{
    enum { LENGTH = 250 };
    double a[LENGTH], b[LENGTH], sum = 0;
    (void)size;
    for (int i = 0; i < LENGTH; i++)
        a[i] = 1.0 / (i + 1), b[i] = i * 0.001;
    began = now();
    for (long n = 0; n < count; n++)
        for (int i = 0; i < LENGTH; i++) {
            sum += a[i] * b[i];
            a[i] = a[i] * 0.999 + 0.001;
        }
    ended = now();
    sink = sum > 1e300;
    return NULL;
}
EVENT("floats", floats)

/* Without vectors, which "strings" represents. */
__attribute__((optimize("no-tree-vectorize"))) static const char *streams(long count, long size)
{
    /* The distance is no power of two: an emulator's page table would hold only one of them. */
    enum { LENGTH = 1 << 19, PIECE = 4096, APART = LENGTH + 37 * 512 };
    static uint64_t *memory_kept;
    uint64_t *to, *from;
    long place = 0;
    (void)size;
    if (!memory_kept && !(memory_kept = memory((APART + LENGTH) * sizeof *to)))
        return failed("mmap");
    to = memory_kept, from = to + APART;
    began = now();
    for (long n = 0; n < count; n++) {
        for (long i = place; i < place + PIECE; i++)
            to[i] += 3 * from[i];
        place = (place + PIECE) % LENGTH;
    }
    ended = now();
    return NULL;
}
EVENT("streams", streams)

static const char *chases(long count, long size)
{
    enum { LENGTH = 1 << 20 };
    static uint32_t *next, at;
    uint32_t place = at;
    (void)size;
    if (!next) {
        if (!(next = memory(LENGTH * sizeof *next)))
            return failed("mmap");
        /* A linear congruential generator of full period visits all before it repeats one. */
        for (uint32_t i = 0; i < LENGTH; i++)
            next[i] = (1664525 * i + 1013904223) % LENGTH;
    }
    began = now();
    for (long n = 0; n < count; n++)
        for (int i = 0; i < 1000; i++)
            place = next[place];
    ended = now();
    at = place;
    return NULL;
}
EVENT("chases", chases)

static const char *strings(long count, long size)
{
    enum { LENGTH = 512 };
    static char text[LENGTH + 1], copy[LENGTH + 1];
    uint64_t sum = 0;
    (void)size;
    memset(text, 'a', LENGTH);
    began = now();
    for (long n = 0; n < count; n++)
        for (int length = 16; length <= LENGTH; length *= 2) {
            memcpy(copy, text, length);
            copy[length] = '\0';
            sum += strlen(copy) + (memchr(copy, 'b', length) != NULL);
            sum += memcmp(copy, text, length) == 0;
        }
    ended = now();
    sink = sum & 1;
    return NULL;
}
EVENT("strings", strings)

static const char *fresh_code(long count, long size)
{
#ifdef __x86_64__
    enum { PAGES = 64, PAGE = 4096 };
    static const unsigned char add[] = {0x48, 0x83, 0xc0, 0x01}; /* add $1, %rax */
    (void)size;
    for (unsigned i = 0; i < PAGE; i++)
        block[i] = (char)add[i % sizeof add];
    block[PAGE - 1] = (char)0xc3; /* ret */
    block[PAGE - 4] = block[PAGE - 3] = block[PAGE - 2] = (char)0x90;
    began = now();
    for (long left = count; left > 0; left -= PAGES) {
        long pages = left < PAGES ? left : PAGES;
        int rights = PROT_READ | PROT_WRITE | PROT_EXEC;
        char *code = mmap(NULL, PAGES * PAGE, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (code == MAP_FAILED)
            return failed("memory for new code");
        madvise(code, PAGES * PAGE, MADV_NOHUGEPAGE);
        for (long i = 0; i < pages; i++) {
            memcpy(code + i * PAGE, block, PAGE);
            ((void (*)(void))(code + i * PAGE))();
        }
        munmap(code, PAGES * PAGE);
    }
    ended = now();
    return NULL;
#else
    (void)count, (void)size;
    return "the agent does not know this processor's instructions";
#endif
}
EVENT("fresh_code", fresh_code)
