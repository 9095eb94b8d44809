import pytest

from harness.errors import UserError
from harness.real.target.cgroup import UnavailableError
from harness.real.target.channel import TargetError
from harness.real.target.pool import TargetPool, target_names
from harness.real.target.target import TARGETS


def test_targets_are_named_between_commas_each_once():
    assert target_names("native, qemu-tcg,native") == ("native", "qemu-tcg")
    assert target_names(",".join(TARGETS)) == TARGETS


@pytest.mark.parametrize("text", ["xen", "native,xen", "", ","])
def test_other_names_are_told_what_there_is(text):
    with pytest.raises(UserError, match="targets are native, capped, qemu-tcg, qemu-kvm"):
        target_names(text)


def test_what_does_not_work_is_reported_and_the_rest_goes_on(tmp_path):
    class TargetLauncher:
        def open(self, name, agent, staged=None):
            if name == "capped":
                raise UnavailableError("no quota")
            if name == "qemu-tcg":
                raise TargetError("it ended with exit code 1")
            return name

    pool = TargetPool(TargetLauncher(), tmp_path)
    unavailable = pool.probe(TARGETS)
    assert pool.up == ("native", "qemu-kvm")
    assert unavailable == {"capped": "no quota", "qemu-tcg": "it ended with exit code 1"}
