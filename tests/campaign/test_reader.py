import pytest

from harness.campaign.reader import read_campaign, read_loads, shipped_campaigns
from harness.errors import UserError

LOADS = '"mine"]'


def loads(path):
    return read_loads(read_campaign(str(path)))


def test_shipped_campaigns_are_found_by_name():
    assert {"smoke", "carrier", "consolidation"} <= set(shipped_campaigns())
    for name in shipped_campaigns():
        assert read_loads(read_campaign(name))[0].campaign.campaign.name == name


def test_without_further_factors_there_is_one_load(write):
    (only,) = loads(write())
    assert only.values == ()


def test_loads_are_the_product_of_further_factors_in_the_order_of_the_file(write):
    more = '\n"partitions.app.count" = [1, 2]\n"workloads.mine.users" = [4, "2 per core", 6]'
    found = loads(write((LOADS, LOADS + more)))
    assert [dict(load.values) for load in found] == [
        {"partitions.app.count": count, "workloads.mine.users": users}
        for count in ("1", "2")
        for users in ("4", "2 per core", "6")
    ]
    for load in found:
        values = dict(load.values)
        assert load.campaign.partitions[0].count == int(values["partitions.app.count"])
        users = load.campaign.workloads["mine"][0].users
        assert users is not None
        assert users.per_core == ("per core" in values["workloads.mine.users"])


def test_dotted_keys_need_no_quotes(write):
    quoted = loads(write((LOADS, LOADS + '\n"vios.vios1.entitlement" = [0.5, 1.0]')))
    bare = loads(write((LOADS, LOADS + "\nvios.vios1.entitlement = [0.5, 1.0]")))
    assert [load.values for load in quoted] == [load.values for load in bare]
    assert [load.campaign.vios[0].entitlement for load in bare] == [0.5, 1.0]


def test_a_load_may_set_a_key_that_the_file_does_not_have(write):
    found = loads(write((LOADS, LOADS + '\n"partitions.app.weight" = [64, 255]')))
    assert [load.campaign.partitions[0].weight for load in found] == [64, 255]
    found = loads(write((LOADS, LOADS + '\n"workloads.integer.users" = [1, 2]')))
    assert [load.campaign.workloads["integer"][0].users.number for load in found] == [1, 2]


def test_a_load_reaches_names_with_dots_and_groups_by_name(write):
    groups = (
        '[workloads.mine]\nuser = "workloads/cpu.py:IntegerCompute"\nusers = "3 per core"',
        '[[workloads.mine]]\nname = "a.b"\nuser = "workloads/cpu.py:IntegerCompute"\nusers = 3',
    )
    by_number = (LOADS, LOADS + '\n"workloads.mine.0.users" = [7, 8]')
    found = loads(write(groups, by_number))
    assert [load.campaign.workloads["mine"][0].users.number for load in found] == [7, 8]


def test_a_load_may_vary_a_constant(write):
    table = """
[catalog.hypervisor.window]
value = 10
unit = "ms"
source = "test"
status = "verified"
"""
    factor = (LOADS, LOADS + '\n"catalog.hypervisor.window.value" = [5, 10]')
    path = write(factor)
    path.write_text(path.read_text() + table)
    found = loads(path)
    values = [load.campaign.catalog["hypervisor"]["window"]["value"] for load in found]
    assert values == [5, 10]


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        ("machne = [1]", "no such factor; did you mean 'machine'?"),
        ('"partition.app.count" = [1]', "no such key that can vary; did you mean 'partitions"),
        ('"campaign.seed" = [1]', "no such key that can vary"),
        ('"partitions.ap.count" = [1]', "no such table; did you mean 'app'?"),
        ('"partitions.app.cuont" = [1]', "no such key; did you mean 'count'?"),
        ('"partitions.app" = [1]', "names a table, not a key of one"),
        ('"partitions.app.count.x" = [1]', "cannot be put into 2"),
        ('"partitions.app.count" = []', "must not be empty"),
        ('"partitions.app.count" = [1, 1]', "names a value twice"),
        ('"partitions.app.count" = 3', "must be a list"),
        ('"partitions.app.count" = ["x"]', "must be a whole number"),
    ],
)
def test_a_wrong_further_factor_is_named(write, factor, message):
    path = write((LOADS, f"{LOADS}\n{factor}"))
    with pytest.raises(UserError) as caught:
        loads(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "\n" not in text


def test_what_is_not_there_or_no_campaign_is_named(tmp_path):
    with pytest.raises(UserError, match="no such campaign; did you mean 'smoke'"):
        read_campaign("smokey")
    with pytest.raises(UserError, match=r"gone\.toml: cannot be read \(No such file"):
        read_campaign(str(tmp_path / "gone.toml"))
    with pytest.raises(UserError, match="cannot be read"):
        read_campaign(str(tmp_path))
    broken = tmp_path / "broken.toml"
    broken.write_text("[campaign\n")
    with pytest.raises(UserError, match=r"broken\.toml: is not TOML: .*line 1"):
        read_campaign(str(broken))
    broken.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is encoded in UTF-16; save it as UTF-8"):
        read_campaign(str(broken))
