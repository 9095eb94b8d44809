"""The host's time-sharing scheduler a second time: one loop from event to event over plain lists.

Written from the rules, which are these:

* Every thread (virtual processor) has a run time: how long it has occupied a processor.
* Who wakes may be behind the one that has run least, of those that run or wait, by no more than a
  quantum; that measure never falls from one waking to the next. When nobody runs, it is the thread
  that left last that counts.
* Who wakes takes a free processor: its last one, else the one that has been free longest. Without
  any, it displaces the one that has run most, if that is ahead of it by a quantum or more. Else it
  waits.
* A processor that becomes free goes to the one that waits and has run least; of equals, to the one
  that has waited longest.
* A turn lasts a quantum, but only while somebody waits: it begins anew for all that run when the
  first begins to wait. At its end the thread gives way to one that has run no longer.
* Putting a thread on a processor costs one switch. What a guest does on its processors is as in
  the pool.
"""

from pool_oracle import CEDE, DISPATCH, END, PREEMPT

NEVER = 1 << 60


def host_schedule(
    cores, quantum, switch, timeslice, preemption,
    vp_partition, thread_partition, demand, pause, end,
):  # fmt: skip
    """Give all that happens before ``end`` (time, kind, processor, VP), and the first tie."""
    count, threads = len(vp_partition), len(thread_partition)
    ran, home, turn = [0] * count, [-1] * count, [NEVER] * count
    on, thread, works, ends = [-1] * count, [-1] * count, [0] * count, [0] * count
    waiting: list[int] = []
    idled = [-v for v in range(count)]
    order = [0] * count
    free = list(range(cores))
    wakes, due, rest = [p[0] for p in pause], [0] * threads, [0] * threads
    queues: dict[int, list[int]] = {q: [] for q in vp_partition}
    rounds = [0] * threads
    log: list[tuple[int, int, int, int]] = []
    now = stamp = floor = last = 0
    together = end

    def start(v, p):
        nonlocal stamp
        stamp += 1
        on[v], home[v], order[v] = p, p, stamp
        works[v], ends[v] = now + switch, now + switch + timeslice
        turn[v] = now + quantum if waiting else NEVER
        log.append((now, DISPATCH, p, v))

    def leave(v, kind):
        nonlocal last
        p, on[v], last = on[v], -1, ran[v]
        log.append((now, kind, p, v))
        return p

    def preempt(v):
        rest[thread[v]] -= max(0, now - works[v])
        works[v] = now
        return leave(v, PREEMPT)

    def wait(v):
        nonlocal stamp
        if not waiting:
            for p in range(cores):
                for o in range(count):
                    if on[o] == p and turn[o] == NEVER:
                        turn[o] = now + quantum
                        stamp += 1
                        order[o] = stamp
        waiting.append(v)

    def release(p):
        if waiting:
            v = min(waiting, key=lambda o: ran[o])
            waiting.remove(v)
            start(v, p)
        else:
            free.append(p)

    def wake(v):
        nonlocal floor
        running = [o for o in range(count) if on[o] >= 0]
        least = min(ran[o] for o in running + waiting) if running else last
        floor = max(floor, least)
        ran[v] = max(ran[v], floor - quantum)
        if free:
            p = home[v] if home[v] in free else free[0]
            free.remove(p)
            start(v, p)
            return
        victim = max(running, key=lambda o: (ran[o], -on[o]))
        if preemption and ran[victim] - ran[v] >= quantum:
            p = preempt(victim)
            wait(victim)
            start(v, p)
        else:
            wait(v)

    while True:
        happenings = [(wakes[i], due[i], 0, i) for i in range(threads)]
        for v in range(count):
            if on[v] >= 0:
                at, what = min((turn[v], 2), (works[v] + rest[thread[v]], 1), (ends[v], 3))
                happenings.append((at, order[v], what, v))
        at, _, what, which = min(happenings)
        if at >= end:
            return log, together
        if at == now and together == end:
            together = now
        for v in range(count):
            if on[v] >= 0:
                ran[v] += at - now
        now = at
        stamp += 1
        if what == 0:
            wakes[which] = NEVER
            rest[which] = demand[which][rounds[which]]
            q = thread_partition[which]
            idle = [v for v in range(count) if vp_partition[v] == q and thread[v] < 0]
            if idle:
                v = max(idle, key=lambda o: idled[o])
                thread[v] = which
                wake(v)
            else:
                queues[q].append(which)
            continue
        queue, i = queues[vp_partition[which]], thread[which]
        if what == 1:
            log.append((now, END, on[which], which))
            rounds[i] = (rounds[i] + 1) % len(pause[i])
            if pause[i][rounds[i]]:
                wakes[i], due[i] = now + pause[i][rounds[i]], stamp
            else:
                rest[i] = demand[i][rounds[i]]
            goes_on = not pause[i][rounds[i]] and ends[which] > now
            if not pause[i][rounds[i]] and not goes_on:
                queue.append(i)
            stamp += 1
            if goes_on:
                works[which], order[which] = now, stamp
            elif queue:
                thread[which] = queue.pop(0)
                works[which], ends[which], order[which] = now, now + timeslice, stamp
            else:
                thread[which], idled[which] = -1, stamp
                release(leave(which, CEDE))
        elif what == 3:
            ends[which], order[which] = now + timeslice, stamp
            if queue:
                rest[i] -= max(0, now - works[which])
                works[which] = now
                queue.append(i)
                thread[which] = queue.pop(0)
        elif waiting and min(ran[o] for o in waiting) <= ran[which]:
            p = preempt(which)
            wait(which)
            release(p)
        else:
            turn[which], order[which] = now + quantum if waiting else NEVER, stamp
