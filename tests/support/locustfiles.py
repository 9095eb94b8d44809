"""Locustfiles of a user with what lies beside them."""

from pathlib import Path

CAMPAIGN = """
[campaign]
name = "tiny"
duration = "60 ms"
warm_up = "5 ms"
replications = 2

[factors]
machine = ["p5-520"]
os = ["aix-5.3"]
virtualization = ["full-system", "shared-uncapped"]
workload = ["mine"]

[[partitions]]
name = "app"
share = "50 %"
virtual_processors = "2 per core"

[workloads.mine]
user = "mine.py:Mine"
users = "2 per core"
think_time = "5 ms"
demand = { processor = "1 ms" }
"""

SHARED = """
from locust import task
from workloads.user import PartitionUser, transaction


class Shared(PartitionUser):
    count = [0]

    @task
    @transaction
    def work(self):
        self.count[0] += 1
        self.partition.compute(0.001 if self.count[0] % 3 else 0.004)
"""
"""Users that share a counter, so that what one asks for depends on the others."""

USER = """
from locust import task
from harness.units import Seconds
from workloads.user import EventDemand, PartitionUser, transaction
{head}

class MineDemand(EventDemand):
    processor: Seconds

class Mine(PartitionUser):
    demand_model = MineDemand

    @task
    @transaction
    def work(self):
        {body}
"""
STEP = "def step(user, factor=1.0):\n    user.partition.compute(user.demand.processor * factor)\n"


def user(head: str = "", body: str = "self.partition.compute(self.demand.processor)") -> str:
    return USER.format(head=head, body=body.replace("\n", "\n        "))


def write(folder: Path, files: dict[str, str], campaign: str = CAMPAIGN) -> str:
    for name, text in {"tiny.toml": campaign, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return str(folder / "tiny.toml")


CALL = "shopsteps.step(self)"
LAYOUTS = {
    "sibling": {"mine.py": user("import shopsteps", CALL), "shopsteps.py": STEP},
    "from a sibling": {
        "mine.py": user("from shopsteps import step", "step(self)"),
        "shopsteps.py": STEP,
    },
    "package": {
        "mine.py": user("from steps import shopsteps", CALL),
        "steps/__init__.py": "from .shopsteps import step\n",
        "steps/shopsteps.py": STEP,
    },
    "namespace package": {
        "mine.py": user("from steps.deep import shopsteps", CALL),
        "steps/deep/shopsteps.py": STEP,
    },
    "package of the locustfile": {
        "mine.py": user("from . import shopsteps", CALL),
        "__init__.py": "",
        "shopsteps.py": STEP,
    },
    "in a function": {
        "mine.py": user("", "import shopsteps\nshopsteps.step(self)"),
        "shopsteps.py": "from inner import step\n",
        "inner.py": STEP,
    },
    "in a function, relative": {
        "mine.py": user("", "from .deep import shopsteps\nshopsteps.step(self)"),
        "__init__.py": "",
        "deep/__init__.py": "",
        "deep/shopsteps.py": "from ..inner import step\n",
        "inner.py": STEP,
    },
    "import_module": {
        "mine.py": user("import importlib", "importlib.import_module('shopsteps').step(self)"),
        "shopsteps.py": STEP,
    },
    "import_module of a name that is made": {
        "mine.py": user(
            "import importlib\nX = importlib.import_module('shop' + 'steps')", "X.step(self)"
        ),
        "shopsteps.py": STEP,
    },
    "circle": {
        "mine.py": user("import shopsteps", CALL),
        "shopsteps.py": "import other\n" + STEP,
        "other.py": "import shopsteps\ndef late():\n    return shopsteps.step\n",
    },
    "a name that is installed and in use": {
        "mine.py": user("from rich import step", "step(self)"),
        "rich.py": STEP,
    },
    "sys.path": {
        "mine.py": user(
            "import sys\nfrom pathlib import Path\n"
            "sys.path.insert(0, str(Path(__file__).parent / 'lib'))\nimport shopsteps",
            CALL,
        ),
        "lib/shopsteps.py": STEP,
    },
    "what looks into sys.modules": {
        "mine.py": user(
            "from __future__ import annotations\n"
            "import pickle, typing\nfrom dataclasses import dataclass\n"
            "@dataclass\nclass Step:\n    factor: Factor\nclass Factor(float): pass\n".replace(
                "from __future__ import annotations\n", ""
            ).replace("factor: Factor", "factor: 'Factor'"),
            "step = pickle.loads(pickle.dumps(Step(Factor(2))))\n"
            "assert typing.get_type_hints(Step)['factor'] is Factor\n"
            "assert type(step) is Step\n"
            "self.partition.compute(self.demand.processor)",
        )
    },
    "main": {
        "mine.py": user("", CALL.replace("shopsteps.step", "step"))
        + "\nfrom shopsteps import step\nif __name__ == '__main__':\n    raise SystemExit(1)\n",
        "shopsteps.py": STEP,
    },
}
