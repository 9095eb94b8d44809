"""Colours can be read, and virtualizations told apart."""

import re
from itertools import combinations, pairwise
from pathlib import Path

import reports
from reports.palette import CAUSES, level_of, styles

EVERY = (
    "full-system",
    "physical",
    "dedicated",
    "shared-capped",
    "shared-uncapped",
    "hosted-vmware",
    "hosted-uml",
)
CLAIM = {
    "firmware": ["shared-uncapped", "shared-capped", "dedicated"],
    "software": ["hosted-vmware", "hosted-uml"],
}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_marks_stand_out_from_paper():
    for style in styles(EVERY, CLAIM).values():
        assert contrast(style.colour, "#ffffff") >= 3.0


def test_no_two_virtualizations_look_alike_without_colour():
    found = styles(EVERY, CLAIM)
    marks = [found[name].marker for name in EVERY[1:]]
    assert len(set(marks)) == len(marks)
    for one, other in combinations(EVERY, 2):
        if level_of(one, CLAIM) == level_of(other, CLAIM):
            assert found[one].dashes != found[other].dashes
            assert found[one].colour != found[other].colour


def test_neighbours_in_a_stack_differ_in_lightness_or_stand_for_other_levels():
    causes = list(CAUSES)
    for one, other in pairwise(causes):
        assert contrast(CAUSES[one], CAUSES[other]) > 1.2, (one, other)


def test_words_are_dark_enough_on_their_ground():
    sheet = (Path(reports.__file__).parent / "styles.css").read_text()
    colours = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6})", sheet))
    for name in ("ink", "muted", "accent", "software"):
        assert contrast(colours[name], "#ffffff") >= 4.5
    assert contrast(colours["muted"], colours["soft"]) >= 4.5
    for name in ("confirmed", "refuted", "inconclusive"):
        assert contrast(colours[name], colours[f"{name}-bg"]) >= 4.5
        assert contrast(colours["software"], colours[f"{name}-bg"]) >= 4.5
    for status, text, ground in re.findall(
        r"\.status\.(\w+)\{color:(#\w{6});border-color:#\w{6};background:(#\w{3,6})\}", sheet
    ):
        assert contrast(text, ground if len(ground) == 7 else "#ffffff") >= 4.5, status


def test_the_claim_decides_on_which_level_a_virtualization_is():
    assert level_of("dedicated", CLAIM) == "firmware"
    assert level_of("dedicated", None) == "other"
    assert level_of("shared-capped", None) == "firmware"
    assert level_of("hosted-mine", None) == "software"
    assert level_of("full-system", CLAIM) == "baseline"
    assert level_of("hosted-uml", {"firmware": ["hosted-uml"], "software": []}) == "firmware"


def test_there_are_styles_for_more_virtualizations_than_colours():
    many = [f"hosted-{number}" for number in range(20)]
    assert styles(many, None).keys() == set(many)


def test_a_shipped_virtualization_has_one_colour_whichever_others_there_are():
    every = styles(EVERY, None)
    for name in EVERY:
        assert styles([name], None)[name] == every[name]
    assert list(styles(EVERY[::-1], None)) == list(EVERY[::-1])
