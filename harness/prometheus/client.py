"""The measures of a campaign's runs, read from a Prometheus that holds them."""

import http.client
import json
import math
from collections.abc import Mapping
from threading import Thread
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from pydantic import BaseModel, FailFast, ValidationError
from requests.auth import HTTPBasicAuth

from harness.engine.clock import to_ns
from harness.errors import UserError
from harness.metrics.ddsketch import GROWTH, Digest
from harness.metrics.families import FAMILIES, RESPONSE, RESPONSE_LABELS
from harness.metrics.measures import Measures, measure
from harness.prometheus.openmetrics import CAMPAIGN, DIGEST, begins, series_labels
from harness.results.record import CampaignRecord, CellRecord
from harness.results.run_result import Sample

_NAMES = "|".join(
    (
        "vtax_processor_seconds_total",
        "vtax_transactions_total",
        f"{RESPONSE}_(count|sum)",
        "vtax_partition_.+",
        "vtax_(measured|warm_up)_seconds",
        "vtax_warm_up_trustworthy",
        DIGEST,
    )
)
"""What measures are made of."""

_LABELS = {
    **{family.sample_name: family.labels for family in FAMILIES},
    **{f"{RESPONSE}_{part}": RESPONSE_LABELS for part in ("count", "sum")},
    DIGEST: ("bucket",),
}
"""The labels of their series, besides those that say which run it is."""

_SPAN_DAYS = 3650
"""No campaign simulates longer than this."""

_TIMEOUT_SECONDS = 60.0
"""How long an answer may take, from the name of the host to the last byte."""

_MAX_BYTES = 32 << 20
"""The longest answer that is read."""

_MAX_VALUE = 1e18
"""Nothing that a run measures or counts is larger."""

_LAST_BUCKET = math.log(1e15, GROWTH)
"""Digests have no bucket for longer response times, in nanoseconds."""

_MAX_URL = 2000

_MAX_SHOWN = 200
"""How many characters of a server's text are shown."""

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _Series(BaseModel):
    metric: dict[str, Any]
    value: tuple[float, str]


class _Vector(BaseModel):
    result: Annotated[list[_Series], FailFast()]


class _Answer(BaseModel):
    data: _Vector


class _Refusal(BaseModel):
    error: str


class _Session(requests.Session):
    """A session that follows no redirection, and reads nothing of one."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return no target."""


class Prometheus:
    """A Prometheus server that answers queries.

    Credentials in the URL (``http://user:password@host``, percent-encoded where needed) are sent
    as basic authentication; no message has them. For this machine itself the proxies of the
    environment are not asked.

    Every method raises :class:`~harness.errors.UserError` if the server is down, too slow, answers
    at too great length, or is no Prometheus.

    Attributes
    ----------
    url
        The server's URL without credentials.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            credentials, _, place = parts.netloc.rpartition("@")
            self.url = parts._replace(netloc=place).geturl().rstrip("/")
            requests.Request("POST", self.url).prepare()
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
            whole = url.isprintable() and " " not in url and len(url) <= _MAX_URL
            if not (valid and whole) or parts.query or parts.fragment or "@" in parts.path:
                raise ValueError
        except ValueError:
            _, at, shown = url.rpartition("@")  # a password may be before it
            raise UserError(
                f"--prometheus {'***' if at else ''}{at}{_brief(shown)}: no URL of a server; "
                "it looks like http://127.0.0.1:9090"
            ) from None
        self._auth = None
        if "@" in parts.netloc:
            user, _, password = credentials.partition(":")
            self._auth = HTTPBasicAuth(unquote_to_bytes(user), unquote_to_bytes(password))
        host = parts.hostname or ""
        self._proxies = {"no_proxy": host} if host in _LOOPBACK else {}

    def query(self, expression: str, at: float) -> list[tuple[dict[str, str], float]]:
        """Evaluate an instant query at a time (seconds since 1970): labels and value of each."""
        status, body = self._ask({"query": expression, "time": f"{at:.3f}"})
        if status != http.client.OK:
            raise self._failure(f"it refused the query ({_message(status, body)})")
        try:
            found = _Answer.model_validate_json(body).data.result
            # One by one: a list of all that is wrong in an answer may be longer than memory.
            if not all(isinstance(text, str) for each in found for text in each.metric.values()):
                raise ValueError
            return [(each.metric, float(each.value[1])) for each in found]
        except ValueError:
            raise self._failure("what answers there is no Prometheus") from None

    def _ask(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Return status and body of an answer, which must come in time as a whole."""
        answers: list[tuple[int, bytes] | Exception] = []

        def ask() -> None:
            try:
                answers.append(self._post(form))
            except Exception as error:
                answers.append(error)

        # A socket's time limit restarts with each byte; a name look-up has none.
        thread = Thread(target=ask, daemon=True)
        thread.start()
        thread.join(_TIMEOUT_SECONDS)
        answer = answers[0] if answers else requests.exceptions.Timeout()
        if isinstance(answer, requests.exceptions.Timeout):
            raise self._failure(f"no complete answer within {_TIMEOUT_SECONDS:g} s")
        if isinstance(answer, requests.exceptions.ProxyError):
            raise self._failure(f"not reachable through the proxy ({_reason(answer)})")
        if isinstance(answer, requests.exceptions.ConnectionError):
            raise self._failure(f"not reachable ({_reason(answer)})")
        if isinstance(answer, (OSError, ValueError, http.client.HTTPException)):
            raise self._failure(f"no answer ({_reason(answer)})")
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _post(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        # A connection each: after an answer, a server or a proxy may close it at any time.
        with (
            _Session() as session,
            session.post(
                f"{self.url}/api/v1/query",
                form,
                auth=self._auth,
                headers={"Accept-Encoding": "identity"},
                proxies=self._proxies.copy(),
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,
            ) as reply,
        ):
            if reply.headers.get("Content-Encoding", "identity") != "identity":
                raise self._failure("its answer is compressed, which was not asked for")
            body = bytearray()
            for part in reply.iter_content(1 << 16):
                body += part
                if len(body) > _MAX_BYTES:
                    raise self._failure(f"its answer has more than {_MAX_BYTES >> 20} MiB")
            return reply.status_code, bytes(body)

    def runs(self, campaign: CampaignRecord) -> dict[int, dict[int, Measures]]:
        """Read what every run of the campaign's matrix measured: cell -> replication -> measures.

        Each number is equal to that in the store: Prometheus keeps and returns doubles exactly,
        and the digest of the response times comes bucket by bucket.

        Raises
        ------
        UserError
            If the campaign is not there, another of the same name is, or a run is incomplete.
        """
        self._check_identity(campaign)
        cells = (cell for cell in campaign.cells if cell.scenario is None and not cell.infeasible)
        found = {cell.position: self._cell(campaign, cell) for cell in cells}
        return {position: runs for position, runs in found.items() if runs}

    def _check_identity(self, campaign: CampaignRecord) -> None:
        held = {
            labels.get("identity")
            for labels, _ in self._last(campaign, CAMPAIGN, {"campaign": campaign.name})
        }
        if not held:
            raise self._failure(
                f"does not hold campaign {campaign.name!r}; 'vtax observe DIR' serves it"
            )
        if held != {campaign.identity}:
            raise self._failure(
                f"holds another campaign that is named {campaign.name!r}, too (other settings, "
                "constants or version); 'vtax observe DIR' serves this one alone"
            )

    def _cell(self, campaign: CampaignRecord, cell: CellRecord) -> dict[int, Measures]:
        common = {"campaign": campaign.name, **series_labels(cell)}
        runs: dict[int, list[Sample]] = {}
        seen: set[frozenset[tuple[str, str]]] = set()
        found = self._last(campaign, _NAMES, common)
        try:
            for labels, value in found:
                series = frozenset(labels.items())
                name = labels.pop("__name__")
                if series in seen:
                    raise ValueError(f"{name} is there twice")
                seen.add(series)
                replication = int(labels.pop("replication"))
                if not 0 <= value <= _MAX_VALUE:
                    raise ValueError(f"{name} = {value:g}")
                own = {label: text for label, text in labels.items() if label not in common}
                # A copy of a series under another label would be counted twice.
                for label in own.keys() - set(_LABELS.get(name, ())):
                    raise ValueError(f"{name} has a label {label!r} that vtax does not give it")
                runs.setdefault(replication, []).append((name, own, value))
            return {number: _measures(runs[number]) for number in sorted(runs)}
        except KeyError as error:
            what = f"{error} is missing"
        except (ValueError, ArithmeticError) as error:
            what = str(error)
        raise self._failure(f"a run of {cell.title} is incomplete or wrong there ({_brief(what)})")

    def _last(
        self, campaign: CampaignRecord, names: str, labels: Mapping[str, str]
    ) -> list[tuple[dict[str, str], float]]:
        """Read the last sample of some series of the campaign, whenever in its time that is."""
        matchers = [f"__name__=~{_quoted(names)}"]
        matchers += [f"{label}={_quoted(text)}" for label, text in labels.items()]
        end = begins(campaign) + _SPAN_DAYS * 86_400
        selector = f"{{{','.join(matchers)}}}[{_SPAN_DAYS + 1}d]"
        return self.query(f"last_over_time({selector})", end)

    def _failure(self, what: str) -> UserError:
        return UserError(f"--prometheus {self.url}: {what}")


def _measures(samples: list[Sample]) -> Measures:
    """Put a run's measures together, as :func:`harness.analysis.study.analyse` does."""
    alone = {name: value for name, labels, value in samples if not labels}
    digest, responses = Digest(), 0.0
    for name, labels, value in samples:
        if name == DIGEST:
            bucket = int(labels["bucket"])
            if not 0 <= bucket <= _LAST_BUCKET or value != round(value):
                raise ValueError(f"{value:g} response times in bucket {bucket}")
            digest.add_count(bucket, round(value))
        elif name == f"{RESPONSE}_sum":
            digest.sum_ns += to_ns(value)
        elif name == f"{RESPONSE}_count":
            responses += value
    if digest.count != responses:
        raise ValueError(f"{digest.count} of {responses:.0f} response times")
    return measure(
        samples,
        [digest],
        measured_seconds=alone["vtax_measured_seconds"],
        warm_up_seconds=alone["vtax_warm_up_seconds"],
    )


def _quoted(text: str) -> str:
    """Write a string as PromQL has it; JSON's escapes are among those of Go."""
    return json.dumps(text, ensure_ascii=False)


def _message(status: int, body: bytes) -> str:
    """Return Prometheus's message about an error, or the status alone."""
    if status in range(300, 400):
        return f"HTTP {status}: it is at another address; give that one"
    try:
        return _brief(_Refusal.model_validate_json(body).error)
    except ValidationError:
        return f"HTTP {status}"


def _reason(error: BaseException) -> str:
    """Return the original reason of an error that libraries have wrapped."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    text = error.strerror if isinstance(error, OSError) else str(error)
    return _brief(str(text or error or type(error).__name__))


def _brief(text: str) -> str:
    """Return the beginning of a server's text, in printable characters."""
    shown = "".join(each if each.isprintable() else "?" for each in text[:_MAX_SHOWN])
    return shown if len(text) <= _MAX_SHOWN else f"{shown}..."
