import pytest

from harness.real.target import cgroup as control_group
from harness.real.target.cgroup import Mount, UnavailableError, find_mount, limit


def version_2(tmp_path, passing: str, own: str = "/user/session"):
    (tmp_path / own.lstrip("/")).mkdir(parents=True)
    for place in (tmp_path, tmp_path / "user", tmp_path / "user/session"):
        passed = "cpu memory" if place == tmp_path / passing else "memory"
        (place / "cgroup.subtree_control").write_text(passed)
    return f"cgroup2 {tmp_path} cgroup2 rw 0 0", f"0::{own}"


@pytest.mark.parametrize("passing", ["", "user", "user/session"])
def test_version_2_takes_the_nearest_group_that_passes_a_quota_on(tmp_path, passing):
    assert find_mount(*version_2(tmp_path, passing)) == Mount(2, tmp_path / passing)


def test_version_2_without_the_processor_controller_is_unavailable(tmp_path):
    with pytest.raises(UnavailableError, match="no control groups with a processor quota"):
        find_mount(*version_2(tmp_path, "nowhere"))


def test_version_1_takes_the_processor_hierarchy_and_no_other(tmp_path):
    other, processor = tmp_path / "cpuset", tmp_path / "cpu"
    other.mkdir()
    processor.mkdir()
    mounts = f"cgroup {other} cgroup rw,cpuset 0 0\ncgroup {processor} cgroup rw,cpu,cpuacct 0 0"
    assert find_mount(mounts, "") == Mount(1, processor)


def test_without_permission_the_place_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(UnavailableError, match=f"no permission .* below {tmp_path}"):
        find_mount(*version_2(tmp_path, ""))


@pytest.mark.parametrize("version", [1, 2])
def test_the_quota_is_half_a_processor(tmp_path, version):
    group = tmp_path / "group"
    limit(Mount(version, tmp_path), group)
    if version == 2:
        quota, period = map(int, (group / "cpu.max").read_text().split())
    else:
        quota = int((group / "cpu.cfs_quota_us").read_text())
        period = int((group / "cpu.cfs_period_us").read_text())
    assert quota / period == 0.5


def test_a_group_that_cannot_be_joined_says_so(tmp_path):
    with pytest.raises(UnavailableError, match="control group"):
        control_group.join(tmp_path / "missing", 1)
