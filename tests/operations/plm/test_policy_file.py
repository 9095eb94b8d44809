"""Policy files: what they mean, and what is wrong with them in one line."""

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.operations.plm.policy_file import Share, Tunables, parse_policy, read_policy

MIB = 2**20
GOOD = """\
# The managed system
globals:
        hmc_host_name = hmc1.example
        hmc_user_name = hscroot
        hmc_cec_name = p5-570
        cpu_intervals = 4
        ec_delta = 20

dev:
        type = group
        cpu_type = shared
        cpu_maximum = 3
        mem_maximum = 0
        cpu_load_high = 1.5

app1:
        type = partition
        group = dev
        cpu_minimum = 0.2
        cpu_guaranteed = 0.6      # cores
        cpu_maximum = 1.5
        cpu_shares = 2
        cpu_free_unused = yes
        ec_delta = 50
        mem_pgstl_high = 0
app2:
        type = partition
        group = dev
        mem_guaranteed = 1024
        mem_delta = 256
big:
        type = group
        cpu_type = dedicated
app3:
        type = partition
        group = big
        cpu_guaranteed = 2
"""


def test_a_policy_says_what_each_partition_may_have():
    policy = parse_policy(GOOD, "dir/site.plm")
    assert policy.name == "site.plm"
    dev, big = policy.groups
    assert (dev.name, dev.dedicated, dev.maximum_cores, dev.maximum_memory_bytes) == (
        "dev",
        False,
        3.0,
        0,
    )
    assert (big.dedicated, big.maximum_cores, big.maximum_memory_bytes) == (True, None, None)
    assert [member.name for member in policy.members] == ["app1", "app2", "app3"]
    app1, app2 = dev.members
    assert app1.line == 16
    assert app1.processors == Share(0.2, 0.6, 1.5, 2)
    assert app2.processors == Share()
    assert app2.memory == Share(None, 1024 * MIB, None, 1)


def test_the_nearest_stanza_says_how_it_is_managed():
    (app1, app2), (app3,) = (group.members for group in parse_policy(GOOD, "x").groups)
    assert app1.tunables == Tunables(
        cpu_intervals=4, cpu_load_high=1.5, cpu_free_unused=True, ec_delta=0.5
    )
    assert app2.tunables == Tunables(
        cpu_intervals=4, cpu_load_high=1.5, ec_delta=0.2, mem_delta=256 * MIB
    )
    assert app3.tunables == Tunables(cpu_intervals=4, ec_delta=0.2)


def test_globals_are_not_needed():
    text = "g:\n type=group\na:\n type=partition\n group=g\n"
    assert [member.tunables for member in parse_policy(text, "x").members] == [Tunables()]


MISTAKES = [
    ("cpu_intervals = 4", "cpu_intervals = 0", 6, "cpu_intervals = '0': needs a whole number from"),
    ("cpu_intervals = 4", "cpu_interval = 4", 6, "did you mean 'cpu_intervals'?"),
    ("cpu_intervals = 4", "cpu_intervals 4", 6, "is neither 'stanza:' nor 'attribute = value'"),
    ("hmc_cec_name = p5-570", "hmc_user_name = x", 5, "'hmc_user_name' is there already, in line"),
    ("globals:", "cpu_intervals = 1\nglobals:", 2, "stands before the first stanza, 'globals:'"),
    ("ec_delta = 20", "ec_delta = 120", 7, "ec_delta = '120': needs a number from 1 to 100 (%)"),
    ("ec_delta = 20", "cpu_shares = 2", 7, "stanza 'globals' has no attribute 'cpu_shares'"),
    ("cpu_type = shared", "cpu_type = mixed", 11, "cpu_type = 'mixed': needs shared or dedicated"),
    ("cpu_maximum = 3", "cpu_maximum = -1", 12, "cpu_maximum = '-1': needs a number from 0 on"),
    ("cpu_maximum = 3", "cpu_maximum = nan", 12, "needs a number from 0 on (cores)"),
    ("mem_maximum = 0", "mem_maximum = 1 GB", 13, "needs a whole number (MB)"),
    ("cpu_load_high = 1.5", "cpu_minimum = 1", 14, "stanza 'dev' has no attribute 'cpu_minimum'"),
    ("type = group", "type = grupe", 10, "type = 'grupe': allowed are group and partition"),
    (
        "        type = group\n        cpu_type = sh",
        "        cpu_type = sh",
        9,
        "needs type = group",
    ),
    ("app1:", "dev:", 16, "stanza 'dev' is there already, in line 9"),
    ("app1:", ":", 16, "is neither"),
    ("group = dev\n        cpu_min", "group = dve\n        cpu_min", 18, "did you mean 'dev'?"),
    (
        "        group = dev\n        cpu_min",
        "        cpu_min",
        16,
        "'app1' needs group = its group",
    ),
    ("cpu_minimum = 0.2", "cpu_minimum = 0.7", 20, "cpu_minimum must be at most cpu_guaranteed"),
    ("cpu_maximum = 1.5", "cpu_maximum = 0.5", 21, "cpu_guaranteed must be at most cpu_maximum"),
    ("cpu_minimum = 0.2", "cpu_minimum = 0.205", 19, "needs steps of 0.01 cores"),
    ("cpu_shares = 2", "cpu_shares = 256", 22, "needs a whole number from 0 to 255"),
    ("cpu_free_unused = yes", "cpu_free_unused = 1", 23, "needs yes or no"),
    ("ec_delta = 50", "cpu_load_low = 1.5", 24, "cpu_load_low must be less than cpu_load_high"),
    ("cpu_guaranteed = 2\n", "cpu_guaranteed = 1.5\n", 37, "needs whole cores"),
    ("        group = big\n", "        group = dev\n", 31, "group 'big' has no partition"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "message"), MISTAKES)
def test_a_mistake_is_one_line_with_file_and_line(right, wrong, line, message):
    assert GOOD.count(right) >= 1
    with pytest.raises(UserError) as caught:
        parse_policy(GOOD.replace(right, wrong, 1), "site.plm")
    text = str(caught.value)
    assert text.startswith(f"site.plm:{line}: "), text
    assert message in text
    assert "\n" not in text


def test_a_policy_needs_a_group():
    with pytest.raises(UserError, match=r"^site.plm: there is no group of partitions to manage$"):
        parse_policy("globals:\n", "site.plm")


def test_a_file_is_read_or_the_reason_said(tmp_path: Path):
    path = tmp_path / "site.plm"
    with pytest.raises(UserError, match=r"site.plm: cannot be read \(No such file"):
        read_policy(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"site.plm: is encoded in UTF-16; save it as UTF-8"):
        read_policy(path)
    path.write_text(GOOD)
    assert read_policy(path) == parse_policy(GOOD, str(path))
