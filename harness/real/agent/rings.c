/* Rings of processes that pass a token on: context switches by number and working set. */
#define _GNU_SOURCE
#include "agent.h"
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { MOST = 16 };

static volatile uint64_t sink;

static void use(const uint64_t *memory, long size)
{
    uint64_t sum = 0;
    for (long i = 0; i < size / 8; i++)
        sum += memory[i];
    sink = sum;
}

/* Pass the token on: it contains the number of passes left; the last one is to the first pipe. */
static int pass(long left, int next, int home)
{
    left--;
    return write(left > 0 ? next : home, &left, sizeof left) == sizeof left;
}

/* Receive the token, use the memory, pass it on, until no passes are left or a pipe closes. */
static int take_part(int in, int next, int home, const uint64_t *memory, long size)
{
    for (;;) {
        long left;
        if (read(in, &left, sizeof left) != sizeof left)
            return 0;
        use(memory, size);
        if (left == 0)
            return 1;
        if (!pass(left, next, home))
            return 0;
    }
}

static uint64_t *working_set(long size)
{
    uint64_t *memory = malloc(size + 8);
    for (long i = 0; memory && i < size / 8; i++)
        memory[i] = i;
    return memory;
}

static void member(int pipes[][2], int number, int processes, long size)
{
    int in = pipes[number][0], next = pipes[(number + 1) % processes][1], home = pipes[0][1];
    uint64_t *memory = working_set(size);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A process that keeps the ends of others would keep them waiting for ever. */
    for (int i = 0; i < processes; i++) {
        if (pipes[i][0] != in)
            close(pipes[i][0]);
        if (pipes[i][1] != next && pipes[i][1] != home)
            close(pipes[i][1]);
    }
    _exit(memory && take_part(in, next, home, memory, size) ? 0 : 1);
}

static const char *ring(long count, long size, int processes)
{
    int pipes[MOST][2], opened = 0, begun = 1;
    pid_t others[MOST];
    const char *wrong = NULL;
    uint64_t *memory = working_set(size);
    if (!memory)
        wrong = failed("memory");
    while (opened < processes && !wrong)
        if (pipe(pipes[opened]))
            wrong = failed("pipe");
        else
            opened++;
    for (; begun < processes && !wrong; begun++) {
        others[begun] = fork();
        if (others[begun] == 0)
            member(pipes, begun, processes, size);
        if (others[begun] < 0) {
            wrong = failed("fork");
            break;
        }
    }
    /* One round before the measured ones starts all processes and populates their memory. */
    for (int counts = 0; counts < 2 && !wrong; counts++) {
        long left = counts ? count : processes;
        int next = pipes[1 % processes][1], home = pipes[0][1];
        began = now();
        if (left > 0 && !(pass(left, next, home) && take_part(pipes[0][0], next, home, memory, size)))
            wrong = failed("the ring");
        ended = now();
    }
    for (int i = 1; i < begun; i++)
        kill(others[i], SIGKILL), waitpid(others[i], NULL, 0);
    for (int i = 0; i < opened; i++)
        close(pipes[i][0]), close(pipes[i][1]);
    free(memory);
    return wrong;
}

SHARED_EVENT(tokens, ring(count, size, 1))
SHARED_EVENT(rings_2, ring(count, size, 2))
SHARED_EVENT(rings_8, ring(count, size, 8))
SHARED_EVENT(rings_16, ring(count, size, 16))
