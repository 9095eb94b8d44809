"""Serving metrics over HTTP, to this computer only."""

import socket
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, make_wsgi_app

from harness.errors import UserError

if TYPE_CHECKING:
    from gevent.pywsgi import WSGIServer

LOOPBACK = "127.0.0.1"
"""The only address that is listened on."""


def check_free(port: int, option: str) -> None:
    """Complain about a port that cannot be listened on, naming the option to choose another."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise UserError(
                f"{option} = {port}: cannot be listened on ({error.strerror}); choose another port"
            ) from None


def serve_metrics(registry: CollectorRegistry, port: int) -> "WSGIServer":
    """Serve ``/metrics`` from a greenlet of gevent's, between events of the simulation."""
    from gevent.pywsgi import WSGIServer

    server = WSGIServer((LOOPBACK, port), make_wsgi_app(registry), log=None)
    server.start()
    return server
