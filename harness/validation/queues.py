"""Exact results about queues and schedules. Times in any unit, the same throughout.

Sources: L. Kleinrock, *Queueing Systems* I and II (1975, 1976); for M/D/1, A. K. Erlang (1909).
"""

import math
from collections.abc import Callable


def erlang_c(offered: float, servers: int) -> float:
    """Probability that an arrival has to wait in M/M/c (Erlang's second formula).

    ``offered`` is the load in servers, less than ``servers``.
    """
    terms = [offered**k / math.factorial(k) for k in range(servers)]
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(terms) + last)


def m_m_c_mean(utilization: float, servers: int, service: float = 1.0) -> float:
    """Mean response time of M/M/c."""
    waits = erlang_c(utilization * servers, servers)
    return service + waits * service / (servers * (1 - utilization))


def m_m_c_quantile(q: float, utilization: float, servers: int, service: float = 1.0) -> float:
    """Quantile of the response time of M/M/c, first come, first served.

    A service, and for those who wait an exponential time with rate (servers - load) / service.
    """
    waits = erlang_c(utilization * servers, servers)
    rate = servers * (1 - utilization)

    def tail(t: float) -> float:
        alone = math.exp(-t)
        if math.isclose(rate, 1.0):
            both = (1 + t) * alone
        else:
            both = (rate * alone - math.exp(-rate * t)) / (rate - 1)
        return (1 - waits) * alone + waits * both

    return service * _root(lambda t: 1 - q - tail(t))


def slowed_mean(
    utilization: float, servers: int, slowdown: Callable[[int], float], service: float = 1.0
) -> float:
    """Mean response time of M/M/c whose busy servers slow each other down (birth and death).

    ``slowdown(k)`` says how many times as long services take while ``k`` servers are busy, at
    each moment; ``utilization`` is the load if that is once.
    """
    arrivals = utilization * servers / service
    number, weight, total, present = 0, 1.0, 1.0, 0.0
    while weight > 1e-18 * total:
        number += 1
        busy = min(number, servers)
        weight *= arrivals * service * slowdown(busy) / busy
        total += weight
        present += number * weight
    return present / total / arrivals


def pollaczek_khinchine(
    utilization: float, squared_variation: float, service: float = 1.0
) -> float:
    """Mean response time of M/G/1, first come, first served."""
    waiting = utilization * (1 + squared_variation) / (2 * (1 - utilization))
    return service * (1 + waiting)


def m_d_1_quantile(q: float, utilization: float, service: float = 1.0) -> float:
    """Quantile of the response time of M/D/1 (Erlang's sum for the waiting time, and a service)."""

    def below(t: float) -> float:
        return (1 - utilization) * math.fsum(
            (utilization * (k - t)) ** k / math.factorial(k) * math.exp(utilization * (t - k))
            for k in range(int(t) + 1)
        )

    return service * (1 + _root(lambda t: below(t) - q))


def processor_sharing_mean(utilization: float, service: float = 1.0) -> float:
    """Mean response time of M/G/1 under processor sharing, for any service times."""
    return service / (1 - utilization)


def repairman(users: int, servers: int, think: float, service: float = 1.0) -> tuple[float, float]:
    """Throughput and mean response time of the closed queue M/M/c//N (machine repairman)."""
    weights = [1.0]
    for k in range(users):
        weights.append(weights[-1] * (users - k) / think * service / min(k + 1, servers))
    busy = math.fsum(w * min(k, servers) for k, w in enumerate(weights)) / math.fsum(weights)
    rate = busy / service
    return rate, users / rate - think


def spare_shares(entitlements: list[float], weights: list[int], cores: float) -> list[float]:
    """Processor time of partitions that always want more: entitlement, and spare by weight.

    Holds while no partition reaches the limit of its virtual processors.
    """
    spare = cores - sum(entitlements)
    total = sum(weights)
    return [e + spare * w / total for e, w in zip(entitlements, weights, strict=True)]


def worst_gap(entitlement: float, window: float) -> float:
    """Longest time between two dispatches of a virtual processor that stays runnable.

    ``entitlement`` is a part of a window (0 to 1]. It may run at the very start of one window and
    at the very end of the next (IBM SG24-7940 p. 78).
    """
    return 2 * (1 - entitlement) * window


def _root(rising: Callable[[float], float]) -> float:
    """Find where a rising function of a positive number is zero (bisection)."""
    low, high = 0.0, 1.0
    while rising(high) < 0:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
