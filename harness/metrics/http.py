"""HTTP servers for this computer only, protected from web pages of other sites."""

import os
import re
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from socketserver import ThreadingMixIn
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.simple_server import WSGIServer as SimpleServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from harness.errors import UserError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

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
        """Keeps tracebacks of clients' errors off the terminal."""

        def handle(self) -> None:
            """Handle a connection until it is closed, or broken by its client."""
            with suppress(OSError):
                super().handle()

        def read_request(self, raw_requestline: str) -> bool:
            """Read a request's head; an invalid one is answered with status 400."""
            try:
                return bool(super().read_request(raw_requestline))
            except HTTPException:
                return False

        def handle_error(self, kind: object, error: object, trace: object) -> None:
            """Close a connection that broke, or whose body does not match its head."""
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


MAX_BODY_BYTES = 65_536
"""The longest body that a request may have."""

_METHODS = ("GET", "HEAD", "POST")
_LOCAL_HOST = re.compile(
    r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE
)
_FRAMES = ("Content-Security-Policy", "frame-ancestors 'none'")


class SameOrigin:
    """WSGI middleware that answers local programs and the server's own pages only.

    A browser lets every page send requests to servers of its computer. A page of another site can
    also read the answers if the name of its host resolves to 127.0.0.1 (DNS rebinding). So
    ``Host`` must be a name of this computer, and ``Origin``, ``Referer`` and ``Sec-Fetch-Site``,
    which browsers send and programs leave out, must name the server's own page. Answers never
    permit another origin to read them (CORS), nor to show them in a frame.

    The port in ``Host`` may be any: it is the tunnel's where the server is reached through one
    (``ssh -L``), and a browser sends no other port than that which it connects to.

    Parameters
    ----------
    app
        The application that is protected.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Refuse a request, or pass it on."""
        refusal = _refusal(environ)
        if refusal is not None:
            status, reason = refusal
            body = f"{reason}\n".encode()
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
            start_response(status, headers)
            return [body]

        def start(
            status: str, headers: list[tuple[str, str]], *error: Any
        ) -> Callable[[bytes], object]:
            kept = [each for each in headers if not each[0].lower().startswith("access-control-")]
            return start_response(status, [*kept, _FRAMES], *error)

        return self._app(environ, start)


def _refusal(environ: "WSGIEnvironment") -> tuple[str, str] | None:
    """Return status and reason if a request is to be refused."""
    host = environ.get("HTTP_HOST", "")
    if not _LOCAL_HOST.fullmatch(host):
        return "403 Forbidden", "Host must be localhost, 127.0.0.1 or [::1]"
    for name, header in (("Origin", "HTTP_ORIGIN"), ("Referer", "HTTP_REFERER")):
        if header in environ and not _is_page_of(host, environ[header]):
            return "403 Forbidden", f"{name}: another page; open http://{host}/ by its address"
    if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        return "403 Forbidden", f"sent by another page; open http://{host}/ by its address"
    if environ["REQUEST_METHOD"] not in _METHODS:
        return "405 Method Not Allowed", f"the method must be {', '.join(_METHODS)}"
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return "411 Length Required", "the length of the body must be sent first (Content-Length)"
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        return "400 Bad Request", "Content-Length must be a whole number"
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        return "413 Content Too Large", f"the body may have up to {MAX_BODY_BYTES} bytes"
    return None


def _is_page_of(host: str, url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()
