import contextlib
import errno
import http.client
import os
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import gevent
import pytest
from prometheus_client import CollectorRegistry, Gauge
from serving import free_port

from harness.errors import UserError
from harness.metrics import http as serving
from harness.metrics.http import check_free, serve_metrics, serving_metrics


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("shown", "A number.", registry=registry).set(7)
    return registry


def ask(port: int, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/metrics", headers=headers)
    reply = connection.getresponse()
    found = reply.status, reply.read().decode()
    connection.close()
    return found


def test_metrics_of_threads_are_for_this_computers_programs(registry):
    port = free_port()
    with serving_metrics(registry, port):
        assert "\nshown 7.0\n" in ask(port)[1]
        assert ask(port, Host=f"localhost:{port}")[0] == 200
        assert ask(port, Host="evil.example")[0] == 403
        assert ask(port, Origin="http://evil.example")[0] == 403
        status, body = ask(port, Referer="http://evil.example/")
        assert (status, "shown" in body) == (403, False)
    with pytest.raises(ConnectionRefusedError):
        ask(port)


_GET = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_POST = b"POST /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BROKEN = (
    b"",
    b"GET",
    b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    b"\x16\x03",
    _GET + b"X: 1\r\n" * 200 + b"\r\n",
    _GET + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    _GET + b"no colon\r\n\r\n",
    _GET + b"Accept: ;;q=,\r\n\r\n",
    _GET + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\nfurther",
    _POST + b"Transfer-Encoding: chunked\r\n\r\nno length",
    _POST + b"Transfer-Encoding: chunked\r\n\r\n",
    _POST + b"Content-Length: 5\r\n\r\nab",
    _POST + b"Content-Length: -5\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
)


def break_connections(port: int) -> int:
    """Send every broken request, reset or close its connection; the server's status afterwards."""
    for words in BROKEN:
        for reset in (True, False):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                if reset:
                    linger = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                client.sendall(words)
                if not reset:
                    client.shutdown(socket.SHUT_WR)
                    with contextlib.suppress(ConnectionResetError):
                        while client.recv(65_536):
                            pass
    return ask(port)[0]


def test_broken_connections_leave_no_traceback_of_threads(registry, capfd):
    port = free_port()
    with serving_metrics(registry, port):
        assert break_connections(port) == 200
    assert capfd.readouterr().err == ""


def test_broken_connections_leave_no_traceback_of_greenlets(registry, capfd):
    port = free_port()
    server = serve_metrics(registry, port)
    try:
        with ThreadPoolExecutor(1) as pool:
            status = pool.submit(break_connections, port)
            while not status.done():
                gevent.sleep(0.01)
    finally:
        server.stop()
    assert status.result() == 200
    assert capfd.readouterr().err == ""


def test_a_client_that_says_nothing_does_not_keep_the_server(registry):
    port = free_port()
    with socket.socket() as silent:
        with serving_metrics(registry, port):
            silent.connect(("127.0.0.1", port))
            assert ask(port)[0] == 200
        assert silent.getsockname()[0] == "127.0.0.1"  # it is connected still


SERVERS: dict[str, Callable[[CollectorRegistry, int], object]] = {
    "check": lambda registry, port: check_free(port, "--metrics-port"),
    "threads": lambda registry, port: serving_metrics(registry, port).__enter__(),
    "greenlets": serve_metrics,
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_port_that_is_taken_is_told(registry, server):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = rf"^--metrics-port = {port}: cannot be listened on \(.*in use.*\); choose another"
        with pytest.raises(UserError, match=told):
            SERVERS[server](registry, port)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
def test_an_address_that_cannot_be_had_is_told(monkeypatch, code):
    class Refusing(socket.socket):
        def __init__(self, *arguments: object) -> None:
            raise OSError(code, "unused")

    monkeypatch.setattr(serving.socket, "socket", Refusing)
    with pytest.raises(UserError, match=r"^--port = 80: cannot be listened on") as error:
        check_free(80, "--port")
    assert os.strerror(code) in str(error.value)


def test_port_0_is_any_that_is_free():
    found = check_free(0, "--port")
    assert check_free(found, "--port") == found > 1023
