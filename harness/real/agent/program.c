/* Programs: executed in a new directory with a fixed environment. The agent waits for the program
 * and ends all its descendants.
 *
 *     enter BASE NAME                    makes a directory on BASE (memory, disk) with NAME's inputs
 *     run SECONDS VARIABLE... -- WORD... executes a command; standard output goes to its file
 *                                        "stdout"
 *         ->  ok NANOSECONDS STATUS PROCESSOR_MICROSECONDS
 *     digest FILE                        ->  ok BYTES FNV-1A
 *     complaint                          ->  ok the first line of its errors
 *     leave                              removes the directory
 *
 * Words are percent-encoded; an empty one is a single percent sign. STATUS is the exit code, or 128
 * plus the number of a signal.
 */
#define _GNU_SOURCE
#include "agent.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

enum { WORDS = 1024 };

static char place[512];
static volatile sig_atomic_t late;

static void refuse(const char *reason)
{
    printf("refused %s\n", reason);
}

static int forget(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
    (void)about, (void)kind, (void)walk;
    return remove(path);
}

/* The error output is on the tmpfs, because the program's disk may be full. */
static const char *complaints(void)
{
    static char path[520];
    snprintf(path, sizeof path, "%s/complaints", directory);
    return path;
}

static void enter(char *rest)
{
    char base[16], name[64], link[600], target[600];
    if (sscanf(rest, "%15s %63s", base, name) != 2 || !inputs) {
        refuse(inputs ? "no such request" : "no programs were given to this target");
        return;
    }
    snprintf(place, sizeof place, "%s/program", strcmp(base, "disk") ? program_memory : program_disk);
    snprintf(link, sizeof link, "%s/input", place);
    snprintf(target, sizeof target, "%s/%s", inputs, name);
    if (mkdir(place, 0700) || symlink(target, link))
        refuse(failed(place));
    else
        printf("ok\n");
}
VERB("enter", enter)

static void leave(char *rest)
{
    (void)rest;
    unlink(complaints());
    if (nftw(place, forget, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT))
        refuse(failed(place));
    else
        printf("ok\n");
    *place = '\0';
}
VERB("leave", leave)

/* Decode a word in place. */
static void decode(char *word)
{
    char *to = word;
    for (; *word; word++) {
        unsigned code;
        if (*word == '%' && sscanf(word + 1, "%2x", &code) == 1) {
            *to++ = (char)code;
            word += 2;
        } else if (*word != '%') /* An empty word. */
            *to++ = *word;
    }
    *to = '\0';
}

/* Split a line into words; returns their number, or 0 if there are too many. */
static int cut(char *line, char **words, int most)
{
    int count = 0;
    for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
        if (count == most)
            return 0;
        decode(words[count++] = word);
    }
    words[count] = NULL;
    return count;
}

static void set_late(int number)
{
    (void)number;
    late = 1;
}

static void redirect(const char *file, int flags, int descriptor)
{
    int opened = open(file, flags | O_CLOEXEC, 0600);
    if (opened < 0 || dup2(opened, descriptor) < 0)
        _exit(126);
}

static void execute(char **variables, char **command)
{
    struct rlimit files;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGALRM, SIG_DFL);
    setsid();
    umask(022);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 1024 ? files.rlim_max : 1024;
    setrlimit(RLIMIT_NOFILE, &files);
    redirect("/dev/null", O_RDONLY, 0);
    if (chdir(place))
        _exit(126);
    redirect("stdout", O_WRONLY | O_CREAT | O_TRUNC, 1);
    redirect(complaints(), O_WRONLY | O_CREAT | O_TRUNC, 2);
    if (program_root && chroot(program_root))
        _exit(126);
    environ = variables;
    execvp(command[0], command);
    fprintf(stderr, "%s: %s\n", command[0], strerror(errno));
    _exit(127);
}

/* End all descendants of a program, which this process inherits as a subreaper. */
static void end_orphans(pid_t session)
{
    kill(-session, SIGKILL);
    for (;;) {
        int left = 0;
        FILE *children = fopen("/proc/thread-self/children", "r");
        long child;
        while (children && fscanf(children, "%ld", &child) == 1)
            if (child != server) {
                left = 1;
                kill((pid_t)child, SIGKILL);
                waitpid((pid_t)child, NULL, 0);
            }
        if (children)
            fclose(children);
        if (!left)
            return;
    }
}

static int64_t children_microseconds(void)
{
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec
           + used.ru_stime.tv_usec;
}

static void run(char *rest)
{
    char *words[WORDS + 1];
    int count = cut(rest, words, WORDS), split = 1, status = 0;
    struct sigaction action = {.sa_handler = set_late};
    struct itimerval limit = {0}, none = {0};
    int64_t before = children_microseconds();
    pid_t child;
    while (split < count && strcmp(words[split], "--"))
        split++;
    if (split + 1 >= count || !*place) {
        refuse("no such request, or one of too many words");
        return;
    }
    words[split] = NULL;
    limit.it_value.tv_sec = atol(words[0]);
    late = 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigaction(SIGALRM, &action, NULL);
    began = now();
    child = fork();
    if (child == 0)
        execute(words + 1, words + split + 1);
    if (child < 0) {
        refuse(failed("fork"));
        return;
    }
    setitimer(ITIMER_REAL, &limit, NULL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        if (late)
            kill(child, SIGKILL);
    ended = now();
    setitimer(ITIMER_REAL, &none, NULL);
    end_orphans(child);
    if (late)
        printf("refused it did not end within %s s\n", words[0]);
    else
        printf("ok %lld %d %lld\n", (long long)(ended - began),
               WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status),
               (long long)(children_microseconds() - before));
}
VERB("run", run)

static int open_there(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", place, name);
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static void digest(char *rest)
{
    char *words[2];
    uint64_t hash = 14695981039346656037ULL;
    long long bytes = 0;
    ssize_t n = -1;
    int file = cut(rest, words, 1) && *place ? open_there(words[0]) : -1;
    while (file >= 0 && (n = read(file, block, LARGEST)) > 0) {
        for (ssize_t i = 0; i < n; i++)
            hash = (hash ^ (unsigned char)block[i]) * 1099511628211ULL;
        bytes += n;
    }
    if (n < 0)
        refuse(failed("its output"));
    else
        printf("ok %lld %016llx\n", bytes, (unsigned long long)hash);
    if (file >= 0)
        close(file);
}
VERB("digest", digest)

static void complaint(char *rest)
{
    char line[200] = "";
    FILE *file = fopen(complaints(), "r");
    (void)rest;
    /* The first line has the cause, the others its consequences. */
    while (file && strspn(line, " \t\n") == strlen(line))
        if (!fgets(line, sizeof line, file))
            break;
    if (file)
        fclose(file);
    line[strcspn(line, "\n")] = '\0';
    printf("ok %s\n", line);
}
VERB("complaint", complaint)
