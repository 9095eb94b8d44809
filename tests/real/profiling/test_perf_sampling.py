import subprocess
from random import Random

import pytest
from programs import missing, program

from harness.real.profiling import perf_sampling as sampling
from harness.real.profiling.perf_sampling import _shares

KERNEL = " ffffffff817ab5fc\n"
INTEGER = "     7fb3966dbf00 insn: 48 01 d8\n"
FLOATING = "     7fb3966dbf00 insn: f2 0f 58 c1\n"
VECTOR = "     7fb3966dbf00 insn: 66 0f 6f 06\n"
UNKNOWN = "     7fb3966dbf00\n"


def test_shares_are_counted_and_their_intervals_hold_them():
    found = _shares(KERNEL * 100 + INTEGER * 165 + FLOATING * 75 + VECTOR * 60 + "\n", kernel=True)
    assert found.system.estimate == pytest.approx(0.25)
    assert found.floating.estimate == pytest.approx(0.25)
    assert found.vector.estimate == pytest.approx(0.2)
    assert 0.2 < found.system.low < 0.25 < found.system.high < 0.3
    assert found.floating.high - found.floating.low > found.system.high - found.system.low


def test_nothing_seen_is_not_nothing_there():
    found = _shares(INTEGER * 100, kernel=True)
    assert found.floating.estimate == found.floating.low == 0.0
    assert 0.0 < found.floating.high < 0.05


def test_code_in_many_places_is_told_from_loops():
    def found(places: int) -> float:
        random = Random(1)
        at = [0x400000 + 64 * random.randrange(places) for _ in range(4000)]
        lines = [f"{address:x} insn: 48 01 d8\n" for address in at]
        return _shares("".join(lines), kernel=True).diffuse.estimate

    assert found(10) == found(64) == 0.0
    assert found(128) == pytest.approx(0.5, abs=0.05)
    # Each place seen once is no loop, although any 64 of them have as many samples as others.
    assert found(10**7) > 0.99


def test_what_cannot_be_told_has_a_reason():
    few = _shares(KERNEL * 10 + UNKNOWN * 100, kernel=True)
    assert few.system.samples == 110
    assert few.floating == "only 0 samples; at least 50 are needed"
    assert _shares(INTEGER * 100, kernel=False).system == "the kernel may not be sampled"


def test_long_programs_are_sampled_less_often(tmp_path):
    def hertz(seconds: float) -> int:
        command = sampling.wrapped(["true"], "cpu-clock", seconds, tmp_path / "samples")
        return int(command[command.index("-F") + 1])

    assert hertz(0.001) > hertz(2.0) > hertz(1000.0) >= 997


def test_a_floating_point_program_is_told_from_an_integer_one(tmp_path):
    program("gcc")
    program("perf", "linux-perf")
    if not sampling.event():
        missing("perf may not sample here (sysctl kernel.perf_event_paranoid=1)")
    for kind, step in (("double", "x * 1.0000001 + 0.5"), ("unsigned long", "x * 3 + (x >> 7)")):
        source = tmp_path / "program.c"
        source.write_text(
            f"int main(void) {{ volatile {kind} x = 1;"
            f" for (long i = 0; i < 30000000; i++) x = {step}; return 0; }}"
        )
        built, samples = tmp_path / "program", tmp_path / "samples"
        subprocess.run(["gcc", "-O1", "-o", built, source], check=True)
        event = sampling.event()
        command = sampling.wrapped([str(built)], event, 0.1, samples)
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        found = sampling.shares(samples, event)
        if kind == "double":
            assert found.floating.low > 0.6
        else:
            assert found.floating.high < 0.1
            assert found.vector.high < 0.1
