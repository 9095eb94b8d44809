"""Mistakes in a campaign are reported in one line: file, key, value, what is allowed."""

import pytest

from harness.campaign.plan import make_plan
from harness.errors import UserError
from workloads.loading import scan_user

# What is replaced in the file, by what, then: key, value and the text that says what is allowed.
CASES = {
    # unknown or misspelt keys
    "table": ("[claim]", "[clam]", "clam", "{", "did you mean 'claim'?"),
    "setting": ("seed = 5", "sead = 5", "campaign.sead", "5", "did you mean 'seed'?"),
    "partition key": (
        "count = 2",
        "conut = 2",
        "partitions.app.conut",
        "2",
        "did you mean 'count'?",
    ),
    "vios key": (
        "entitlement = 1.0",
        "entitelment = 1.0",
        "vios.vios1.entitelment",
        "1.0",
        "did you mean 'entitlement'?",
    ),
    "workload key": (
        "think_time",
        "thinktime",
        "workloads.mine.thinktime",
        "'5 ms'",
        "did you mean 'think_time'?",
    ),
    "demand key": (
        "processor =",
        "procesor =",
        "workloads.mine.demand.procesor",
        "'2 ms'",
        "did you mean 'processor'?",
    ),
    # wrong types and units
    "text for number": ("count = 2", 'count = "2"', "partitions.app.count", "'2'", "whole number"),
    "fraction": ("count = 2", "count = 2.5", "partitions.app.count", "2.5", "whole number"),
    "truth for number": ("count = 2", "count = true", "partitions.app.count", "true", "whole"),
    "number for time": (
        'duration = "100 ms"',
        "duration = 100",
        "campaign.duration",
        "100",
        "needs a unit, for instance '20 ms'",
    ),
    "unit": (
        'duration = "100 ms"',
        'duration = "100 MHz"',
        "campaign.duration",
        "'100 MHz'",
        "a time is written in s, ms",
    ),
    "no duration": (
        'duration = "100 ms"',
        'duration = "0 s"',
        "campaign.duration",
        "'0 s'",
        "more than 0",
    ),
    "demand unit": (
        '"2 ms"',
        '"2 KiB"',
        "workloads.mine.demand.processor",
        "'2 KiB'",
        "a time is written in s, ms",
    ),
    "date": (
        "seed = 5",
        "starts = 2007-04-02T09:00:00",
        "campaign.starts",
        "2007",
        "needs its offset from UTC",
    ),
    "one name for a list": (
        'machine = ["p5-550"]',
        'machine = "p5-550"',
        "factors.machine",
        "'p5-550'",
        'must be a list; write ["p5-550"]',
    ),
    "a number for a list": (
        "vlans = [10]",
        "vlans = 10",
        "vios.vios1.shared_ethernet.vlans",
        "10",
        "must be a list; write [10]",
    ),
    "a name for a table": (
        '{ disk = "internal-scsi", as = "logical-volume" }',
        '"internal-scsi"',
        "vios.vios1.backing",
        "'internal-scsi'",
        'must be a table; write { disk = "internal-scsi" }',
    ),
    "a name for a table of several": (
        'virtual_scsi = ["vios1"]',
        'adapters = ["ethernet-1gb"]',
        "partitions.app.adapters.0",
        "'ethernet-1gb'",
        'must be a table; write { device = "ethernet-1gb" }',
    ),
    "a list for a demand's parameter": (
        '"2 ms"',
        '["2 ms"]',
        "workloads.mine.demand.processor",
        "[",
        "must be a text, a number, true or false",
    ),
    "a text for cores": (
        "entitlement = 1.0",
        'entitlement = "1.5 cores"',
        "vios.vios1.entitlement",
        "'1.5 cores'",
        "must be a number; write 1.5",
    ),
    "a text for replications": (
        "replications = 2",
        'replications = "two"',
        "campaign.replications",
        "'two'",
        "write a whole number, or { minimum = 10,",
    ),
    "decimal comma": (
        'duration = "100 ms"',
        'duration = "0,1 s"',
        "campaign.duration",
        "'0,1 s'",
        "has a comma; the decimal separator is a point",
    ),
    "a space in a name": (
        'name = "small"',
        'name = "so small"',
        "campaign.name",
        "'so small'",
        "did you mean 'so-small'?",
    ),
    "a number for per cent": ('"10 %"', "20", "campaign.margin", "20", "did you mean '20 %'?"),
    "per cent of a share": (
        'share = "25 %"',
        "share = 25",
        "partitions.app.share",
        "25",
        "must be at most 1; did you mean '25 %'?",
    ),
    "choice": (
        '"logical-volume"',
        '"volume"',
        "vios.vios1.backing.as",
        "'volume'",
        "must be 'physical' or 'logical-volume'",
    ),
    "no devices": (
        'as = "logical-volume"',
        'as = "logical-volume", devices = 0',
        "vios.vios1.backing.devices",
        "0",
        "at least 1",
    ),
    "vlan": ("vlan = 10", "vlan = 0", "partitions.app.virtual_ethernet.vlan", "0", "at least 1"),
    "campaign name": (
        'name = "small"',
        'name = "../small"',
        "campaign.name",
        "'../small'",
        "must match ^[A-Za-z0-9]",
    ),
    # names
    "machine": ("p5-550", "p5-55", "factors.machine", "'p5-55'", "did you mean 'p5-550'?"),
    "os": ('"rhel-as-3"', '"rhel-3"', "factors.os", "'rhel-3'", "did you mean 'rhel-as-3'?"),
    "virtualization": (
        '"dedicated", "hosted-uml"]',
        '"dedicate", "hosted-uml"]',
        "factors.virtualization",
        "'dedicate'",
        "did you mean 'dedicated'?",
    ),
    "workload": ('["integer"', '["intger"', "factors.workload", "'intger'", "did you mean"),
    "vios name": (
        'virtual_scsi = ["vios1"]',
        'virtual_scsi = ["vios2"]',
        "partitions.app.virtual_scsi",
        "'vios2'",
        "did you mean 'vios1'?",
    ),
    "disk": (
        "internal-scsi",
        "internal-scsy",
        "vios.vios1.backing.disk",
        "'internal-scsy'",
        "did you mean 'internal-scsi'?",
    ),
    "adapter": (
        "ethernet-1gb",
        "ethernet-2gb",
        "vios.vios1.shared_ethernet.adapter",
        "'ethernet-2gb'",
        "did you mean 'ethernet-1gb'?",
    ),
    "claimed but not tested": (
        'software = ["hosted-uml"]',
        'software = ["hosted-vmware"]',
        "claim.software",
        "'hosted-vmware'",
        "no such virtualization among the factors",
    ),
    "claimed at the wrong level": (
        'software = ["hosted-uml"]',
        'software = ["dedicated"]',
        "claim.software",
        "'dedicated'",
        "must be a hosted virtualization",
    ),
    "name taken": (
        'name = "app"\ncount = 2',
        'name = "vios1"',
        "partitions.vios1.name",
        "'vios1'",
        "is taken",
    ),
    "name reserved": (
        'name = "app"\ncount = 2',
        'name = "outside"',
        "partitions.outside.name",
        "'outside'",
        "is reserved",
    ),
    # entitlement and virtual processors
    "entitlement for each virtual processor": (
        'share = "25 %"\nvirtual_processors = "2 per core"',
        "entitlement = 0.15\nvirtual_processors = 2",
        "partitions.app.entitlement",
        "0.15",
        "at least 0.1 is needed for each virtual processor, which is 0.2 for 2",
    ),
    "entitlement of a share": (
        'share = "25 %"\nvirtual_processors = "2 per core"',
        'share = "1 %"',
        "partitions.app.share",
        "0.01",
        "is 0.08 cores on p5-550 (8 cores), shared-uncapped; at least 0.1",
    ),
    "a share of nothing": (
        'share = "25 %"\nvirtual_processors = "2 per core"',
        'share = "0.0001 %"',
        "partitions.app.share",
        "1e-06",
        "is less than 0.01 cores on p5-550 (8 cores), full-system, the smallest step",
    ),
    "an entitlement of nothing": (
        'share = "25 %"\nvirtual_processors = "2 per core"',
        "entitlement = 1e-12",
        "partitions.app.entitlement",
        "1e-12",
        "is less than 0.01 cores",
    ),
    "entitlement in steps": (
        'share = "25 %"\nvirtual_processors = "2 per core"',
        "entitlement = 0.125",
        "partitions.app.entitlement",
        "0.125",
        "steps of 0.01",
    ),
    "entitlement of a vios": (
        "entitlement = 1.0\nvirtual_processors = 2",
        "entitlement = 0.1\nvirtual_processors = 2\nprocessors = 'shared'",
        "vios.vios1.entitlement",
        "0.1",
        "at least 0.1 is needed for each virtual processor",
    ),
    "too few virtual processors": (
        'virtual_processors = "2 per core"',
        "virtual_processors = 1",
        "partitions.app.virtual_processors",
        "1",
        "needs at least 2",
    ),
    "virtual processors": (
        'virtual_processors = "2 per core"',
        "virtual_processors = 65",
        "partitions.app.virtual_processors",
        "65",
        "at most 64",
    ),
    # capacity
    "capacity": (
        'share = "25 %"\nvirtual_processors = "2 per core"',
        'share = "50 %"',
        "partitions.app.share",
        "0.5",
        "2 partitions and 1 VIOS need 9 cores together",
    ),
    "share": ('share = "25 %"', 'share = "125 %"', "partitions.app.share", "'125 %'", "at most 1"),
    "memory": (
        'share = "25 %"',
        'share = "25 %"\nmemory = "40 GiB"',
        "partitions.app.memory",
        "40960 MiB",
        "2 partitions and 1 VIOS need 81920 MiB together, but p5-550 has 65536 MiB",
    ),
    "little memory": (
        'share = "25 %"',
        'share = "25 %"\nmemory = "64 MiB"',
        "partitions.app.memory",
        "64 MiB",
        "at least 128 MiB",
    ),
    "memory in steps": (
        'share = "25 %"',
        'share = "25 %"\nmemory = "130 MiB"',
        "partitions.app.memory",
        "136314880 B",
        "multiple of 16 MiB",
    ),
    # features of the operating system
    "feature": (
        "count = 2",
        'count = 2\nrequires = ["dlpar-memory"]',
        "partitions.app.requires",
        "'dlpar-memory'",
        "rhel-as-3 does not have it",
    ),
    "feature name": (
        "count = 2",
        'count = 2\nrequires = ["dlpar-memry"]',
        "partitions.app.requires",
        "'dlpar-memry'",
        "did you mean 'dlpar-memory'?",
    ),
    # locustfiles
    "no locustfile": (
        "workloads/cpu.py:IntegerCompute",
        "gone.py:Billing",
        "workloads.mine.user",
        "'gone.py:Billing'",
        "there is no locustfile 'gone.py'",
    ),
    "no such user": (
        "IntegerCompute",
        "IntegerCompte",
        "workloads.mine.user",
        "'workloads/cpu.py:IntegerCompte'",
        "did you mean 'IntegerCompute'?",
    ),
    "no user named": (
        "workloads/cpu.py:IntegerCompute",
        "workloads/cpu.py",
        "workloads.mine.user",
        "'workloads/cpu.py'",
        "path/to/locustfile.py:UserClass",
    ),
    "disk number": (
        'users = "3 per core"',
        "disk = 1",
        "workloads.mine.disk",
        "1",
        "partition app1 has 1 disks; they count from 0",
    ),
    # margins and the like
    "margin of nothing": ('"10 %"', '"0 %"', "campaign.margin", "'0 %'", "more than 0"),
    "margin of all": ('"10 %"', '"100 %"', "campaign.margin", "'100 %'", "less than 1"),
    "margin beyond": ('"10 %"', "1.5", "campaign.margin", "1.5", "less than 1"),
    "margin below": ('"10 %"', '"-1 %"', "campaign.margin", "'-1 %'", "is negative"),
    "margin as text": ('"10 %"', '"small"', "campaign.margin", "'small'", "write '10 %'"),
    "level": ("seed = 5", "alpha = 0.5", "campaign.alpha", "0.5", "less than 0.5"),
    "one replication": (
        "replications = 2",
        "replications = 1",
        "campaign.replications.minimum",
        "1",
        "at least 2",
    ),
    "measure": (
        'software = ["hosted-uml"]',
        'software = ["hosted-uml"]\nmeasures = ["speed"]',
        "claim.measures.0",
        "'speed'",
        "must be 'slowdown', 'processor-time'",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_value_is_reported_with_file_key_value_and_what_is_allowed(write, name):
    old, new, key, value, allowed = CASES[name]
    path = write((old, new))

    with pytest.raises(UserError) as caught:
        make_plan(str(path))

    text = str(caught.value)
    assert text.startswith(f"{path}: {key} = ")
    shown = text.removeprefix(f"{path}: {key} = ")
    assert shown.startswith((value, f"'{value}"))
    assert allowed in shown
    assert "\n" not in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('duration = "100 ms"\n', "", "campaign.duration: is missing (Simulated time to be"),
        ('share = "25 %"\n', "", "partitions.app: needs exactly one of share, entitlement and"),
        (
            'share = "25 %"',
            'share = "25 %"\ncores = 2',
            "partitions.app: needs exactly one of share, entitlement and cores, not share and c",
        ),
        (
            'users = "3 per core"\nthink_time = "5 ms"',
            'users = 3\narrivals = "4 /s"',
            "workloads.mine: has users (closed) and arrivals (open); give one of them",
        ),
        (
            'users = "3 per core"',
            'arrivals = "4 /s"',
            "workloads.mine: has arrivals (open) and a think_time; only users have one",
        ),
        (
            "replications = 2",
            "replications = { minimum = 5, maximum = 9 }",
            "campaign.replications: a maximum above the minimum needs a half_width",
        ),
        ('os = ["aix-5.3", "rhel-as-3"]\n', "", "factors.os: is missing, and partition 'app'"),
        (
            'user = "workloads/cpu.py:IntegerCompute"\n',
            "",
            "workloads.mine.user: is missing ('mine' is no profile of the catalog)",
        ),
        (
            'demand = { processor = "2 ms" }',
            "demand = {}",
            "workloads.mine.demand.processor: is missing",
        ),
        (
            "count = 2",
            "count = 2\nlimits = { minimum_memory = '2 GiB', maximum_memory = '1 GiB' }",
            "partitions.app.limits: maximum_memory must be at least minimum_memory",
        ),
        (
            'as = "logical-volume"',
            'as = "physical", devices = 1',
            "vios.vios1.backing: devices has no effect with as = 'physical', where each client has",
        ),
        (
            'backing = { disk = "internal-scsi", as = "logical-volume" }',
            "disk_adapters = 2",
            "vios.vios1: disk_adapters has no effect without backing; leave it out",
        ),
        (
            "[[vios]]",
            "[vios]\nname = 'other'\n\n[[vios]]",
            "Cannot overwrite a value (at line 31, column 7); a table is written once; where "
            "several are allowed, each is [[vios]]",
        ),
        (
            "[claim]",
            "[vios]\n[vios]\n[claim]",
            "twice (at line 11, column 6); a table is written once; where several are",
        ),
        ("[[partitions]]", "[partitions]", "partitions: must be an array of tables; write [[part"),
        ("[[vios]]", "[vios]", "vios: must be an array of tables; write [[vios]]"),
        ("[factors]", "[[factors]]", "factors: must be one table; write [factors]"),
        ("[workloads.mine]", "[[workloads]]", "workloads: must be one table; write [workloads.NA"),
        (
            "[workloads.mine]",
            "[scenario]\nname = 's'\n[workloads.mine]",
            "scenario: must be an array of tables; write [[scenario]]",
        ),
        (
            'virtual_scsi = ["vios1"]',
            'virtual_scsi = ["vios1"]\nos = "aix-5.3"',
            "factors.os = ['aix-5.3', 'rhel-as-3']: has no effect, because every partition",
        ),
        (
            '[workloads.mine]\nuser = "workloads/cpu.py:IntegerCompute"\nusers = "3 per core"',
            "[[workloads.mine]]\nuser = 'workloads/cpu.py:IntegerCompute'\n"
            "demand = { processor = '1 ms' }\n[[workloads.mine]]\n"
            "user = 'workloads/cpu.py:IntegerCompute'",
            "workloads.mine: two groups are called 'mine'; give each a name of its own",
        ),
        (
            "[workloads.mine]",
            "[machines.p5-550]\ncores = 6\n[workloads.mine]",
            "machines.p5-550 = '9133-55A POWER5+ 6 @ 1.65 GHz': was never sold; sold were POWER5+",
        ),
        (
            "[workloads.mine]",
            "[machines.mainframe]\ncores = 6\n[workloads.mine]",
            None,
        ),
        (
            "[workloads.mine]",
            "[catalog.hypervisor.window]\nvalue = 5\nunit = 'ms'\n[workloads.mine]",
            "catalog: hypervisor.window: it has no source and no status",
        ),
        (
            "[workloads.mine]",
            "[catalog.hypervisor.windw]\nvalue = 5\nunit = 'ms'\nsource = 's'\n"
            "status = 'verified'\n[workloads.mine]",
            "hypervisor.windw: the catalog has no such constant; did you mean 'hypervisor.window'",
        ),
        (
            "seed = 5",
            'catalog = ["gone.toml"]',
            "gone.toml: cannot be read",
        ),
        (
            'count = 2\nshare = "25 %"\nvirtual_processors = "2 per core"',
            "count = 80\nentitlement = 0.1\nvirtual_processors = 1",
            "partitions = 81: at most 80 micro-partitions are allowed on p5-550 (8 cores), "
            "shared-uncapped: 10 per core",
        ),
    ],
)
def test_missing_and_contradictory_keys_are_reported(write, old, new, message):
    path = write((old, new))
    if message is None:
        make_plan(str(path))  # a machine that no factor names is not looked at
        return
    with pytest.raises(UserError) as caught:
        make_plan(str(path))
    text = str(caught.value)
    assert message in text
    assert text.startswith(str(path.parent))
    assert "\n" not in text


USER = """
from locust import task
from workloads.user import PartitionUser

class Billing(PartitionUser):
    @task
    def bill(self):
"""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_that_name\n", "does not load: ModuleNotFoundError"),
        ("def broken(:\n", "does not load: SyntaxError"),
        (
            "raise RuntimeError('at\\nhome')\n",
            "does not load: RuntimeError (billing.py, line 1): at",
        ),
        ("class Billing:\n    pass\n", "has no user 'Billing'"),
        (USER.replace("@task", "@property") + "        pass\n", "Billing has no task; write @task"),
        (
            f"{USER}        self.partition.compute(1)\n",
            "has no @transaction, so that nothing",
        ),
    ],
)
def test_a_broken_locustfile_is_reported(write, source, message):
    path = write(("workloads/cpu.py:IntegerCompute", "billing.py:Billing"))
    (path.parent / "billing.py").write_text(source)
    with pytest.raises(UserError) as caught:
        make_plan(str(path))
    text = str(caught.value)
    assert text.startswith(f"{path}: workloads.mine.user = 'billing.py:Billing': ")
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "source",
    [
        USER.replace("import P", "import transaction as measured, P").replace(
            "    @task\n", "    @task\n    @measured\n"
        )
        + "        pass\n",
        USER + "        self.environment.events.request.fire()\n",
        USER + "        from helper import work\n        work(self)\n",
        "from workloads.cpu import IntegerCompute\nclass Billing(IntegerCompute):\n    pass\n",
        "import workloads.cpu\nclass Billing(workloads.cpu.IntegerCompute):\n    pass\n",
    ],
    ids=["another name", "event", "function of a module", "base", "base by its module"],
)
def test_transactions_may_be_marked_anywhere(tmp_path, source):
    (tmp_path / "billing.py").write_text(source)
    helper = "import workloads.user\n@workloads.user.transaction\ndef work(user):\n    pass\n"
    (tmp_path / "helper.py").write_text(helper)
    names = [file.path for file in scan_user("billing.py:Billing", tmp_path)]
    assert names == ["billing.py", *(["helper.py"] if "helper" in source else [])]


def test_a_demand_needs_a_model(write):
    path = write(("workloads/cpu.py:IntegerCompute", "billing.py:Billing"))
    marked = USER.replace("import P", "import transaction, P").replace(
        "@task", "@task\n    @transaction"
    )
    (path.parent / "billing.py").write_text(f"{marked}        pass\n")
    with pytest.raises(UserError) as caught:
        make_plan(str(path))
    assert str(caught.value) == (
        f"{path}: workloads.mine.demand: Billing takes none; give it a demand_model, derived from "
        "workloads.user.EventDemand, that declares processor"
    )


@pytest.mark.parametrize(
    ("only", "message"),
    [
        ("machine", "write factor=value"),
        ("machne=p5-550", "no such factor; did you mean 'machine'?"),
        ("machine=p5-55", "no such machine; did you mean 'p5-550'?"),
        ("virtualization=physical", "no such virtualization; known: dedicated, full-system"),
    ],
)
def test_a_wrong_restriction_is_reported(write, only, message):
    with pytest.raises(UserError) as caught:
        make_plan(str(write()), only=[only])
    assert str(caught.value).startswith(f"--only {only}: ")
    assert message in str(caught.value)
