"""Whatever is done to the text of a campaign file, it is planned or refused in one line."""

import random
import re
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import harness
from harness.campaign.plan import make_plan
from harness.campaign.reader import SHIPPED
from harness.campaign.resources import available, excess, needed
from harness.campaign.unused import unused
from harness.cli.tables.campaign import plan_table
from harness.errors import UserError

pytestmark = pytest.mark.slow

CATALOGS = sorted((Path(harness.__file__).parent / "catalog").glob("*.toml"))
BASES = ("smoke", "vlan", "dlpar", "mobility", "plm", "cod", "real")

WATCHDOG_SECONDS = 120
"""Ends an example that hangs."""
MEMORY_BYTES = 2 * 2**30
"""What an example may take beyond what the process has."""

EXTREMES = [
    *("0", "-1", "1", "2", "3", "65", "255", "1000000", "1000000000", str(2**63 - 1), str(2**63)),
    *("9" * 400, "9" * 5000, "-" + "9" * 400, "1e308", "1e-320", "1e-11", "-0.0", "1e400"),
    *("nan", "inf", "-inf", "true", "false", "2007-04-02", "09:00:00", "2007-04-02T09:00:00Z"),
    *("0x" + "f" * 300, "0b1", "1_000", "[]", "{}", "[[]]", '[""]', "[1, 2]", '["a", "a"]'),
    *("[" * 1000 + "]" * 1000, "{a=" * 300 + "1" + "}" * 300, "{" + "a." * 600 + "a = 1}"),
    *('""', '" "', '"x"', '"idle"', '"full-system"', '"\\u0000"', '"\\u001b]0;x\\u0007"'),
    *('"' + " " * 20_000 + '"', '"1' + " " * 20_000 + 'ms"', '"' + "z" * 100_000 + '"'),
    *('"1 ms"', '"1e-11 s"', '"1 ns"', '"3650 d"', '"1e300 s"', '"-1 s"', '"1 MS"', '"inf s"'),
    *('"50 GHz"', '"1 /s"', '"1e6 /s"', '"1e-300 /s"', '"10 /s per core"', '"1e9 per core"'),
    *('"0.001 per core"', '"10 %"', '"1e-4 %"', '"1e-9 %"', '"1000 %"', '"٣ ms"', '"1e999 s"'),
    *('"8 KiB"', '"1e30 B"', '"0.1 B"', '"1 GiB"', '"1e-11 cores"', '"0.41 cores"', '"app1"'),
    *('["/dev/zero"]', '["/proc/self/mem"]', '"/dev/zero"', '["/tmp"]', '"/dev/zero:A"'),
    *('{ en = "x" }', '{ ja = "x" }', "{ minimum = 2, maximum = 3 }", "[[1, 2]]", "[{}]"),
]
TOKENS = re.compile(
    r'"[^"\n]*"|(?<![\w.-])[0-9][0-9.]*(?![\w.-])|\b(?:true|false)\b|\[[^\[\]\n]*\]'
)
QUANTITY = re.compile(r'(?<=[ "])[0-9]+(?:\.[0-9]+)?(?=[ ",}\]\n])')
"""A number, or that of a quantity."""
KEYS = re.compile(r"(?m)^[\w.-]+(?= *=)|^\[+[^\]\n]+\]+")
JUNK = ["[", "]", "{", "}", '"', "'", "=", ".", ",", "#", "\x00", "\x7f", "\r", "\ufeff", "\u202e"]


@contextmanager
def bounded() -> Iterator[None]:
    """Fail what hangs or takes all memory, in place of waiting for it."""

    def hangs(number: int, frame: object) -> None:
        raise AssertionError(f"not done after {WATCHDOG_SECONDS} s")

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGALRM, hangs)
    resource.setrlimit(
        resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES, before[1])
    )
    signal.alarm(WATCHDOG_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)


def varied(text: str, choose: random.Random) -> str:
    """Put another value of the same kind in the place of one or two: what may well be meant."""
    for _ in range(choose.randint(1, 2)):
        quantities = list(QUANTITY.finditer(text))
        words = [each for each in TOKENS.finditer(text) if each[0][0] == '"' and " " not in each[0]]
        if quantities and choose.random() < 0.7:
            token = choose.choice(quantities)
            factor = choose.choice(("0.5", "0.9", "1.1", "2", "3", "10", "1e-3", "1e3"))
            value = Decimal(token[0]) * Decimal(factor)
            written = str(round(value) if "." not in token[0] else value.normalize())
        elif len(words) >= 2:
            token, other = choose.sample(words, 2)
            written = other[0]
        else:
            continue
        text = text[: token.start()] + written + text[token.end() :]
    return text


def mutated(text: str, choose: random.Random) -> str:
    """Change a text in one or two places, to anything."""
    for _ in range(choose.randint(1, 2)):
        lines = text.split("\n")
        number = choose.randrange(len(lines))
        match choose.randrange(8):
            case 0:
                del lines[number]
                text = "\n".join(lines)
            case 1:
                lines.insert(choose.randrange(len(lines)), lines[number])
                text = "\n".join(lines)
            case 2:
                place = choose.randrange(len(text) + 1)
                text = text[:place] + choose.choice(JUNK) + text[place:]
            case 3:
                first, second = choose.sample(list(KEYS.finditer(text)), 2)
                text = text[: first.start()] + second[0] + text[first.end() :]
            case 4:
                first, second = choose.sample(list(TOKENS.finditer(text)), 2)
                text = text[: first.start()] + second[0] + text[first.end() :]
            case _:
                token = choose.choice(list(TOKENS.finditer(text)))
                text = text[: token.start()] + choose.choice(EXTREMES) + text[token.end() :]
    return text


def check_one(seed: int, folder: Path) -> bool:
    """Plan a mutated campaign as ``vtax plan`` does; say whether it is one."""
    choose = random.Random(seed)
    text = (SHIPPED / f"{choose.choice(BASES)}.toml").read_text(encoding="utf-8")
    # What is refused finds no misuse behind the refusals.
    text = (varied if seed % 4 else mutated)(text, choose)
    path = folder / "mutated.toml"
    path.write_text(text, encoding="utf-8")
    with bounded():
        try:
            plan = make_plan(str(path))
        except UserError as error:
            told = str(error)
            assert "\n" not in told, seed
            assert told, seed
            assert len(told) < 1000, seed
            return False
        Console(file=StringIO()).print(plan_table(plan, 2))
        assert all("\n" not in note for note in unused(plan.campaign)), seed
        needs = needed(plan, 2)
        assert 0 < needs.seconds < float("inf"), seed
        assert 0 < needs.memory_bytes < float("inf"), seed
        assert all("\n" not in reason for reason in excess(needs, available(folder))), seed
        return True


def mutated_policy(text: str, choose: random.Random) -> str:
    """Change one word or line of a policy."""
    lines = text.split("\n")
    number = choose.randrange(len(lines))
    word = choose.choice(list(re.finditer(r"[\w.%-]+", text)))
    match choose.randrange(5):
        case 0:
            del lines[number]
            return "\n".join(lines)
        case 1:
            lines.insert(choose.randrange(len(lines)), lines[number])
            return "\n".join(lines)
        case 2:
            place = choose.randrange(len(text) + 1)
            return text[:place] + choose.choice(JUNK) + text[place:]
        case _:
            other = choose.choice(EXTREMES).strip('"')
            return text[: word.start()] + other + text[word.end() :]


def check_beside(seed: int, folder: Path) -> bool:
    """Plan a campaign with a mutated catalog or policy beside it."""
    choose = random.Random(seed)
    if seed % 2:
        path = choose.choice(sorted(SHIPPED.glob("*.policy")))
        changed = mutated_policy(path.read_text(encoding="utf-8"), choose)
        campaign = (SHIPPED / "plm.toml").read_text(encoding="utf-8")
    else:
        path = choose.choice(CATALOGS)
        text = path.read_text(encoding="utf-8")
        changed = (varied if seed % 4 else mutated)(text, choose)
        campaign = (SHIPPED / "smoke.toml").read_text(encoding="utf-8")
        table = f'[campaign]\ncatalog = ["{path.name}"]'
        campaign = campaign.replace("[campaign]", table, 1)
    (folder / path.name).write_text(changed, encoding="utf-8")
    (folder / "beside.toml").write_text(campaign, encoding="utf-8")
    with bounded():
        try:
            make_plan(str(folder / "beside.toml"))
        except UserError as error:
            assert "\n" not in str(error), seed
            assert 0 < len(str(error)) < 1000, seed
            return False
        finally:
            (folder / path.name).write_bytes(path.read_bytes())
        return True


@pytest.fixture(autouse=True)
def policies(tmp_path):
    for path in SHIPPED.glob("*.policy"):
        (tmp_path / path.name).write_bytes(path.read_bytes())


def test_mutated_campaigns_are_planned_or_refused_in_one_line(tmp_path):
    planned = sum(check_one(seed, tmp_path) for seed in range(100))
    assert 30 < planned < 80


def test_mutated_catalogs_and_policies_are_read_or_refused_in_one_line(tmp_path):
    read = sum(check_beside(seed, tmp_path) for seed in range(40))
    assert 5 < read < 35


@pytest.mark.slow
@pytest.mark.parametrize("block", range(8))
def test_thousands_of_mutated_campaigns_are_planned_or_refused(tmp_path, block):
    for seed in range(400 * (block + 1), 400 * (block + 2)):
        check_one(seed, tmp_path)
        check_beside(seed, tmp_path)
