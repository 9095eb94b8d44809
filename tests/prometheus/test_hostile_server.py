"""Servers that are broken, or no Prometheus at all: one line, in bounded time and memory."""

import gzip
import json
import socket
import ssl
import struct
import subprocess
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPMessage, parse_headers
from itertools import chain, repeat
from urllib.parse import parse_qs, quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from programs import program
from typer.testing import CliRunner

from harness.analysis.study import Study, analyse, study
from harness.cli.app import app
from harness.errors import UserError
from harness.prometheus import client as prometheus
from harness.prometheus.client import Prometheus
from harness.prometheus.openmetrics import CAMPAIGN, DIGEST, series_labels

TRUE = {"shared-uncapped": {"response": 1.02, "processor": 1.03}}
OK = b"HTTP/1.1 200 OK\r\n"
JSON = b"Content-Type: application/json\r\n\r\n"

Answer = Callable[[HTTPMessage, bytes], Iterator[bytes]]
"""Yields what a server sends, piece by piece, after the headers and the body of a request."""


@contextmanager
def answering(answer: Answer, delay: float = 0.0, reset: bool = False) -> Iterator[str]:
    """A server that sends anything; ``delay`` seconds pass before each further piece."""
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError):
            connection.settimeout(20)
            read = connection.makefile("rb")
            read.readline()
            headers = parse_headers(read)
            body = read.read(int(headers.get("Content-Length", 0)))
            for piece in answer(headers, body):
                connection.sendall(piece)
                if ended.wait(delay):
                    break
            if reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            read.close()

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ended.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def sends(*pieces: bytes) -> Answer:
    return lambda headers, body: iter(pieces)


def for_ever(begin: bytes, piece: bytes) -> Answer:
    return lambda headers, body: chain([begin], repeat(piece))


def with_body(body: bytes, head: bytes = b"") -> Answer:
    return sends(OK + head + b"Content-Length: %d\r\n" % len(body) + JSON, body)


def refusal(url: str) -> str:
    """The one line that says why a server is no help."""
    with pytest.raises(UserError) as error:
        Prometheus(url).query("up", 0.0)
    told = str(error.value)
    assert told.isprintable()
    assert len(told) < 400
    return told


@pytest.mark.parametrize(
    ("begin", "piece"),
    [
        (b"", b"H"),
        (OK, b"X: y\r\n"),
        (OK + b"X: ", b"y"),
        (OK + b"Content-Length: 1000\r\n" + JSON, b" "),
        (OK + b"Transfer-Encoding: chunked\r\n" + JSON, b"1\r\n \r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n" + JSON, b"0"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
)
def test_an_answer_that_comes_byte_by_byte_is_given_up(monkeypatch, begin, piece):
    monkeypatch.setattr(prometheus, "_TIMEOUT_SECONDS", 0.3)
    with answering(for_ever(begin, piece), delay=0.02) as url:
        assert "no complete answer within 0.3 s" in refusal(url)


@pytest.mark.parametrize(
    ("begin", "piece", "told"),
    [
        (OK + JSON, b" " * 65536, "its answer has more than 1 MiB"),
        (OK + b"Content-Length: 999999999999\r\n" + JSON, b" " * 65536, "more than 1 MiB"),
        (
            OK + b"Transfer-Encoding: chunked\r\n" + JSON,
            b"10000\r\n" + b" " * 65536 + b"\r\n",
            "more than 1 MiB",
        ),
        (b"HTTP/1.1 500 No\r\n" + JSON, b" " * 65536, "more than 1 MiB"),
        (b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", b" " * 65536, "more than 1 MiB"),
        (OK + b"Transfer-Encoding: chunked\r\n" + JSON, b"0" * 65536, "no answer"),
        (OK + b"X: ", b"y" * 65536, "not reachable"),
        (OK, b"X: y\r\n" * 1000, "not reachable"),
        (b"", b"x" * 65536, "not reachable"),
    ],
)
def test_an_answer_without_end_is_given_up(monkeypatch, begin, piece, told):
    monkeypatch.setattr(prometheus, "_MAX_BYTES", 1 << 20)
    with answering(for_ever(begin, piece)) as url:
        assert told in refusal(url)


@pytest.mark.parametrize("encoding", [b"gzip", b"gzip, gzip", b"deflate", b"br", b"zstd"])
def test_what_is_compressed_is_not_expanded(encoding):
    bomb = gzip.compress(bytes(50_000_000))
    with answering(with_body(bomb, b"Content-Encoding: %s\r\n" % encoding)) as url:
        assert "its answer is compressed" in refusal(url)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 "],
        [b"\x16\x03\x01\x02\x00\x01\x00"],
        [b"HTTP/9.9 200 OK\r\n\r\n"],
        [b"HTTP/1.1 2x0 OK\r\n\r\n"],
        [OK + b"Content-Length: 100\r\n" + JSON, b"{}"],
        [OK + b"Transfer-Encoding: chunked\r\n" + JSON, b"zz\r\n{}\r\n"],
        [OK + b"Transfer-Encoding: chunked\r\n" + JSON, b"-5\r\n{}\r\n"],
        [OK + b"Transfer-Encoding: chunked\r\n" + JSON, b"5\r\n{}"],
        [OK + b"Content-Length: -1\r\n" + JSON, b""],
        [OK + b"Content-Length: x\r\n" + JSON, b""],
        [OK + b"no header\r\n: \r\n\x00\r\n\r\n", b""],
        [OK + b"\r\n"],
        [b"HTTP/1.1 204 No Content\r\n\r\n"],
    ],
)
@pytest.mark.parametrize("reset", [False, True])
def test_nonsense_is_reported_in_one_line(pieces, reset):
    with answering(sends(*pieces), reset=reset) as url:
        assert refusal(url).startswith(f"--prometheus {url}: ")


@pytest.mark.parametrize(
    "location", [b"file:///etc/passwd", b"http://127.0.0.1:1/", b"/other", b"//elsewhere.example"]
)
def test_a_redirection_is_not_followed(location):
    answers = sends(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\n" % location + JSON)
    with answering(answers) as url:
        assert "HTTP 307: it is at another address; give that one" in refusal(url)


def test_a_long_or_unprintable_complaint_is_shown_in_part():
    body = json.dumps({"error": "\x1b[31m\u202e" + "a" * 100_000}).encode()
    head = b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n" % len(body)
    with answering(sends(head + JSON, body)) as url:
        assert "refused the query (?[31m?aaa" in refusal(url)


def vector(*series: object) -> bytes:
    return json.dumps({"data": {"resultType": "vector", "result": series}}).encode()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"[]", b"7", b'"data"', b"{", b"\xff\xfe", b"{}", b"<html></html>"),
        *(b'{"data": null}', b'{"data": {}}', b'{"data": {"result": null}}'),
        *(b'{"data": {"result": {}}}', b'{"data": {"result": "x"}}', b'{"data": {"result": [7]}}'),
        b"[" * 5_000_000,
        b'{"data":{"result":' + b"[" * 5_000_000,
        b'{"data":' * 100_000,
        b'{"data": {"result": [' + b"1" * 5_000_000 + b"]}}",
        vector({"metric": {}}),
        vector({"value": [0, "1"]}),
        vector({"metric": [], "value": [0, "1"]}),
        vector({"metric": {"a": 1}, "value": [0, "1"]}),
        vector({"metric": {"a": None}, "value": [0, "1"]}),
        vector({"metric": {}, "value": []}),
        vector({"metric": {}, "value": [0]}),
        vector({"metric": {}, "value": [0, "one"]}),
        vector({"metric": {}, "value": [0, ""]}),
        vector({"metric": {}, "value": [0, 1]}),
        vector({"metric": {}, "value": [0, None]}),
        vector({"metric": {}, "value": "01"}),
        vector({"metric": {"a": "\ud800"}, "value": [0, "1"]}),
    ],
)
def test_an_answer_of_another_shape_is_reported(body):
    with answering(with_body(body)) as url:
        assert "what answers there is no Prometheus" in refusal(url)


@contextmanager
def holding(campaign, change: Callable[[list[dict[str, object]]], None]) -> Iterator[str]:
    """A server that holds a campaign, but for a change to the series of every cell."""

    def answer(headers: HTTPMessage, body: bytes) -> Iterator[bytes]:
        (expression,) = parse_qs(body.decode())["query"]
        series = held(campaign, expression)
        if CAMPAIGN not in expression:
            change(series)
        return with_body(vector(*series))(headers, body)

    with answering(answer) as url:
        yield url


def held(campaign, expression: str) -> list[dict[str, object]]:
    record = campaign.record
    if CAMPAIGN in expression:
        return [{"metric": {"identity": record.identity}, "value": [0, "1"]}]
    (cell,) = [each for each in record.cells if f'cell="{each.position}"' in expression]
    found = []
    for replication in range(campaign.replications):
        result = campaign.result(cell, replication)
        samples = [*result.samples]
        for digest in result.digests.values():
            samples += [
                (DIGEST, {"bucket": str(bucket)}, float(count))
                for bucket, count in digest.occupied()
            ]
        common = {**series_labels(cell), "campaign": "synthetic", "replication": str(replication)}
        found += [
            {"metric": {**common, **labels, "__name__": name}, "value": [0, repr(value)]}
            for name, labels, value in samples
        ]
    return found


def read(campaign, change: Callable[[list[dict[str, object]]], None]) -> Study:
    with holding(campaign, change) as url:
        return study(campaign.record, Prometheus(url).runs(campaign.record))


@pytest.fixture(scope="module")
def small(synthetic):
    return synthetic(TRUE, machines=["p5-570"], replications=3)


def test_the_imitation_is_as_good_as_the_store(small, tmp_path):
    with small.fill(tmp_path) as store:
        assert read(small, lambda series: None) == analyse(store)


MUTATIONS = {
    "a replication that is missing": lambda one: one["metric"].pop("replication"),
    "a replication in words": lambda one: one["metric"].update(replication="first"),
    "a replication that is long": lambda one: one["metric"].update(replication="9" * 9000),
    "no name": lambda one: one["metric"].pop("__name__"),
    "infinite": lambda one: one.update(value=[0, "+Inf"]),
    "no number": lambda one: one.update(value=[0, "NaN"]),
    "negative": lambda one: one.update(value=[0, "-1"]),
    "huge": lambda one: one.update(value=[0, "1e300"]),
    "a label too many": lambda one: one["metric"].update(instance="other"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_damaged_run_is_reported(small, mutation):
    with pytest.raises(UserError, match="is incomplete or wrong there") as error:
        read(small, lambda series: MUTATIONS[mutation](series[-1]))
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("label", [{}, {"instance": "other"}])
def test_a_series_that_is_there_twice_is_not_counted_twice(small, label):
    def change(series):
        time = "vtax_processor_seconds_total"
        (first, *_) = [each for each in series if each["metric"]["__name__"] == time]
        series.append({**first, "metric": {**first["metric"], **label}})

    with pytest.raises(UserError, match=r"seconds_total (is there twice|has a label)"):
        read(small, change)


@pytest.mark.parametrize("bucket", ["-1", "first", "99999", "9" * 4000, "1.5", ""])
def test_a_bucket_that_digests_do_not_have_is_reported(small, bucket):
    def change(series):
        (digest, *_) = [each for each in series if each["metric"]["__name__"] == DIGEST]
        digest["metric"]["bucket"] = bucket

    with pytest.raises(UserError, match="is incomplete or wrong there"):
        read(small, change)


@given(
    st.integers(0, 10_000),
    st.sampled_from([*MUTATIONS, "drop", "double", "label", "label", "value", "value"]),
    st.text(max_size=5),
    st.floats(0, 1e18),
)
def test_whatever_is_changed_there_is_a_result_or_one_line(small, place, what, text, number):
    def change(series):
        one = series[place % len(series)]
        if what == "drop":
            series.remove(one)
        elif what == "double":
            series.append(one)
        elif what == "label":
            one["metric"][sorted(one["metric"])[place % len(one["metric"])]] = text
        elif what == "value":
            one["value"] = [0, repr(number)]
        else:
            MUTATIONS[what](one)

    with np.errstate(all="raise"):
        try:
            assert read(small, change).campaign.name == "synthetic"
        except UserError as error:
            assert str(error).startswith("--prometheus http://127.0.0.1:")


PASSWORD = "s3cret/p@ss:wörd %"
CREDENTIALS = f"me%40home:{quote(PASSWORD, safe='')}@"


def test_credentials_of_the_url_are_sent_and_not_printed():
    seen = []

    def answer(headers: HTTPMessage, body: bytes) -> Iterator[bytes]:
        seen.append(headers["Authorization"])
        return with_body(vector({"metric": {}, "value": [0, "7"]}))(headers, body)

    with answering(answer) as url:
        server = Prometheus(url.replace("http://", f"http://{CREDENTIALS}"))
        assert server.query("up", 0.0) == [({}, 7.0)]
        assert server.url == url
    kind, _, sent = seen[0].partition(" ")
    assert (kind, b64decode(sent).decode()) == ("Basic", f"me@home:{PASSWORD}")


@pytest.mark.parametrize(
    "url",
    [
        f"http://{CREDENTIALS}127.0.0.1:9/prom",
        f"http://{CREDENTIALS}127.0.0.1:99999",
        f"ftp://{CREDENTIALS}127.0.0.1:9",
        f"{CREDENTIALS}127.0.0.1:9",
        "http://me:s3cret/p@127.0.0.1:9",
        "http://me:9/s3cret@127.0.0.1:9",
        "http://me:s3cret@",
        "http://me:s3cret@127.0.0.1:9/?x=1",
    ],
)
def test_no_message_tells_a_password(synthetic, tmp_path, url):
    with synthetic(TRUE, replications=2).fill(tmp_path):
        pass
    done = CliRunner().invoke(app, ["verdict", str(tmp_path), "--prometheus", url])
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "s3cret" not in done.output


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            " ",
            "127.0.0.1:9090",
            "//127.0.0.1",
            "http:///",
            "http://:9090",
            "file:///etc/hosts",
        ),
        *("http://127.0.0.1:99999", "http://127.0.0.1:-1", "http://127.0.0.1:x", "http://[::1"),
        *("http://127.0.0.1:0", "http://a b", "http://a\nb", "http://a\x1b", "http://a\u202eb"),
        *("http://127.0.0.1/?query=1", "http://127.0.0.1/#here", "http://*", "http://a..b"),
        *("http://" + "a" * 300, "http://" + "a." * 200_000, "javascript:alert(1)"),
    ],
)
def test_an_invalid_url_is_reported(url):
    told = refusal(url)
    assert told.startswith("--prometheus ")


@contextmanager
def accepting(wrap: Callable[[socket.socket], socket.socket]) -> Iterator[str]:
    """A server that sends an answer to its first connection before it is asked."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError), wrap(connection) as wrapped:
            wrapped.sendall(OK + JSON + vector())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def test_a_server_without_the_encryption_of_the_url_is_reported():
    with accepting(lambda connection: connection) as url:
        assert "not reachable (" in refusal(url)


def test_an_untrusted_certificate_is_reported(tmp_path):
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    words = f"req -x509 -nodes -newkey rsa:2048 -subj /CN=me -keyout {key} -out {certificate}"
    subprocess.run([program("openssl"), *words.split()], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with accepting(lambda plain: context.wrap_socket(plain, server_side=True)) as url:
        assert "certificate verify failed" in refusal(url)


def test_proxies_of_the_environment_are_asked_about_other_machines_only(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert "not reachable through the proxy" in refusal("http://elsewhere.example")
    for host in ("127.0.0.1", "localhost"):
        with answering(with_body(vector())) as url:
            assert Prometheus(url.replace("127.0.0.1", host)).query("up", 0.0) == []
