/* The agent: does countable work in a target and says how long it took by the target's own clock.
 *
 * One request a line on standard input, one answer a line on standard output:
 *
 *     EVENT COUNT SIZE    ->  ok NANOSECONDS  |  refused REASON
 *     about 0 0           ->  ok RELEASE MACHINE CLOCKSOURCE
 *
 * An event's preparation (opening, forking a partner) is done for COUNT 0, too: the difference
 * between two requests is COUNT events and nothing else. The first line ever written is "ready".
 *
 * As process 1 of a guest it mounts what it needs, loads the modules that it was given and speaks
 * over the second serial line; otherwise its arguments are a directory of a tmpfs and a disk.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 256, LARGEST = 1 << 20, SPAN = 8 << 20, COMPRESSED = 4 };

static const char *directory = "/shm", *disk = "/dev/vda";
static char *block; /* LARGEST bytes, aligned for direct I/O */
static int64_t began, ended;
static volatile uint64_t sink;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static const char *failed(const char *what)
{
    static char text[160];
    snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
    return text;
}

/* Every event: null if all went well, else the reason. */

static const char *nothing(long count, long size)
{
    (void)count, (void)size;
    began = ended = now();
    return NULL;
}

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

static const char *calls(long count, long size)
{
    (void)size;
    began = now();
    for (long i = 0; i < count; i++)
        syscall(SYS_getppid);
    ended = now();
    return NULL;
}

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

/* Move exactly so many bytes. */
static int whole(int writing, int descriptor, long size)
{
    for (long done = 0; done < size;) {
        ssize_t n = writing ? write(descriptor, block + done, size - done)
                            : read(descriptor, block + done, size - done);
        if (n <= 0)
            return 0;
        done += n;
    }
    return 1;
}

/* Send back what comes, until the other side closes; never returns. */
static void echo(int in, int out, long size)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (whole(0, in, size) && whole(1, out, size))
        ;
    _exit(0);
}

static const char *round_trips(int in, int out, long count, long size)
{
    if (!whole(1, out, size) || !whole(0, in, size))
        return "the partner does not answer";
    began = now();
    for (long i = 0; i < count; i++)
        if (!whole(1, out, size) || !whole(0, in, size))
            return "the partner does not answer";
    ended = now();
    return NULL;
}

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

static const char *exchanges(long count, long size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    const char *wrong = NULL;
    int one = 1, client = -1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t partner = 0;
    if (listener < 0 || bind(listener, (void *)&address, length) || listen(listener, 1)
        || getsockname(listener, (void *)&address, &length))
        wrong = failed("listen");
    else if ((partner = fork()) < 0)
        wrong = failed("fork");
    if (!wrong && partner == 0) {
        int server = accept(listener, NULL, NULL);
        close(listener);
        setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        echo(server, server, size);
    }
    if (!wrong) {
        client = socket(AF_INET, SOCK_STREAM, 0);
        if (client < 0 || connect(client, (void *)&address, length))
            wrong = failed("connect"), kill(partner, SIGKILL);
    }
    if (!wrong) {
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        wrong = round_trips(client, client, count, size);
    }
    if (client >= 0)
        close(client);
    if (listener >= 0)
        close(listener);
    if (partner > 0)
        waitpid(partner, NULL, 0);
    return wrong;
}

static const char *processes(long count, int executes)
{
    began = now();
    for (long i = 0; i < count; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            if (executes)
                execl("/proc/self/exe", "agent", "--exit", (char *)NULL);
            _exit(executes ? 1 : 0);
        }
        if (child < 0)
            return failed("fork");
        if (waitpid(child, &status, 0) != child || status)
            return "a child process failed";
    }
    ended = now();
    return NULL;
}

static const char *forks(long count, long size)
{
    (void)size;
    return processes(count, 0);
}

static const char *execs(long count, long size)
{
    (void)size;
    return processes(count, 1);
}

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

static const char *transfers(long count, long size, int writing, int flags)
{
    const char *wrong = NULL;
    /* What is cached stays small; what is direct goes to ever other places. */
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

static const char *cached_reads(long count, long size)
{
    return transfers(count, size, 0, 0);
}

static const char *direct_reads(long count, long size)
{
    return transfers(count, size, 0, O_DIRECT);
}

static const char *direct_writes(long count, long size)
{
    return transfers(count, size, 1, O_DIRECT);
}

static const struct {
    const char *name;
    const char *(*run)(long count, long size);
} events[] = {
    {"nothing", nothing},           {"compute", compute},
    {"calls", calls},               {"io_calls", io_calls},
    {"switches", switches},         {"exchanges", exchanges},
    {"forks", forks},               {"execs", execs},
    {"faults", faults},             {"mappings", mappings},
    {"files", files},               {"cached_reads", cached_reads},
    {"direct_reads", direct_reads}, {"direct_writes", direct_writes},
};

static void about(void)
{
    struct utsname names;
    char source[64] = "unknown";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");
    if (file) {
        if (fscanf(file, "%63s", source) != 1)
            strcpy(source, "unknown");
        fclose(file);
    }
    uname(&names);
    printf("ok %s %s %s\n", names.release, names.machine, source);
}

static void answer(const char *line)
{
    char name[32];
    long count, size;
    if (sscanf(line, "%31s %ld %ld", name, &count, &size) != 3 || count < 0 || size < 0
        || size > LARGEST) {
        printf("refused no such request\n");
        return;
    }
    if (!strcmp(name, "about")) {
        about();
        return;
    }
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (!strcmp(name, events[i].name)) {
            const char *wrong = events[i].run(count, size);
            if (wrong)
                printf("refused %s\n", wrong);
            else
                printf("ok %lld\n", (long long)(ended - began));
            return;
        }
    printf("refused no event %s\n", name);
}

static void load_modules(void)
{
    struct dirent **names;
    int count = scandir("/modules", &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[300];
        int file;
        if (names[i]->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/modules/%s", names[i]->d_name);
        file = open(path, O_RDONLY);
        if (syscall(SYS_finit_module, file, "", strstr(path, ".ko.") ? COMPRESSED : 0))
            fprintf(stderr, "agent: %s: %s\n", path, strerror(errno));
        close(file);
    }
}

static void become_init(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    struct termios line;
    int serial, sock;
    mkdir("/dev", 0755), mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/shm", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("tmpfs", "/shm", "tmpfs", 0, NULL);
    load_modules();
    for (int i = 0; i < 200 && access(disk, R_OK); i++)
        usleep(10000);
    sock = socket(AF_INET, SOCK_DGRAM, 0);
    ioctl(sock, SIOCSIFFLAGS, &loopback);
    close(sock);
    serial = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
    if (serial < 0 || tcgetattr(serial, &line)) {
        fprintf(stderr, "agent: no second serial line: %s\n", strerror(errno));
        sync(), reboot(RB_AUTOBOOT);
    }
    cfmakeraw(&line);
    tcsetattr(serial, TCSANOW, &line);
    dup2(serial, 0), dup2(serial, 1);
}

int main(int argc, char **argv)
{
    char line[128];
    if (argc == 2 && !strcmp(argv[1], "--exit"))
        return 0;
    if (getpid() == 1)
        become_init();
    else if (argc == 3)
        directory = argv[1], disk = argv[2];
    else
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
