import pytest

from harness.campaign.schema.campaign import Campaign
from harness.campaign.schema.fields import Scaled
from harness.campaign.workload import resolve_workload
from harness.catalog import load_catalog
from harness.errors import UserError

CATALOG = load_catalog()

LOCUSTFILE = """
from locust import task
from harness.units import Seconds
from workloads.user import Demand, PartitionUser, transaction


class BillingDemand(Demand):
    processor: Seconds
    records: int = 5


class Billing(PartitionUser):
    demand_model = BillingDemand

    @task
    @transaction
    def bill(self):
        self.partition.compute(self.demand.processor)
"""


def resolve(name, tables, base):
    campaign = Campaign.model_validate(
        {
            "campaign": {"name": "c", "duration": "1 s"},
            "factors": {"machine": ["p5-570"], "virtualization": ["full-system"]},
            "partitions": [{"name": "app", "cores": 1}],
            "workloads": {} if tables is None else {name: tables},
        }
    )
    return resolve_workload(name, campaign, CATALOG, "c.toml", base)


@pytest.mark.parametrize("name", CATALOG.profiles)
def test_every_profile_is_a_workload_whose_demand_is_the_catalogs(name, tmp_path):
    workload = resolve(name, None, tmp_path)
    profile = CATALOG.profile(name)
    assert [group.name for group in workload.groups] == [group.name for group in profile.groups]
    for group, model in zip(workload.groups, profile.groups, strict=True):
        assert group.drawn == model.demand
        assert group.think_time_seconds == model.think_time_seconds
        for parameter, constant in model.demand.items():
            assert group.demand[parameter] == CATALOG.constants[constant].value


def test_a_table_of_the_same_name_replaces_parts_of_a_profile(tmp_path):
    tables = {"users": 7, "demand": {"processor": "3 ms"}, "duration": "9 s"}
    workload = resolve("integer", tables, tmp_path)
    (group,) = workload.groups
    assert group.users == Scaled(7.0)
    assert group.demand["processor"] == 0.003
    assert group.demand["variation"] == CATALOG.constants[group.drawn["variation"]].value
    assert "processor" not in group.drawn
    assert workload.duration_seconds == 9.0


def test_arrivals_instead_of_users_leave_no_think_time(tmp_path):
    (group,) = resolve("commercial", {"arrivals": "40 /s per core"}, tmp_path).groups
    assert (group.users, group.arrivals) == (None, Scaled(40.0, per_core=True))
    assert group.think_time_seconds == 0.0


def test_the_groups_of_a_profile_are_changed_by_name(tmp_path):
    names = [group.name for group in CATALOG.profile("carrier-mix").groups]
    tables = [{"name": names[1], "users": 3}]
    changed = {g.name: g.users for g in resolve("carrier-mix", tables, tmp_path).groups}
    assert list(changed) == names
    assert changed[names[1]] == Scaled(3.0)
    everywhere = resolve("carrier-mix", {"users": 3, "duration": "2 s"}, tmp_path)
    assert {group.users for group in everywhere.groups} == {Scaled(3.0)}
    with pytest.raises(UserError, match=rf"workloads\.carrier-mix\.name = .*known: .*{names[0]}"):
        resolve("carrier-mix", [{"name": "nobody", "users": 3}], tmp_path)
    with pytest.raises(UserError, match="the profile has several groups"):
        resolve("carrier-mix", {"demand": {"processor": "1 ms"}}, tmp_path)


def test_a_locustfile_beside_the_campaign(tmp_path):
    (tmp_path / "billing.py").write_text(LOCUSTFILE)
    tables = {"user": "billing.py:Billing", "demand": {"processor": "4 ms"}}
    workload = resolve("billing", tables, tmp_path)
    (group,) = workload.groups
    assert group.demand == {"processor": 0.004, "records": 5}
    assert group.users == Scaled(1.0, per_core=True)
    assert dict(group.drawn) == {}
    (file,) = workload.files
    assert file.path == "billing.py"
    assert len(file.sha256) == 64


def test_groups_of_one_workload_share_a_duration_and_differ_in_name(tmp_path):
    (tmp_path / "billing.py").write_text(LOCUSTFILE)
    one = {"name": "a", "user": "billing.py:Billing", "demand": {"processor": "4 ms"}}
    two = {**one, "name": "b", "duration": "3 s"}
    workload = resolve("billing", [one, two], tmp_path)
    assert [group.name for group in workload.groups] == ["a", "b"]
    assert workload.duration_seconds == 3.0
    assert len(workload.files) == 1
    with pytest.raises(UserError, match="different durations"):
        resolve("billing", [{**one, "duration": "1 s"}, two], tmp_path)
