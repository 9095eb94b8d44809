/* A server for the machine that drives the target, over the target's network.
 *
 *     serve PORT  ->  ok PORT
 *
 * (0: any port). It accepts one connection after the other. A request is two numbers of 4 bytes,
 * big-endian: the size of the data that follow, and the size of the answer.
 */
#define _GNU_SOURCE
#include "agent.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>

pid_t server;

/* Move any number of bytes, all to and from the same buffer. */
static int move(int writing, int descriptor, uint32_t size)
{
    for (uint32_t part; size; size -= part)
        if (!whole(writing, descriptor, part = size < LARGEST ? size : LARGEST))
            return 0;
    return 1;
}

static void answer_all(int connection)
{
    uint32_t sizes[2];
    int one = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    while (recv(connection, sizes, sizeof sizes, MSG_WAITALL) == sizeof sizes
           && move(0, connection, ntohl(sizes[0])) && move(1, connection, ntohl(sizes[1])))
        ;
    close(connection);
}

static void serve(char *rest)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(atoi(rest)),
        .sin_addr = {htonl(getpid() == 1 ? INADDR_ANY : INADDR_LOOPBACK)},
    };
    socklen_t length = sizeof address;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (listener < 0 || bind(listener, (void *)&address, length) || listen(listener, 4)
        || getsockname(listener, (void *)&address, &length)) {
        printf("refused %s\n", failed("listen"));
        close(listener);
        return;
    }
    server = fork();
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        for (;;) {
            int connection = accept(listener, NULL, NULL);
            if (connection < 0)
                _exit(1);
            answer_all(connection);
        }
    }
    close(listener);
    if (server < 0)
        printf("refused %s\n", failed("fork"));
    else
        printf("ok %d\n", ntohs(address.sin_port));
}
VERB("serve", serve)
