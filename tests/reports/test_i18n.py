"""Every text is used, and whatever is used is there."""

import math
from dataclasses import replace

import pytest
from real_studies import beside, imported, real_study

from harness.analysis.breakdown.accounts import WAITS
from harness.analysis.doubts import Doubt
from harness.analysis.overhead import CAPACITY, MEASURES
from harness.analysis.study import Outcome
from harness.catalog.constant import Status
from harness.model.ledger import CAUSE_LABELS
from harness.results.record import LEVELS
from harness.results.store import Failure
from harness.validation.row import FigureKind
from reports.builder import render
from reports.evidence import Evidence
from reports.i18n import LOCALES, Texts
from reports.sections.main import IMPORT_SECTIONS, SECTIONS
from tests.support.capable import capable
from tests.support.sensitive import sensitive


@pytest.fixture(params=sorted(path.stem for path in LOCALES.glob("*.toml")))
def texts(request):
    return Texts(request.param)


def leaves(tree, prefix=""):
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from leaves(value, f"{path}.")
        else:
            yield path


def test_fills_in_what_is_named(texts):
    assert "7" in texts("verdict.further", count=7)
    with pytest.raises(KeyError):
        texts("verdict.nothing")
    with pytest.raises(KeyError):
        texts("verdict")
    with pytest.raises(KeyError):
        texts("method.steps")
    with pytest.raises(KeyError):
        texts.many("verdict.title")
    with pytest.raises(KeyError):
        texts.titled("verdict.title")


def test_leaves_braces_alone_that_a_user_typed(texts):
    assert "{0} {x}" in texts("verdict.further", count="{0} {x}")


def test_names_everything_that_has_a_fixed_name(texts):
    for kind, names in (
        ("outcome", Outcome),
        ("sign", Outcome),
        ("status", Status),
        ("failure", Failure),
        ("measure", (*MEASURES, CAPACITY)),
        ("short_measure", (*MEASURES, CAPACITY)),
        ("measure_meaning", (*MEASURES, CAPACITY)),
        ("cause", CAUSE_LABELS),
        ("cause_meaning", CAUSE_LABELS),
        ("doubt", Doubt),
        ("wait", WAITS),
        ("level", ("baseline", "firmware", "software", "other", *LEVELS.values())),
        ("real_measure_meaning", ("slowdown", "processor-time")),
    ):
        known = texts._tree["names"][kind]
        assert known.keys() == {str(name) for name in names}
    assert texts.name("os", "of-my-own") == "of-my-own"


def test_names_all_topics_of_the_catalog(texts, shipped):
    topics = {constant["path"][0] for constant in shipped.constants}
    assert topics <= texts._tree["names"]["topic"].keys()


def test_takes_what_a_user_wrote_in_this_language_or_english():
    english = Texts("en")
    assert english.of({"en": "a", "ja": "b"}) == "a"
    assert english.of({"ja": "b"}) == ""


def test_every_section_has_a_title(texts):
    for name, _ in (*SECTIONS, *IMPORT_SECTIONS):
        assert texts(f"{name}.title")


_RELATIONS = (
    "elements.equals",
    "elements.at-least",
    "elements.nothing",
    "elements.further",
    "elements.no_operations",
)
"""Shown by what scenarios expect."""


@pytest.mark.usefixtures("undrawn")
def test_no_text_is_left_over(
    build, truths, make_product, miss_figures, play, shipped, validate, monkeypatch, tmp_path
):
    used = set()
    find = Texts._find

    def recorded(self, key, kind):
        used.add(key)
        return find(self, key, kind)

    monkeypatch.setattr(Texts, "_find", recorded)
    for true in truths.values():
        build(true=true)
    failing = {("p5-570", "shared-uncapped", 1)}
    build(true=truths["confirmed"], replications=2, failing=failing)
    build(true=truths["confirmed"], replications=2, infeasible={("p5-550", "hosted-vmware")})
    build(true=truths["confirmed"], claim=None, replications=1)
    dear = {**truths["refuted"], "hosted-vmware": {"response": 1.1, "processor": 1.0}}
    build(true=dear)
    counts = {"minimum": 2, "maximum": 4, "half_width": 0.01}
    other = make_product(shipped, systems=2, replications=counts["minimum"])
    render(other, Evidence({"d": {"x": 1.0}}, host="builder, Linux"))
    made_of = {"shared-uncapped": ("hypervisor.vp_switch", "hypervisor.window")}
    foreign = {"model_digest": "0", "constants_digest": "0", "quick": True}
    render(other, Evidence(validation=validate(shipped, **foreign), used=made_of))
    whole = validate(shipped)
    held = whole.model_copy(update={"rows": tuple(row for row in whole.rows if row.passed)})
    render(make_product(shipped, systems=1), Evidence(validation=held))
    worded = (
        replace(whole.rows[-1], figure=FigureKind.UPPER_BOUND),
        replace(whole.rows[-1], figure=FigureKind.BAND, band=(1.0, 2.0)),
        replace(whole.rows[-1], value=math.nan, not_modelled="why"),
    )
    worded = whole.model_copy(update={"rows": (*whole.rows, *worded)})
    render(make_product(shipped, systems=1), Evidence(validation=worded))
    campaign = replace(other.campaign, replications=counts, source="my own.toml")
    live = (("integer", "a user reads the time"),)
    render(replace(other, campaign=campaign, damaged=("a row",), live=live))
    for found in (
        sensitive(other, model="another"),
        sensitive(other, break_even=sensitive(other).break_even[:0], driven=()),
    ):
        render(other, evidence=Evidence(sensitivity=found))
    extremes = {
        "full-system": 1.0,
        "physical": 0.4,
        "dedicated": 1.9,
        "shared-capped": 2.1,
        "shared-uncapped": 1.3,
        "hosted-uml": 2.0,
    }
    divided = {
        "firmware": ["shared-uncapped"],
        "software": ["hosted-uml"],
        "measures": [],
        "text": {},
        "parts": [
            {
                "name": name,
                "below": below,
                "measures": [measure],
                "margin": None,
                "workloads": None,
                "text": {"en": f"It is {name}."},
            }
            for name, below, measure in (
                ("small", "margin", "slowdown"),
                ("cheaper", "software", "machine-share"),
                ("fit", "margin", "capacity"),
                ("quiet", "margin", "response-p50"),
            )
        ],
    }
    shape = {"workloads": 5, "virtualizations": extremes}
    render(make_product(shipped, **shape, claim=divided), appendix=True)
    only = {**divided["parts"][0], "measures": ["processor-time"]}
    for firmware in (1.02, 1.3):
        ratios = {"full-system": 1.0, "shared-uncapped": (2.0, firmware), "hosted-uml": 2.0}
        claim = {**divided, "parts": [only]}
        one = make_product(shipped, virtualizations=ratios, claim=claim, replications=12)
        for outcome in (Outcome.CONFIRMED, Outcome.REFUTED):
            render(miss_figures(one, outcome))
    slow = make_product(
        shipped,
        virtualizations=ratios,
        names=lambda kind, number: "aix-5.3" if kind == "os" else f"{kind}-{number}",
    )
    (queued,) = slow.verdict.parts
    refuted = [replace(each, outcome=Outcome.REFUTED) for each in queued.findings]
    queued = replace(queued, outcome=Outcome.REFUTED, findings=tuple(refuted))
    sound = [replace(each, outcome=Outcome.CONFIRMED) for each in refuted[0].results]
    doubted = replace(refuted[0], outcome=Outcome.INCONCLUSIVE, results=tuple(sound))
    longer = {cell.position: {"block_queue": 1.0} for cell in slow.campaign.cells}
    for part in (queued, replace(queued, findings=(doubted,))):
        judged = replace(slow.verdict, parts=(part,))
        render(replace(slow, verdict=judged), Evidence(longer=longer))
    shape["virtualizations"] = {**extremes, "hosted-uml": 1.01}
    render(make_product(shipped, **shape, claim=divided, replications=8))
    every = {
        (machine, name, 0)
        for machine in ("p5-570", "p5-550")
        for name in ("full-system", "shared-uncapped", "hosted-vmware")
    }
    build(true=truths["confirmed"], replications=1, absent=every)
    build(true=truths["confirmed"], replications=1, absent=set(sorted(every)[:2]))
    many = make_product(shipped, systems=3, workloads=4)
    every = sensitive(many, constants=30)
    render(many, evidence=Evidence(sensitivity=every))
    stays = [each for each in every.break_even if each.confirmed and each.factor is None]
    untold = [each.model_copy(update={"influences": ()}) for each in every.driven]
    render(
        many,
        evidence=Evidence(
            sensitivity=sensitive(many, break_even=tuple(stays), driven=tuple(untold))
        ),
    )
    most = capable(many)
    loose = [
        one.model_copy(
            update={"at_least": index == 1, "per_second": None if index == 2 else one.per_second}
        )
        for index, one in enumerate(most.environments[0].capacities)
    ]
    first = most.environments[0].model_copy(update={"capacities": tuple(loose)})
    render(many, Evidence(capacity=capable(many, environments=(first,), times_baseline=None)))
    render(many, Evidence(capacity=capable(many, model="another")))
    names = ("panic-firmware", "shared-uncapped"), ("panic-software", "hosted-vmware")
    sides = [{"name": name, "virtualization": how} for name, how in names]
    for scenarios in (sides, [{"runs": 0}], [{"measured": 1.0, "runs": 1}]):
        render(play(shipped, *scenarios))
    render(play(shipped, {"measured": 9.0}), Evidence(staged=("hypervisor.vp_switch",)))
    render(*imported(tmp_path))
    render(beside(many))
    render(real_study())
    render(real_study(replications=1, broken=()))
    render(real_study(broken=(), failing=True, disturbed=9))
    english = Texts("en")
    optional = {"verdict.default_claim", "constants.at", "constants.used", *_RELATIONS}
    shown_by_arrivals = {
        "responses.open",
        "responses.closed",
        "responses.closed_eager",
        "responses.users_range",
        "responses.group",
        "responses.model",
        "responses.partition",
        "responses.arrivals",
        "responses.arrivals_intro",
    }
    # test_site.py looks after those of the site.
    elsewhere = ("names.", "site.", "comparison.")
    known = {key for key in leaves(english._tree) if not key.startswith(elsewhere)}
    assert known - used - optional - shown_by_arrivals == set()
