"""Compiled, the code where a run's time goes calculates with native integers."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from harness.engine import compiled

ROOT = Path(__file__).parents[2]

HOT = (
    "harness/engine/rounding.py",
    "harness/engine/splitmix.py",
    "harness/engine/linked_list.py",
    "harness/engine/event.py",
    "harness/engine/event_queue.py",
    "harness/engine/clock.py",
    "harness/model/ledger.py",
    "harness/model/tally.py",
    "harness/model/partition.py",
    "harness/model/cpu",
    "harness/model/io/channels.py",
    "harness/model/io/disk.py",
    "harness/model/io/block_path.py",
    "harness/model/net",
)
BOXED = re.compile(r"\bbox\(i64|\bunbox\(i64|CPyTagged_")
"""What mypyc's listing has where an integer becomes a Python object, or comes from one."""

KNOWN = {
    # For code outside, and where a run is set up or changed.
    "Clock.now_ns": 1,
    "Clock.peek": 1,
    "Clock.scheduled": 1,
    "Dispatcher.book_in_progress": 1,
    "add_vp": 1,
    "block": 1,
    "Partition.occupied_ns": 1,
    "RunQueue.wait_ns": 1,
    "CacheRefill.working_set_ns": 1,
    "resume": 2,
    "FreeProcessors.indices": 1,
    "VirtualProcessor.__repr__": 1,
    "SimulatedPartition.events": 1,
    "build_processors": 4,
    "Link.packets_per_interrupt": 2,
    # Errors.
    "Burst.progress": 2,
    "Clock.schedule": 1,
    "SimulatedPartition.transfer_at": 2,
    # Once for each size of a block or a message.
    "BlockCosts.for_size": 3,
    "BlockPath.transfer": 1,
    "BridgeCosts.work": 6,
    "BridgeStage.enter": 1,
    "Disk._set_size": 3,
    "StackCosts.packets": 4,
    "StackStage.enter": 1,
    "VirtualScsiPath.service_for": 1,
    # Interpreted only.
    "_scatter_interpreted": 14,
    "scatter": 2,
    # Once a second.
    "Folding.fire": 4,
    # Floating-point numbers become integers through a Python integer that needs no memory.
    "CacheRefill._lines_used": 2,
    "CacheRefill._refill": 2,
    "Bus.carry": 1,
    "Link.transmit": 1,
    "nearest": 2,
    "SplitMix64.random": 1,
    # Shares of spare capacity by weight have more than 64 bits.
    "SpareCapacity.best": 1,
    "SpareCapacity.charge": 5,
    "SpareCapacity.compete": 6,
    "SharedPool._on_spare": 1,
    "SharedPool.limit_reached": 1,
    # The number of a disk, and of an object.
    "SimulatedPartition._calls_of": 1,
}


def source(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def is_hot(module: str) -> bool:
    path = source(module).as_posix()
    return any(place in path for place in HOT)


def boxes(listing: str) -> Counter[str]:
    """How often each function boxes an integer, constructors left out."""
    found: Counter[str] = Counter()
    function = ""
    for line in listing.splitlines():
        match = re.match(r"def (\S+)\(", line)
        if match:
            function = match[1]
        elif BOXED.search(line) and "__init__" not in function and "top_level" not in function:
            found[function] += 1
    return found


def functions(modules: list[str]) -> set[str]:
    """The names of all functions and methods of some modules, as the listing has them."""
    names: set[str] = set()
    for module in modules:
        owner = ""
        for line in source(module).read_text().splitlines():
            match = re.match(r"( *)(class|def) (\w+)", line)
            if match and not match[1]:
                owner = f"{match[3]}." if match[2] == "class" else ""
            if match and match[2] == "def":
                names.add((owner if match[1] else "") + match[3])
    return names


@pytest.mark.slow
def test_hot_functions_box_no_integer_besides_those_known(tmp_path: Path):
    sources = [str(source(module).relative_to(ROOT)) for module in compiled.MODULES]
    code = (
        "import sys; from mypyc.build import mypycify; "
        "mypycify(sys.argv[2:], target_dir=sys.argv[1], group_name='vtax')"
    )
    command = [sys.executable, "-c", code, str(tmp_path), *sources]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    hot = functions([module for module in compiled.MODULES if is_hot(module)])
    found = boxes((tmp_path / "ops.txt").read_text())
    assert found, "the listing is not understood"
    new = {name: n for name, n in found.items() if name in hot and n > KNOWN.get(name, 0)}
    assert not new
