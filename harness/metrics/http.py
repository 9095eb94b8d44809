"""HTTP servers for this computer only."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.simple_server import WSGIServer as SimpleServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from harness.errors import UserError
from harness.metrics.same_origin import SameOrigin

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from gevent.pywsgi import WSGIServer

LOOPBACK = "127.0.0.1"
"""The only address that is listened on."""


def check_free(port: int, option: str) -> int:
    """Return a port that can be listened on: the one given, or any if it is 0.

    Raises
    ------
    UserError
        If it cannot; names the option to choose another.
    """
    with _listener(port, option) as probe:
        found: int = probe.getsockname()[1]
        return found


def _listener(port: int, option: str) -> socket.socket:
    with _listening(port, option):
        return socket.create_server((LOOPBACK, port))


@contextmanager
def _listening(port: int, option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise UserError(
            f"{option} = {port}: cannot be listened on ({why}); choose another port"
        ) from None


def serve(app: "WSGIApplication", port: int, option: str) -> "WSGIServer":
    """Serve an application from greenlets of gevent's, between events of the simulation."""
    from gevent.pywsgi import WSGIHandler, WSGIServer

    class Handler(WSGIHandler):  # type: ignore[misc]
        """Keeps tracebacks of what clients do wrong off the terminal."""

        def handle(self) -> None:
            """Handle a connection until it is closed, or broken by its client."""
            with suppress(OSError):
                super().handle()

        def read_request(self, raw_requestline: str) -> bool:
            """Read a request's head; anything that is none is answered with status 400."""
            try:
                return bool(super().read_request(raw_requestline))
            except HTTPException:
                return False

        def handle_error(self, kind: object, error: object, trace: object) -> None:
            """Close a connection that broke, or whose body is not what the head says."""
            if isinstance(error, (OSError, ValueError)):
                self.close_connection = True
            else:
                super().handle_error(kind, error, trace)

    listener = _listener(port, option)
    listener.setblocking(False)
    server = WSGIServer(listener, SameOrigin(app), log=None, error_log=None, handler_class=Handler)
    server.start()
    return server


def serve_metrics(registry: CollectorRegistry, port: int) -> "WSGIServer":
    """Serve ``/metrics`` from greenlets of gevent's."""
    return serve(make_wsgi_app(registry), port, "--metrics-port")


@contextmanager
def serving_metrics(registry: CollectorRegistry, port: int) -> Iterator[None]:
    """Serve ``/metrics`` from threads, while the context is open."""
    with _listening(port, "--metrics-port"):
        app = SameOrigin(make_wsgi_app(registry))
        server = make_server(LOOPBACK, port, app, _ThreadingServer, _SilentHandler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _ThreadingServer(ThreadingMixIn, SimpleServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Leave out the traceback of a connection that its client has broken."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base's name)
        """Log no request."""
