"""Which moves are refused, and why; what is refused changes nothing."""

from dataclasses import replace

import pytest
from modelling import DEDICATED
from moving import (
    GIB,
    MIB,
    belongings,
    finish,
    movable,
    mover,
    power6,
    reason,
    seconds,
    site_of,
    two,
)

from harness.model.config import (
    DiskConfiguration,
    EthernetConfiguration,
    VirtualEthernetConfiguration,
)
from harness.model.cpu.reconfiguration import crash
from harness.operations.dlpar import ChangeSharing
from harness.operations.live_migration import Move
from harness.operations.operation import RefusedError, Site, Status, carry_out


def refusal(site: Site, name: str = "app", target: str = "B") -> str:
    before = belongings(site)
    with pytest.raises(RefusedError) as refused:
        Move(name, target).check(site)
    assert finish(site, Move(name, target)) is Status.REFUSED
    assert reason(site) == str(refused.value)
    assert belongings(site) == before
    return reason(site)


def generation(system, name):
    return replace(system, machine=replace(system.machine, generation=name))


@pytest.mark.parametrize(
    ("part", "vios", "there", "why"),
    [
        (movable("app"), mover(vlans=(10, 20)), mover(vlans=(20,)), "virtual LAN 10"),
        (
            replace(movable("app"), ethernet=(EthernetConfiguration("ethernet-1gb"),)),
            mover(),
            mover(),
            "app owns the adapter ethernet-1gb: all of its I/O has to be virtual",
        ),
        (
            replace(movable("app"), disks=(DiskConfiguration("ds4400-raid0-5"),)),
            mover(),
            mover(),
            "app owns the adapter ds4400-raid0-5",
        ),
        (
            replace(movable("app"), disks=(DiskConfiguration("internal-scsi", "vios1"),)),
            mover(),
            mover(),
            "internal-scsi of app is inside its machine",
        ),
        (
            replace(
                movable("app"),
                disks=(DiskConfiguration("ds4400-raid0-5", "vios1", "logical-volume"),),
            ),
            mover(),
            mover(),
            "a logical-volume of vios1, which no other machine sees",
        ),
        (
            replace(movable("app"), virtual_ethernet=(VirtualEthernetConfiguration(10, (20,)),)),
            mover(vlans=(10, 20)),
            mover(),
            "virtual LAN 20, which no VIOS of B bridges",
        ),
        (
            replace(movable("app"), virtual_ethernet=(), disks=()),
            replace(mover(), shared_ethernet=None),
            mover(),
            "A has no Virtual I/O Server with an Ethernet adapter",
        ),
    ],
)
def test_refused_for_its_input_and_output(part, vios, there, why) -> None:
    site = site_of({"A": power6(part, vios=(vios,)), "B": power6(vios=(there,))})
    assert why in refusal(site)


@pytest.mark.parametrize(
    ("here", "there", "why"),
    [
        (
            generation(power6(movable("app")), "POWER5+"),
            power6(),
            "A is a POWER5+ machine: running partitions move between POWER6 machines only",
        ),
        (power6(movable("app")), generation(power6(), "POWER5"), "B is a POWER5 machine"),
        (
            power6(movable("app")),
            power6(movable("other", 2.5, 3)),
            "app is entitled to 1 cores, and B has 0.50 to spare",
        ),
        (
            power6(movable("app", 2.0, 2, DEDICATED)),
            power6(movable("other", 1.5, 2)),
            "app is entitled to 2 cores, and B has 1.50 to spare",
        ),
        (
            power6(movable("app")),
            power6(memory_bytes=GIB + 128 * MIB),
            "app has 0.25 GiB of memory, and B has 0.125 GiB to spare",
        ),
        (
            power6(movable("app")),
            replace(power6(), lan="annex"),
            "app is on the network lan, and B is on annex",
        ),
        (
            power6(movable("app")),
            replace(power6(), san="annex"),
            "the disks of app are on the SAN san, and B is on annex",
        ),
        (
            power6(movable("app")),
            power6(vios=(mover(1.0, 1, DEDICATED),)),
            "app shares processors, and B has no shared processor pool",
        ),
    ],
)
def test_refused_for_the_machines(here, there, why) -> None:
    assert why in refusal(site_of({"A": here, "B": there}))


def test_refused_for_what_is_not_there() -> None:
    site = site_of(two(movable("app")))
    assert "there is no machine Z" in refusal(site, target="Z")
    assert "there is no partition nobody" in refusal(site, "nobody")
    assert "app is on A already" in refusal(site, target="A")
    site.machines["A"].partitions["app"].crash()
    assert "app is down" in refusal(site)


def test_a_vios_does_not_move() -> None:
    site = site_of({"A": power6(movable("app"), vios=(mover(),)), "B": power6()})
    assert "both have a vios1" in refusal(site, "vios1")
    other = replace(mover(), name="vios2")
    part = replace(movable("app"), disks=())
    site = site_of({"A": power6(part, vios=(other,)), "B": power6()})
    assert refusal(site, "vios2") == "vios2 is a Virtual I/O Server: it belongs to A"


def test_refused_while_no_vios_of_the_target_is_up() -> None:
    site = site_of(two(movable("app")))
    vios = site.machines["B"].vios["vios1"]
    vios.hold(crash(vios.partition))
    assert refusal(site) == "B has no Virtual I/O Server that is up"


def test_refused_while_the_vios_that_bridges_its_network_is_down() -> None:
    other = replace(mover(0.5, 1, vlans=(20,)), name="vios2")
    systems = {"A": power6(movable("app"), vios=(mover(),)), "B": power6(vios=(mover(), other))}
    site = site_of(systems)
    vios, standby = (site.machines["B"].vios[name] for name in ("vios1", "vios2"))
    vios.hold(crash(vios.partition))
    assert "virtual LAN 10, which no VIOS of B bridges" in refusal(site)
    vios.standby = standby
    assert finish(site, Move("app", "B")) is Status.DONE
    assert site.machines["B"].configurations["app"].disks[0].vios == "vios2"


def test_refused_while_it_moves() -> None:
    site = site_of({**two(movable("app")), "C": power6()})
    first = carry_out(site, Move("app", "B"))
    seconds(site, 2)
    assert refusal(site, target="C") == "app is being moved already"
    assert finish(site, ChangeSharing("app", weight=10)) is Status.REFUSED
    assert reason(site) == "app is being migrated"
    while first.is_alive:
        seconds(site, 0.1)
    assert first.value is Status.DONE
    assert finish(site, Move("app", "C")) is Status.DONE


def test_room_is_kept_for_a_partition_on_its_way() -> None:
    site = site_of(two(movable("app", 2.0, 2), movable("rival", 1.0), there=[]))
    site.machines["B"].capacity.set_shared("vios1", entitlement_cores=2.0)
    process = carry_out(site, Move("app", "B"))
    seconds(site, 0.5)
    assert "B has 0.00 to spare" in refusal(site, "rival")
    while process.is_alive:
        seconds(site, 0.1)
    assert process.value is Status.DONE
