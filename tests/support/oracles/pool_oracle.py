"""The shared pool a second time, as a loop over arrays: no objects, no queue of events, no alarms.

Written from the rules, which are these, so that its schedules can be held against the platform's:

* A virtual processor (VP) has its entitlement anew in every window. While somebody who could run
  waits, an uncapped partition's time beyond its entitlements counts against its weight.
* Who becomes ready takes a free processor: its last one, else one of the same chip, else the one
  that has been free longest. Without any, and with entitlement left, it displaces the VP on spare
  capacity whose partition has had most for its weight. Else it waits.
* A processor that becomes free goes to who waits with entitlement left, in order of arrival, else
  to the partition that waits for spare capacity and has had least for its weight. Who is displaced
  waits before the others.
* At the end of its entitlement a capped VP stops. An uncapped one goes on as long as nobody waits;
  while somebody does, it gives way to who has entitlement left, and at the end of its entitlement
  and of each turn to a partition that has had less for its weight. A turn begins anew when somebody
  begins to wait.
* Who has been ready since the window began and can wait no longer, if it is to get its entitlement
  in the window, displaces who can wait longest: first who is promised nothing in this window (it
  woke in the midst of it), then who has the least entitlement left.
* At the beginning of a window all that wait have entitlement: those that had some left come first,
  then those that waited for spare capacity, partition by partition, then the capped.
* A partition that comes to wait for spare capacity may have had less for its weight than the one
  that got some last, but by no more than one window's worth.
* Putting a VP on a processor costs one switch before any work; the VP occupies the processor
  meanwhile. A partition's threads take turns of a time slice, first come, first served, on the VP
  that became idle last. A thread that does not pause goes on within its slice.

What falls on the same nanosecond is taken in the order in which it was set off: when the burst, the
slice, the turn or the pause began.
"""

import numpy as np
from numba import njit

DISPATCH, PREEMPT, CEDE, END = range(4)
"""What happened, to a processor and a virtual processor."""

# Rows of a table of virtual processors.
_PART, _ENT, _USED, _STATE, _PLACE, _PROC, _HOME, _SINCE, _TURN = range(9)
_WORKS, _SLICE, _THREAD, _IDLED, _ORDER = range(9, 14)
# Rows of a table of partitions: what it has had beyond entitlement, and from where that counts.
_WEIGHT, _SPARE, _BASE, _CAME = range(4)
# Rows of a table of threads.
_OF, _WAKES, _REST, _QUEUED, _ROUND, _SET = range(6)

_IDLE, _WAITING, _RUNNING = range(3)
_NEVER = np.int64(1) << 60
_SCALE = 1 << 16


@njit(cache=True)
def _left(vps, v):
    return max(0, vps[_ENT, v] - vps[_USED, v])


@njit(cache=True)
def _had(parts, q):
    """What a partition has had for its weight."""
    return parts[_BASE, q] + parts[_SPARE, q] * _SCALE // parts[_WEIGHT, q]


@njit(cache=True)
def _wants(vps, parts, v):
    """Whether a virtual processor waits and could run."""
    return vps[_STATE, v] == _WAITING and (_left(vps, v) > 0 or parts[_WEIGHT, vps[_PART, v]] > 0)


@njit(cache=True)
def _contended(vps, parts):
    for v in range(vps.shape[1]):  # noqa: SIM110 (numba knows no generator expressions)
        if _wants(vps, parts, v):
            return True
    return False


@njit(cache=True)
def _note(log, now, kind, processor, v):
    n = log[0, 0] + 1
    log[0, 0] = n
    log[n, 0], log[n, 1], log[n, 2], log[n, 3] = now, kind, processor, v


@njit(cache=True)
def _start(vps, free, log, counters, now, v, p, switch, timeslice):
    vps[_STATE, v], vps[_PROC, v], vps[_HOME, v] = _RUNNING, p, p
    vps[_TURN, v] = now if _left(vps, v) == 0 else -1
    vps[_WORKS, v] = now + switch
    vps[_SLICE, v] = now + switch + timeslice
    counters[0] += 1
    vps[_ORDER, v] = counters[0]
    free[p] = _NEVER
    _note(log, now, DISPATCH, p, v)


@njit(cache=True)
def _wait(vps, parts, counters, now, v, first):
    """Let a virtual processor wait; whoever is on spare capacity begins a turn if he is alone."""
    alone = not _contended(vps, parts)
    q = vps[_PART, v]
    if _left(vps, v) == 0 and parts[_WEIGHT, q] > 0:
        newly = True
        for o in range(vps.shape[1]):
            if vps[_PART, o] == q and vps[_STATE, o] == _WAITING and _left(vps, o) == 0:
                newly = False
        if newly:
            counters[0] += 1
            parts[_CAME, q] = counters[0]
            least = counters[1] - counters[2] * _SCALE // parts[_WEIGHT, q]
            parts[_BASE, q] += max(0, least - _had(parts, q))
    vps[_STATE, v] = _WAITING
    counters[0] += 1
    vps[_PLACE, v] = -counters[0] if first else counters[0]
    if alone and _contended(vps, parts):
        for p in range(counters[3]):
            for o in range(vps.shape[1]):
                if vps[_PROC, o] == p and parts[_WEIGHT, vps[_PART, o]] > 0:
                    counters[0] += 1
                    vps[_ORDER, o] = counters[0]
                    if _left(vps, o) == 0:
                        vps[_TURN, o] = now


@njit(cache=True)
def _settle(vps, threads, now, v):
    threads[_REST, vps[_THREAD, v]] -= max(0, now - vps[_WORKS, v])
    vps[_WORKS, v] = now


@njit(cache=True)
def _preempt(vps, threads, log, now, v):
    p = vps[_PROC, v]
    _settle(vps, threads, now, v)
    _note(log, now, PREEMPT, p, v)
    vps[_STATE, v], vps[_PROC, v] = _IDLE, -1
    return p


@njit(cache=True)
def _neediest(vps, parts):
    """Who waits for spare capacity and has had least for its weight; of equals who came first."""
    best = -1
    for v in range(vps.shape[1]):
        if vps[_STATE, v] != _WAITING or _left(vps, v) > 0 or parts[_WEIGHT, vps[_PART, v]] == 0:
            continue
        if best >= 0:
            q, b = vps[_PART, v], vps[_PART, best]
            if (_had(parts, q), parts[_CAME, q], vps[_PLACE, v]) >= (
                _had(parts, b),
                parts[_CAME, b],
                vps[_PLACE, best],
            ):
                continue
        best = v
    return best


@njit(cache=True)
def _next_entitled(vps):
    best = -1
    for v in range(vps.shape[1]):
        waits = vps[_STATE, v] == _WAITING and _left(vps, v) > 0
        if waits and (best < 0 or vps[_PLACE, v] < vps[_PLACE, best]):
            best = v
    return best


@njit(cache=True)
def _release(vps, parts, free, log, counters, now, p, switch, timeslice):
    v = _next_entitled(vps)
    if v < 0:
        v = _neediest(vps, parts)
        if v >= 0:
            counters[1] = _had(parts, vps[_PART, v])
    if v >= 0:
        _start(vps, free, log, counters, now, v, p, switch, timeslice)
    else:
        counters[0] += 1
        free[p] = counters[0]


@njit(cache=True)
def _place_for(vps, free, v, per_chip):
    home = vps[_HOME, v]
    if home >= 0:
        if free[home] < _NEVER:
            return home
        first = home // per_chip * per_chip
        for p in range(first, min(first + per_chip, free.shape[0])):
            if free[p] < _NEVER:
                return p
    p = np.argmin(free)
    return p if free[p] < _NEVER else -1


@njit(cache=True)
def _wake(vps, parts, threads, free, log, counters, now, v, switch, timeslice, per_chip):
    vps[_SINCE, v] = now
    if _left(vps, v) == 0 and parts[_WEIGHT, vps[_PART, v]] == 0:
        _wait(vps, parts, counters, now, v, False)
        return
    p = _place_for(vps, free, v, per_chip)
    if p >= 0:
        _start(vps, free, log, counters, now, v, p, switch, timeslice)
        return
    if _left(vps, v) > 0:
        victim = -1
        for o in range(vps.shape[1]):
            q = vps[_PART, o]
            if vps[_STATE, o] == _RUNNING and parts[_WEIGHT, q] > 0 and _left(vps, o) == 0:
                if victim < 0:
                    victim = o
                    continue
                had, most = _had(parts, q), _had(parts, vps[_PART, victim])
                if had > most or (had == most and vps[_PROC, o] < vps[_PROC, victim]):
                    victim = o
        if victim >= 0:
            p = _preempt(vps, threads, log, now, victim)
            _wait(vps, parts, counters, now, victim, True)
            _start(vps, free, log, counters, now, v, p, switch, timeslice)
            return
    _wait(vps, parts, counters, now, v, False)


@njit(cache=True)
def _take_thread(threads, q):
    """The thread of a partition that has been queued longest."""
    best = -1
    for i in range(threads.shape[1]):
        waits = threads[_OF, i] == q and threads[_QUEUED, i] >= 0
        if waits and (best < 0 or threads[_QUEUED, i] < threads[_QUEUED, best]):
            best = i
    if best >= 0:
        threads[_QUEUED, best] = -1
    return best


@njit(cache=True)
def _window_begins(vps, parts, free, log, counters, now, switch, timeslice, per_chip):
    """Renew all entitlements, and put those that wait in their new order."""
    count = vps.shape[1]
    order = np.full(count, -1)
    n = 0
    for group in range(3):
        while True:
            best = -1
            for v in range(count):
                q = vps[_PART, v]
                if vps[_STATE, v] != _WAITING:
                    continue
                mine = 0 if _left(vps, v) > 0 else (1 if parts[_WEIGHT, q] > 0 else 2)
                if mine != group or np.any(order[:n] == v):
                    continue
                if best >= 0:
                    b = vps[_PART, best]
                    came = (parts[_CAME, q], parts[_CAME, b]) if group == 1 else (0, 0)
                    if (came[0], vps[_PLACE, v]) > (came[1], vps[_PLACE, best]):
                        continue
                best = v
            if best < 0:
                break
            order[n] = best
            n += 1
    vps[_USED] = 0
    vps[_TURN] = -1
    for i in range(n):
        counters[0] += 1
        vps[_PLACE, order[i]] = counters[0]
    for i in range(n):
        p = _place_for(vps, free, order[i], per_chip)
        if p < 0:
            break
        _start(vps, free, log, counters, now, order[i], p, switch, timeslice)


@njit(cache=True)
def _most_patient(vps, now, begun, window):
    best, most = -1, 0
    for v in range(vps.shape[1]):
        if vps[_STATE, v] == _RUNNING:
            laxity = begun + window - now - _left(vps, v)
            if vps[_SINCE, v] > begun:
                laxity = window
            if laxity > most or (best >= 0 and laxity == most and vps[_PROC, v] < vps[_PROC, best]):
                best, most = v, laxity
    return best


@njit(cache=True)
def _end_of(vps, parts, threads, v, now, contended, turn):
    """When a running virtual processor comes to a point, and to which: 0 work, 1 pool, 2 slice."""
    at, what = vps[_WORKS, v] + threads[_REST, vps[_THREAD, v]], 0
    weight = parts[_WEIGHT, vps[_PART, v]]
    left = _left(vps, v)
    if weight > 0 and not contended:
        limit = _NEVER
    elif vps[_TURN, v] < 0:
        limit = now + left
    else:
        limit = vps[_TURN, v] + turn
    if limit < at:
        at, what = limit, 1
    if vps[_SLICE, v] < at:
        at, what = vps[_SLICE, v], 2
    return at, what


@njit(cache=True)
def schedule(
    cores, per_chip, window, turn, switch, timeslice,
    vp_partition, vp_entitlement, weight, thread_partition, demand, pause, end,
):  # fmt: skip
    """Give all that happens before ``end``: rows of time (ns), kind, processor, VP.

    And the first moment at which two things happened that have nothing to do with each other: which
    comes first is decided by no rule.

    Parameters
    ----------
    vp_entitlement
        Of each virtual processor (ns per window).
    weight
        Of each partition; 0: capped.
    demand, pause
        Of each thread, round by round: it pauses, then asks for processor time (ns).
    """
    count, rounds = len(vp_partition), demand.shape[1]
    vps = np.zeros((14, count), np.int64)
    vps[_PART], vps[_ENT] = vp_partition, vp_entitlement
    vps[_HOME] = vps[_PROC] = -1
    vps[_IDLED] = -np.arange(count)
    parts = np.zeros((4, len(weight)), np.int64)
    parts[_WEIGHT] = weight
    threads = np.zeros((6, len(thread_partition)), np.int64)
    threads[_OF], threads[_WAKES] = thread_partition, pause[:, 0]
    threads[_QUEUED] = -1
    free = np.arange(cores) - cores
    log = np.zeros((1 << 16, 4), np.int64)
    # The number of the last thing noted, what who got spare capacity last had had, the window.
    counters = np.array([0, 0, window, cores])
    now = np.int64(0)
    begun = np.int64(0)
    together = np.int64(end)
    while log[0, 0] < len(log) - 64:
        contended = _contended(vps, parts)
        # What comes next?
        at, kind, which, order = begun + window, 0, 0, np.int64(-1)
        what = 0
        for i in range(threads.shape[1]):
            then = threads[_WAKES, i]
            if then < at or (then == at and kind == 1 and threads[_SET, i] < order):
                at, kind, which, order = then, 1, i, threads[_SET, i]
        for v in range(count):
            if vps[_STATE, v] == _RUNNING:
                then, why = _end_of(vps, parts, threads, v, now, contended, turn)
                if then < at or (then == at and kind > 0 and vps[_ORDER, v] < order):
                    at, kind, which, order, what = then, 2, v, vps[_ORDER, v], why
            elif vps[_STATE, v] == _WAITING and _left(vps, v) and vps[_SINCE, v] <= begun:
                then = begun + window - _left(vps, v)
                if then < at and _most_patient(vps, now, begun, window) >= 0:
                    at, kind, which = max(now, then), 3, v
        if at >= end:
            break
        if at == now and kind in (1, 2) and together == end:
            together = now
        # Let time pass.
        for v in range(count):
            if vps[_STATE, v] == _RUNNING:
                before = vps[_USED, v]
                vps[_USED, v] = before + at - now
                if contended:
                    beyond = vps[_USED, v] - max(before, vps[_ENT, v])
                    parts[_SPARE, vps[_PART, v]] += max(0, beyond)
        now = at
        if kind == 0:
            begun = now
            _window_begins(vps, parts, free, log, counters, now, switch, timeslice, per_chip)
        elif kind == 1:
            i = which
            threads[_WAKES, i] = _NEVER
            threads[_REST, i] = demand[i, threads[_ROUND, i]]
            idle = -1
            for v in range(count):
                idles = vps[_PART, v] == threads[_OF, i] and vps[_STATE, v] == _IDLE
                if idles and (idle < 0 or vps[_IDLED, v] > vps[_IDLED, idle]):
                    idle = v
            if idle >= 0:
                vps[_THREAD, idle] = i
                _wake(
                    vps, parts, threads, free, log, counters, now, idle, switch, timeslice, per_chip
                )
            else:
                counters[0] += 1
                threads[_QUEUED, i] = counters[0]
        elif kind == 3:
            patient = _most_patient(vps, now, begun, window)
            vps[_STATE, which] = _IDLE
            p = _preempt(vps, threads, log, now, patient)
            _wait(vps, parts, counters, now, patient, True)
            _start(vps, free, log, counters, now, which, p, switch, timeslice)
        elif what == 0:
            v, i, q = which, vps[_THREAD, which], vps[_PART, which]
            _note(log, now, END, vps[_PROC, v], v)
            threads[_ROUND, i] = r = (threads[_ROUND, i] + 1) % rounds
            if pause[i, r] > 0:
                threads[_WAKES, i] = now + pause[i, r]
                counters[0] += 1
                threads[_SET, i] = counters[0]
            else:
                threads[_REST, i] = demand[i, r]
            goes_on = pause[i, r] == 0 and vps[_SLICE, v] > now
            if pause[i, r] == 0 and not goes_on:
                counters[0] += 1
                threads[_QUEUED, i] = counters[0]
            following = i if goes_on else _take_thread(threads, q)
            if following >= 0:
                vps[_THREAD, v] = following
                vps[_WORKS, v] = now
                if not goes_on:
                    vps[_SLICE, v] = now + timeslice
                counters[0] += 1
                vps[_ORDER, v] = counters[0]
            else:
                vps[_STATE, v] = _IDLE
                counters[0] += 1
                vps[_IDLED, v] = counters[0]
                p = vps[_PROC, v]
                vps[_PROC, v] = -1
                _note(log, now, CEDE, p, v)
                _release(vps, parts, free, log, counters, now, p, switch, timeslice)
        elif what == 2:
            v, q = which, vps[_PART, which]
            vps[_SLICE, v] = now + timeslice
            counters[0] += 1
            vps[_ORDER, v] = counters[0]
            following = _take_thread(threads, q)
            if following >= 0:
                _settle(vps, threads, now, v)
                counters[0] += 1
                threads[_QUEUED, vps[_THREAD, v]] = counters[0]
                vps[_THREAD, v] = following
        else:
            v, q = which, vps[_PART, which]
            if parts[_WEIGHT, q] > 0 and _next_entitled(vps) < 0:
                other = _neediest(vps, parts)
                if other < 0 or _had(parts, q) <= _had(parts, vps[_PART, other]):
                    vps[_TURN, v] = now
                    counters[0] += 1
                    vps[_ORDER, v] = counters[0]
                    continue
            p = _preempt(vps, threads, log, now, v)
            _wait(vps, parts, counters, now, v, False)
            _release(vps, parts, free, log, counters, now, p, switch, timeslice)
    return log[1 : log[0, 0] + 1], together
