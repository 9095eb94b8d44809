"""Every example of the documentation works.

The comment before a block says what it is: ``file: NAME`` is written beside the page's other files,
``adds to: NAME`` is laid over the file of that name, ``run`` is executed line by line. What has no
comment is a command line that is too costly to execute: it is checked against the commands.
"""

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from locust.argument_parser import get_parser
from pages import PAGES, ROOT, Example, examples
from typer.main import get_command
from typer.testing import CliRunner

from harness.cli.app import app

ALL = [example for page in PAGES for example in examples(page)]
LANGUAGES = {"toml", "python", "sh", "text"}


def of(*kinds: tuple[str, str]):
    """Run a test for all examples of a language and a role."""
    chosen = [example for example in ALL if (example.language, example.role) in kinds]
    assert chosen
    ids = [example.title for example in chosen]
    return pytest.mark.parametrize("example", chosen, ids=ids)


def vtax(*arguments: str):
    return CliRunner().invoke(app, list(arguments), prog_name="vtax")


def written(page: Path, directory: Path) -> Path:
    """Write the files of a page."""
    for example in examples(page):
        if example.role == "file":
            (directory / example.name).write_text(example.text, encoding="utf-8")
    return directory


def laid_over(base: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    both = {**base, **table}
    for key in base.keys() & table.keys():
        if isinstance(base[key], dict) and isinstance(table[key], dict):
            both[key] = laid_over(base[key], table[key])
    return both


def test_every_example_is_tested():
    assert {example.language for example in ALL} <= LANGUAGES
    untested = [
        example.title
        for example in ALL
        if example.language in ("toml", "python") and not example.role
    ]
    assert untested == []


@of(("toml", "file"), ("toml", "adds to"))
def test_campaign_can_be_planned(example: Example, tmp_path, monkeypatch):
    monkeypatch.chdir(written(example.page, tmp_path))
    path = tmp_path / example.name
    if example.role == "adds to":
        base = tomllib.loads(path.read_text(encoding="utf-8"))
        both = laid_over(base, tomllib.loads(example.text))
        path.write_text(tomli_w.dumps(both), encoding="utf-8")
    elif "campaign" not in tomllib.loads(example.text):
        return  # a catalog: the campaign that names it is planned
    planned = vtax("plan", str(path))
    assert planned.exit_code == 0, planned.output


def test_catalog_files_are_named_by_a_campaign():
    catalogs = {
        (example.page, example.name)
        for example in ALL
        if (example.language, example.role) == ("toml", "file")
        and "campaign" not in tomllib.loads(example.text)
    }
    named = {
        (example.page, name)
        for example in ALL
        if example.language == "toml"
        for name in tomllib.loads(example.text).get("campaign", {}).get("catalog", ())
    }
    assert catalogs <= named


@of(("python", "run"))
def test_program_can_be_executed(example: Example, tmp_path, monkeypatch):
    monkeypatch.chdir(written(example.page, tmp_path))
    exec(compile(example.text, example.title, "exec"), {})


@pytest.mark.slow
@of(("sh", "run"))
def test_commands_can_be_executed(example: Example, tmp_path, monkeypatch):
    monkeypatch.chdir(written(example.page, tmp_path))
    for line in example.text.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        assert program == "vtax"
        done = vtax(*arguments)
        allowed = (0, 1, 3) if arguments[0] == "verdict" else (0,)
        assert done.exit_code in allowed, f"{line}: {done.output}"


@of(("sh", ""), ("sh", "run"))
def test_command_lines_parse(example: Example):
    for line in example.text.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] == "vtax":
            parse(words[1:])
        elif words[0] == "locust":
            get_parser().parse_args(words[1:])  # with our options: workloads adds them
        elif words[0].startswith("scripts/"):
            assert (ROOT / words[0]).is_file()
        else:
            assert words[0] in ("pip", "apt-get", "cd", "git", "."), line


@pytest.mark.parametrize("line", ["run carrier --nothing", "nothing", "report", "catalog show"])
def test_wrong_command_lines_do_not_parse(line):
    with pytest.raises(Exception, match=r"No such|Missing"):
        parse(line.split())


def parse(words: list[str]) -> None:
    """Check a command line without executing it."""
    command: Any = get_command(app)
    context = command.make_context("vtax", list(words))
    while hasattr(command, "commands"):
        name, command, rest = command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        if command is None or (not rest and hasattr(command, "commands")):
            return
        context = command.make_context(name, rest, parent=context)
