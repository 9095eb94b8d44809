/* The agent as process 1 of a guest. */
#define _GNU_SOURCE
#include "agent.h"
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

void become_init(void)
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
