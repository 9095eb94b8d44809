from wsgiref.util import setup_testing_defaults

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.http import MAX_BODY_BYTES, SameOrigin

OWN = "127.0.0.1:8089"


def ask(**environ: str) -> tuple[int, dict[str, str], bytes]:
    """What the middleware makes of a request: status, headers, body."""
    answered = []

    def app(environ, start_response):
        start_response("200 OK", [("Access-Control-Allow-Origin", "*"), ("X-App", "yes")])
        return [b"the application's"]

    request = {"HTTP_HOST": OWN, "REQUEST_METHOD": "GET", **environ}
    setup_testing_defaults(request)
    if not request["HTTP_HOST"]:
        del request["HTTP_HOST"]
    body = b"".join(SameOrigin(app)(request, lambda *answer: answered.append(answer)))
    ((status, headers),) = answered
    return int(status.split()[0]), dict(headers), body


@pytest.mark.parametrize(
    "host", [OWN, "localhost:8089", "LOCALHOST", "[::1]:8089", "127.0.0.1", "localhost:18089"]
)
def test_names_of_this_computer_are_answered_at_any_port(host):
    assert ask(HTTP_HOST=host)[::2] == (200, b"the application's")
    for own in (f"http://{host}", f"http://{host.lower()}", f"https://{host}"):
        assert ask(HTTP_HOST=host, HTTP_ORIGIN=own, REQUEST_METHOD="POST")[0] == 200
        assert ask(HTTP_HOST=host, HTTP_REFERER=f"{own}/?tab=charts")[0] == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "PUT"])
@pytest.mark.parametrize(
    "host",
    [
        *("", "evil.example", "evil.example:8089", "127.0.0.1.evil.example", "localhost.evil"),
        *("127.0.0.1:8089@evil.example", "127.0.0.1:8089,evil.example", "evil/127.0.0.1:8089"),
        *("localhost:", "localhost:x", "localhost:123456", "127.0.0.1:8089\n", " localhost", "::1"),
        *("0.0.0.0:8089", "192.168.1.1:8089", "127.0.0.1:８０８９"),  # noqa: RUF001
    ],
)
def test_other_names_are_refused_whatever_is_asked(host, method):
    status, headers, body = ask(HTTP_HOST=host, REQUEST_METHOD=method)
    assert (status, body) == (403, b"Host must be localhost, 127.0.0.1 or [::1]\n")
    assert "X-App" not in headers


@pytest.mark.parametrize("header", ["HTTP_ORIGIN", "HTTP_REFERER"])
@pytest.mark.parametrize(
    "url",
    [
        *("", "null", "http://evil.example", "http://evil.example/127.0.0.1:8089", "http://["),
        *(
            "http://127.0.0.1",
            "http://127.0.0.1:3000",
            "http://localhost:8089",
            "http://[::1]:8089",
        ),
        *("http://127.0.0.1:8089@evil.example", "http://me@127.0.0.1:8089", "file:///index.html"),
        *("http://127.0.0.1:8089.evil.example", "ws://127.0.0.1:8089", "127.0.0.1:8089"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_pages_of_other_sites_are_refused(header, url, method):
    status, headers, body = ask(**{header: url}, REQUEST_METHOD=method)
    assert status == 403
    assert b"another page; open http://127.0.0.1:8089/" in body
    assert not any(name.startswith("Access-Control") for name in headers)


@pytest.mark.parametrize("site", ["cross-site", "same-site", ""])
def test_what_a_browser_says_comes_from_elsewhere_is_refused(site):
    assert ask(HTTP_SEC_FETCH_SITE=site)[0] == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_comes_from_the_page_or_the_address_bar_is_answered(site):
    assert ask(HTTP_SEC_FETCH_SITE=site)[0] == 200


def test_no_answer_permits_other_pages_to_read_or_frame_it():
    assert ask()[1] == {"X-App": "yes", "Content-Security-Policy": "frame-ancestors 'none'"}


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"CONTENT_LENGTH": str(MAX_BODY_BYTES)}, 200),
        ({"CONTENT_LENGTH": ""}, 200),
        ({"CONTENT_LENGTH": str(MAX_BODY_BYTES + 1)}, 413),
        ({"CONTENT_LENGTH": "9" * 5000}, 413),
        ({"CONTENT_LENGTH": "-1"}, 400),
        ({"CONTENT_LENGTH": "1e3"}, 400),
        ({"CONTENT_LENGTH": "²"}, 400),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"REQUEST_METHOD": "OPTIONS"}, 405),
        ({"REQUEST_METHOD": "DELETE"}, 405),
    ],
)
def test_bodies_are_short_and_methods_few(environ, status):
    assert ask(**{"REQUEST_METHOD": "POST", **environ})[0] == status


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_whatever_headers_hold_is_answered_or_refused(host, origin, length):
    status = ask(HTTP_HOST=host, CONTENT_LENGTH=length)[0]
    assert status in (403, 400, 413, 200)
    assert ask(HTTP_ORIGIN=origin)[0] == 403
