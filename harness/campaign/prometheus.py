"""The measures of a campaign's runs, read from a Prometheus that holds them."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from harness.campaign.openmetrics import CAMPAIGN, DIGEST, begins, series_labels
from harness.campaign.record import CampaignRecord, CellRecord
from harness.campaign.result import Sample
from harness.clock import to_ns
from harness.errors import UserError
from harness.metrics.digest import Digest
from harness.metrics.families import RESPONSE
from harness.metrics.measures import Measures, measure

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

_SPAN_DAYS = 3650
"""No campaign simulates longer than this."""

_TIMEOUT_SECONDS = 60.0

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Prometheus:
    """A Prometheus server that answers queries.

    Every method raises :class:`~harness.errors.UserError` if the server is down, too slow, or no
    Prometheus at all.
    """

    def __init__(self, url: str) -> None:
        try:
            scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
        except ValueError:
            scheme, host = "", None
        if scheme not in ("http", "https") or not host:
            raise UserError(f"--prometheus {url}: no URL; it looks like http://127.0.0.1:9090")
        self.url = url.rstrip("/")
        # What the environment says about proxies is not meant for this machine itself.
        here = [urllib.request.ProxyHandler({})] if host in _LOOPBACK else []
        self._opener = urllib.request.build_opener(*here)

    def query(self, expression: str, at: float) -> list[tuple[dict[str, str], float]]:
        """Evaluate an instant query at a time (seconds since 1970): labels and value of each."""
        form = urlencode({"query": expression, "time": f"{at:.3f}"}).encode()
        try:
            with self._opener.open(
                f"{self.url}/api/v1/query", form, timeout=_TIMEOUT_SECONDS
            ) as reply:
                answer = json.load(reply)
            found = answer["data"]["result"]
            return [(dict(each["metric"]), float(each["value"][1])) for each in found]
        except urllib.error.HTTPError as error:
            raise self._failure(f"it refused the query ({_told(error)})") from None
        except urllib.error.URLError as error:
            raise self._failure(f"not reachable ({error.reason})") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"no answer ({error or type(error).__name__})") from None
        except (ValueError, LookupError, TypeError):
            raise self._failure("what answers there is no Prometheus") from None

    def runs(self, campaign: CampaignRecord) -> dict[int, dict[int, Measures]]:
        """Read what every run of the campaign's matrix measured: cell -> replication -> measures.

        Each number is the very one that the store has: Prometheus keeps and tells doubles exactly,
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
        for labels, value in self._last(campaign, _NAMES, common):
            name = labels.pop("__name__")
            replication = int(labels.pop("replication"))
            own = {label: text for label, text in labels.items() if label not in common}
            runs.setdefault(replication, []).append((name, own, value))
        try:
            return {number: _measures(runs[number]) for number in sorted(runs)}
        except (LookupError, ValueError) as error:
            raise self._failure(f"a run of {cell.title} is incomplete there ({error})") from None

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
    """Put a run's measures together, as :func:`harness.analysis.analyse` does from the store."""
    alone = {name: value for name, labels, value in samples if not labels}
    digest, responses = Digest(), 0.0
    for name, labels, value in samples:
        if name == DIGEST:
            digest.counts[int(labels["bucket"])] += round(value)
            digest.count += round(value)
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


def _told(error: urllib.error.HTTPError) -> str:
    """Return what Prometheus says about an error, or the status alone."""
    try:
        answer: dict[str, Any] = json.load(error)
        return str(answer["error"])
    except (OSError, ValueError, LookupError, TypeError):
        return f"HTTP {error.code}"
