"""Whatever stands in a campaign file, the answer is a plan or one line, never a traceback."""

import copy
import math
import tomllib
from datetime import date, datetime, time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.campaign.matrix import matrix_entries
from harness.campaign.reader import SHIPPED, CampaignFile, read_loads
from harness.errors import UserError

DATA = tomllib.loads((SHIPPED / "smoke.toml").read_text(encoding="utf-8"))
DATA["workloads"] = {
    "mine": {
        "user": "workloads/cpu.py:IntegerCompute",
        "users": 3,
        "think_time": "1 ms",
        "demand": {"processor": "1 ms"},
    },
    "commercial": [{"arrivals": "10 /s", "demand": {"calls": 3}}],
}
DATA["factors"]["workload"] = ["mine", "commercial"]
DATA["factors"]["partitions.app.count"] = [1, 3]
DATA["machines"] = {"p5-520": {"cores": 4, "memory": "32 GiB"}}
DATA["catalog"] = {
    "hypervisor": {"window": {"value": 5, "unit": "ms", "source": "x", "status": "verified"}}
}
DATA["partitions"][0].update(adapters=[{"device": "ethernet-1gb"}], weight=3, memory="1 GiB")

VALUES = [
    -1, 0, 1, 2, 65, 10**6, 2**70, 0.05, 1e308, -0.0, math.nan, math.inf, True, False,
    "", " ", "x", "1", "10 %", "1 ms", "2 per core", "1 /s", "8 KiB", "full-system", "idle",
    "a.py:B", "\n", "\x00", "[bold]", "日本", [], [[]], [1], ["x"], [{}], {}, {"a": 1},
    {"name": "x"}, [{"name": "x"}], date(2007, 4, 2), time(9), datetime(2007, 4, 2),
]  # fmt: skip


def places(node: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node)  # type: ignore[arg-type]
    found = []
    for key, value in inner:
        found.append((*path, key))
        if isinstance(value, (dict, list)):
            found.extend(places(value, (*path, key)))
    return found


PLACES = places(DATA)


def changed(path: tuple[object, ...], value: object, how: str) -> dict[str, object]:
    data = copy.deepcopy(DATA)
    node = data
    for key in path[:-1]:
        node = node[key]  # type: ignore[index]
    if how == "delete":
        del node[path[-1]]  # type: ignore[arg-type]
    elif how == "add" and isinstance(node, dict):
        node["new-key"] = copy.deepcopy(value)
    else:
        node[path[-1]] = copy.deepcopy(value)  # type: ignore[index]
    return data


@settings(max_examples=500, deadline=None)
@given(
    path=st.sampled_from(PLACES),
    value=st.sampled_from(VALUES),
    how=st.sampled_from(["replace", "replace", "replace", "delete", "add"]),
)
def test_no_value_anywhere_ends_in_a_traceback(path, value, how):
    data = changed(path, value, how)
    file = CampaignFile("c.toml", Path("c.toml"), "", data)
    try:
        entries = list(matrix_entries(file, read_loads(file)))
    except UserError as error:
        text = str(error)
        assert text.startswith("c.toml")
        assert len(text) < 600
    else:
        assert entries
        assert all((entry.cell is None) == (entry.infeasible is not None) for entry in entries)
