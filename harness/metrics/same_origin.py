"""Protection of local HTTP servers from web pages of other sites."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

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
    also read the answers if the name of its host comes to mean 127.0.0.1 (DNS rebinding). So
    ``Host`` must be a name of this computer, and ``Origin``, ``Referer`` and ``Sec-Fetch-Site``,
    which browsers send and programs leave out, must tell of the server's own page. Answers never
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
