/* The agent as process 1 of a guest. */
#define _GNU_SOURCE
#include "agent.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

enum { COMPRESSED = 4 }; /* finit_module's flag */

/* The guest's address in the network that QEMU gives it. */
static const char *own_address = "10.0.2.15";

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

static void join_networks(void)
{
    struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    struct ifreq card = {.ifr_name = "eth0"};
    struct sockaddr_in *address = (void *)&card.ifr_addr;
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    ioctl(sock, SIOCSIFFLAGS, &loopback);
    address->sin_family = AF_INET;
    inet_pton(AF_INET, own_address, &address->sin_addr);
    if (ioctl(sock, SIOCSIFADDR, &card)) /* The network mask follows from the class. */
        fprintf(stderr, "agent: %s: %s\n", card.ifr_name, strerror(errno));
    card.ifr_flags = IFF_UP | IFF_RUNNING;
    ioctl(sock, SIOCSIFFLAGS, &card);
    close(sock);
}

/* Programs have a file system of their own, with the usual directories. */
static void mount_programs(void)
{
    static const struct {
        const char *from, *to, *kind;
        unsigned long flags;
    } mounts[] = {
        {"/dev/vdb", "/programs", "ext4", MS_RDONLY}, {"/dev/vdc", "/programs/disk", "ext4", 0},
        {"memory", "/programs/memory", "tmpfs", 0},   {"dev", "/programs/dev", "devtmpfs", 0},
        {"proc", "/programs/proc", "proc", 0},        {"sys", "/programs/sys", "sysfs", 0},
        {"tmp", "/programs/tmp", "tmpfs", 0},
    };
    if (access("/dev/vdb", R_OK))
        return;
    mkdir("/programs", 0755);
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
        if (mount(mounts[i].from, mounts[i].to, mounts[i].kind, mounts[i].flags, NULL)) {
            fprintf(stderr, "agent: %s: %s\n", mounts[i].to, strerror(errno));
            return;
        }
    program_root = "/programs";
    program_memory = "/programs/memory";
    program_disk = "/programs/disk";
    inputs = "/input";
}

void become_init(void)
{
    struct termios line;
    int serial;
    mkdir("/dev", 0755), mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/shm", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("tmpfs", "/shm", "tmpfs", 0, NULL);
    load_modules();
    for (int i = 0; i < 200 && access(disk, R_OK); i++)
        usleep(10000);
    mount_programs();
    join_networks();
    serial = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
    if (serial < 0 || tcgetattr(serial, &line)) {
        fprintf(stderr, "agent: no second serial line: %s\n", strerror(errno));
        sync(), reboot(RB_AUTOBOOT);
    }
    cfmakeraw(&line);
    tcsetattr(serial, TCSANOW, &line);
    dup2(serial, 0), dup2(serial, 1);
}
