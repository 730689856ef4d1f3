"""`docs/cli.md`: every command with its options, as click knows them."""

import inspect
from collections.abc import Iterator

import click
from ringback.emulator.cli import main
from ringback.emulator.config import describe

HEAD = """# The command `ringback`

Made from the command itself by `python tests/pages.py --write`; a test compares.
`ringback COMMAND --help` says the same.
"""
SETTINGS = {name for name, *_ in describe()}


def command_page() -> str:
    lines = [HEAD]
    for command, path in _commands(main, "ringback"):
        lines += _section(command, path)
    return "\n".join(lines)


def _commands(command: click.Command, path: str) -> Iterator[tuple[click.Command, str]]:
    if not isinstance(command, click.Group):
        yield command, path
        return
    with click.Context(command, info_name=path) as context:
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _commands(found, f"{path} {name}")


def _section(command: click.Command, path: str) -> list[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"## {path}", "", "```text", f"{path} {usage}", "```", "", _text(command.help or ""), ""]
    options = [each for each in command.params if isinstance(each, click.Option)]
    takes_settings = {option.name for option in options} >= SETTINGS
    rows = [_row(option, context) for option in options if not (takes_settings and option.name in SETTINGS)]
    if takes_settings:
        lines += ["Every one of the [settings](settings.md) is an option, and besides:", ""]
    if rows:
        lines += ["| option | what it does |", "|---|---|", *rows, ""]
    return lines


def _row(option: click.Option, context: click.Context) -> str:
    shown, text = option.get_help_record(context) or ("", "")
    return f"| `{shown.replace('|', chr(92) + '|')}` | {_cell(text)} |"


def _cell(text: str) -> str:
    for character, shown in (("|", "\\|"), ("<", "&lt;"), ("*", "\\*")):
        text = text.replace(character, shown)
    return " ".join(text.split())


def _text(help_: str) -> str:
    """Paragraphs; what click leaves as it is (`\\b`) becomes a block of code."""
    paragraphs = []
    for paragraph in inspect.cleandoc(help_).split("\n\n"):
        lines = paragraph.splitlines()
        if lines[0] == "\b":
            paragraphs.append("\n".join(["```sh", *inspect.cleandoc("\n".join(lines[1:])).splitlines(), "```"]))
        else:
            paragraphs.append(_cell(paragraph))
    return "\n\n".join(paragraphs)
