"""The page on the command line knows every command, and no other."""

import re
from pathlib import Path

import typer.main

from aiomodelarts.cli.app import app

PAGE = Path(__file__).parents[2] / "docs/command-line.md"


def test_every_command_is_on_the_page() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    rows = re.findall(r"^\| (`.*?`) \| [a-z]", PAGE.read_text("utf-8"), re.MULTILINE)
    told = {name.split()[0] for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert told == set(commands)


def test_every_option_on_the_page_is_one() -> None:
    root = typer.main.get_command(app)
    leaves = [root, *root.commands.values()]  # type: ignore[attr-defined]
    for group in list(leaves):
        leaves += getattr(group, "commands", {}).values()
    known = {option for command in leaves for parameter in command.params for option in parameter.opts}
    told = set(re.findall(r"--[a-z][a-z-]+", PAGE.read_text("utf-8")))
    assert told <= known
