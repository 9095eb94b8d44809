/* Events of the network, on the target's loopback. */
#define _GNU_SOURCE
#include "agent.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

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
EVENT("exchanges", exchanges)
