"""`ringback scenario check|list|show`: scenarios without a running emulator."""

import sys

import click

from .errors import UsageError


@click.group()
def scenario() -> None:
    """Check and show scenarios: what the fake model says, and when (docs/scenarios.md)."""


@scenario.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("-q", "--quiet", is_flag=True, help="Print problems only.")
def check(files: tuple[str, ...], quiet: bool) -> None:
    """Read scenarios and say what is wrong, with file and line, or what their turns are.

    A FILE is TOML, Python, or the name of a shipped scenario. Exits with 1 if any is wrong.
    """
    from .model.casting import scenario_of
    from .model.summary import summary
    from .scenario_files import load

    is_wrong = False
    for file in files:
        try:
            part = load(file)
            if callable(part):
                text = f"{file}: a function that answers every turn"
            else:
                text = f"{file}: {summary(scenario_of(part))}"
        except UsageError as error:
            is_wrong = True
            click.echo(str(error), err=True)
        else:
            if not quiet:
                click.echo(text)
    sys.exit(1 if is_wrong else 0)


@scenario.command("list")
def list_() -> None:
    """Name the scenarios that come along."""
    from .scenario_files import shipped, shipped_names

    names = shipped_names()
    width = max(map(len, names))
    for name in names:
        click.echo(f"{name:{width}}  {shipped(name).description}")


@scenario.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a shipped scenario's TOML, to begin one's own with."""
    from .scenario_files import shipped_text

    try:
        click.echo(shipped_text(name), nl=False)
    except UsageError as error:
        raise click.ClickException(str(error)) from error
