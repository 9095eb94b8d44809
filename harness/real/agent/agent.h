/* Declarations for all files of the agent: the clock, the buffer, and the table of events.
 *
 * To add an event, write a function in the file of its kind, or in a new one (every .c file of this
 * directory is compiled), and add it to the table:
 *
 *     static const char *yields(long count, long size)
 *     {
 *         began = now();
 *         for (long i = 0; i < count; i++)
 *             sched_yield();
 *         ended = now();
 *         return NULL;
 *     }
 *     EVENT("yields", yields)
 *
 * It prepares what it needs (also for COUNT 0), sets `began`, does COUNT events, sets `ended`,
 * cleans up, and returns NULL, or the reason of a failure. It may be called any number of times, so
 * nothing may leak. SIZE is at most LARGEST. harness/real/microbenchmarks.py lists the measured sizes.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdint.h>
#include <unistd.h>

enum { LARGEST = 1 << 20 };

struct event {
    const char *name;
    const char *(*run)(long count, long size);
};

/* The linker makes one table of a section. */
#define EVENT(name, run) \
    static const struct event event_##run \
        __attribute__((used, section("events"), aligned(8))) = {name, run};

/* An event made of a function that several events share. */
#define SHARED_EVENT(name, call)                          \
    static const char *name(long count, long size)        \
    {                                                     \
        (void)size;                                       \
        return call;                                      \
    }                                                     \
    EVENT(#name, name)

/* A request that is not an event: it receives the rest of the line and prints its answer itself. */
struct verb {
    const char *name;
    void (*answer)(char *rest);
};

#define VERB(name, answer) \
    static const struct verb verb_##answer \
        __attribute__((used, section("verbs"), aligned(8))) = {name, answer};

extern const char *directory; /* of a tmpfs */
extern const char *disk;
extern char *block; /* LARGEST bytes, aligned for direct I/O */
extern int64_t began, ended;

/* Directories of programs; `inputs` is NULL if there are no programs. */
extern const char *program_memory, *program_disk, *program_root, *inputs;

extern pid_t server; /* the child process that serves the network, or 0 */

/* Nanoseconds by the target's monotonic clock. */
int64_t now(void);

/* A reason: the failed step, and errno's text. */
const char *failed(const char *what);

/* Move exactly so many bytes between the buffer and a descriptor; 0 if that fails. */
int whole(int writing, int descriptor, long size);

/* Send back all messages until the other side closes; never returns. */
void echo(int in, int out, long size);

/* Send SIZE bytes to a partner that echoes them, COUNT times. */
const char *round_trips(int in, int out, long count, long size);

/* Become process 1 of a guest. */
void become_init(void);

#endif
