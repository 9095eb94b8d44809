"""What of a locustfile has no effect is told, once, in a line each."""

from pathlib import Path

import pytest

from harness.campaign.locust_notes import locust_notes
from harness.campaign.plan import make_plan

LOCUSTFILE = """
from locust import LoadTestShape, constant, events, tag, task
from workloads.cpu import IntegerDemand
from workloads.user import PartitionUser, transaction

{above}

class Mine(PartitionUser):
    demand_model = IntegerDemand
    {inside}

    @task
    @transaction
    def work(self):
        self.partition.compute(self.demand.processor)
"""


@pytest.fixture
def notes(write, tmp_path: Path):
    """Write a locustfile, and tell what of it has no effect."""

    def told(
        above: str = "", inside: str = "pass", load: str = 'users = "3 per core"'
    ) -> list[str]:
        text = LOCUSTFILE.format(above=above, inside=inside)
        (tmp_path / "mine.py").write_text(text)
        path = write(("workloads/cpu.py:IntegerCompute", "mine.py:Mine"))
        return locust_notes(make_plan(str(path)))

    return told


def test_a_plain_user_needs_no_note(notes, plan):
    assert notes() == []
    assert locust_notes(plan) == []


@pytest.mark.parametrize(
    ("above", "inside", "note"),
    [
        ("class Up(LoadTestShape):\n    def tick(self): ...", "pass", "mine.py: the load shape Up"),
        ("@events.init.add_listener\ndef _(**_): ...", "pass", "events (init) are not called"),
        ("", 'tag("fast")(task(lambda self: None))', None),
        ("", "weight = 3", "mine.py:Mine: weight has no effect"),
        ("", "fixed_count = 2", "mine.py:Mine: fixed_count has no effect"),
        ("", 'host = "http://x"', "mine.py:Mine: host has no effect"),
        ("", "min_wait = 5", "mine.py:Mine: min_wait have no effect"),
        ("", "wait_time = constant(1)", "the campaign's think_time has no effect"),
        ("", "wait_time = lambda self: self.think_time_seconds", None),
        ("", 'slow = tag("slow")(task(lambda self: None))', "tags (slow) choose nothing"),
    ],
)
def test_what_has_no_effect_is_noted_once(notes, above, inside, note):
    found = notes(above, inside)
    if note is None:
        assert found == []
    else:
        assert len(found) == 1
        assert note in found[0]
