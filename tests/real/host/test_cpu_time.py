import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from harness.real.host.cpu_time import own_seconds, tree_faults, tree_seconds

WORK = "sum(range(3_000_000))"


@contextmanager
def running(code: str) -> Iterator[tuple[float, int]]:
    """Run code that prints what it took itself; yield this and the process id."""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield float(process.stdout.readline()), process.pid


def spent(code: str) -> tuple[float, float]:
    """Return what code took by itself and as seen from outside."""
    with running(code) as (inside, pid):
        return inside, tree_seconds(pid)


def test_ended_threads_and_children_count_from_outside():
    code = f"""
import subprocess, sys, threading, time, resource
def work(): {WORK}
thread = threading.Thread(target=work); thread.start(); thread.join()
subprocess.run([sys.executable, "-c", {WORK!r}])
total = 0
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    usage = resource.getrusage(who); total += usage.ru_utime + usage.ru_stime
print(total, flush=True)
sys.stdin.read()
"""
    inside, outside = spent(code)
    # The kernel rounds what children took down to a tick of 10 ms, for user and system mode.
    assert inside - 0.021 <= outside <= inside + 0.1


def test_own_time_is_to_the_nanosecond_and_holds_no_children():
    code = f"""
import subprocess, sys, threading, time
subprocess.run([sys.executable, "-c", {WORK!r}])
print(time.process_time(), flush=True)
sys.stdin.read()
"""
    with running(code) as (inside, pid):
        own, tree = own_seconds(pid), tree_seconds(pid)
        assert inside <= own < tree
    assert own_seconds(pid) == 0


def test_a_child_that_still_runs_counts():
    code = f"""
import subprocess, sys
child = subprocess.Popen(
    [sys.executable, "-c", "import sys, time; {WORK}; print(time.process_time(), flush=True);"
     "sys.stdin.read()"], stdin=subprocess.PIPE)
sys.stdin.read()
"""
    inside, outside = spent(code)
    assert outside >= inside > 0


def test_a_process_that_is_not_there_has_spent_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert tree_seconds(process.pid) == 0


def test_page_faults_of_children_that_were_waited_for_count():
    code = """
import mmap, resource, subprocess, sys
subprocess.run([sys.executable, "-c", "b = bytearray(3 << 20)"])
total = 0
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    usage = resource.getrusage(who); total += usage.ru_minflt + usage.ru_majflt
print(total, flush=True)
sys.stdin.read()
"""
    with running(code) as (inside, pid):
        assert inside > 1000
        assert inside <= tree_faults(pid) <= inside + 100
    assert tree_faults(pid) == 0
