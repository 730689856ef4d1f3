"""`ringback conformance`: judge a target by the requirements, and report."""

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .options import Options, WrongOptions, described

if TYPE_CHECKING:
    from .report.console import ConsoleReport
    from .report.document import Report
    from .report.redact import Redactor
    from .requirement import Catalogue, Declared
    from .runner import Run
    from .target import Target


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Every field of `Options` as an option of the command."""
    for name, default, text, metavar, env in reversed(described()):
        kind: dict[str, Any] = {"metavar": metavar}
        if isinstance(default, bool):
            kind = {"is_flag": True}
        elif default == ():
            kind["multiple"] = True
        elif name.startswith("max_") or name == "webhook_port":
            kind["type"] = int if name in ("max_calls", "webhook_port") else float
        shown = isinstance(default, str)
        option = click.option(
            f"--{name.replace('_', '-')}", name, default=default, help=text, envvar=env, show_default=shown, **kind
        )
        command = option(command)
    return command


@click.command("conformance", context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option("--plan", "plans", is_flag=True, help="Say what would be done and what it may cost; do nothing.")
@click.option("--list", "lists", is_flag=True, help="List the requirements, with what each needs.")
@click.option(
    "--report", "reports", multiple=True, metavar="FILE", help="Write FILE.json, .xml, .html or .md; several."
)
@click.option("--full", is_flag=True, help="With mutant:all: every requirement against every mutant.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each requirement.")
def conformance(plans: bool, lists: bool, reports: tuple[str, ...], full: bool, verbose: bool, **given: Any) -> None:
    """Judge the emulator, or another target, by the requirements of the conformance suite.

    Exits with 0 when nothing failed, 1 when something did or the target is not there, 2 for wrong usage.
    """
    options = Options(**given)
    try:
        status = _conformance(options, plans=plans, lists=lists, reports=reports, full=full, verbose=verbose)
    except WrongOptions as error:
        raise click.UsageError(str(error)) from error
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _conformance(
    options: Options, *, plans: bool, lists: bool, reports: tuple[str, ...], full: bool, verbose: bool
) -> int:
    from .report import check_suffix, write
    from .report.console import ConsoleReport
    from .report.redact import Redactor
    from .requirement import load_checks

    catalogue = load_checks()
    chosen = _chosen(catalogue, options)
    for path in reports:
        check_suffix(path)
    kind, _, name = options.target.partition(":")
    if lists:
        return _list(chosen, catalogue, options)
    if plans:
        return _plan(chosen, options)
    redactor = Redactor(secrets_of(options))
    console = ConsoleReport(verbose=verbose, redactor=redactor)
    if kind == "mutant":
        report = _judge_mutants(name, catalogue, options, console, full=full)
    elif kind == "recordings":
        from .replay import judge_folder

        report = judge_folder(name, redactor=redactor, on_row=console.on_row)
    else:
        report = _judge(chosen, catalogue, options, console, redactor)
    console.finish(report)
    for path in reports:
        write(report, path)
    return 0 if report.is_successful else 1


def _list(chosen: "list[Declared]", catalogue: "Catalogue", options: Options) -> int:
    if options.target.startswith("mutant:"):
        from .mutation import chosen_mutants

        for mutant in chosen_mutants(options.target.removeprefix("mutant:"), catalogue, options.wanted):
            click.echo(f"{mutant.name:<36} {mutant.breaks:<20} {mutant.says}")
        return 0
    for each in chosen:
        needs = " ".join(sorted(each.requirement.needs))
        click.echo(f"{each.requirement.id:<20} {each.requirement.level.value:<8} {each.requirement.says} [{needs}]")
    return 0


def _plan(chosen: "list[Declared]", options: Options) -> int:
    from .budget import plan_lines
    from .targets.choose import choose

    target = choose(options, is_plan=True)
    requirements = [each.requirement for each in chosen]
    for line in plan_lines(target.name, requirements, target.capabilities, target.tolerances):
        click.echo(line)
    return 0


def _judge_mutants(
    name: str, catalogue: "Catalogue", options: Options, console: "ConsoleReport", *, full: bool
) -> "Report":
    from .mutation import chosen_mutants, judge_all

    mutants = chosen_mutants(name, catalogue, options.wanted)

    async def judge() -> "Report":
        with console.running(options.target, len(mutants)):
            return await judge_all(
                mutants, catalogue, target=options.target, scope=options.wanted, full=full, on_row=console.on_row
            )

    return asyncio.run(judge())


def _judge(
    chosen: "list[Declared]",
    catalogue: "Catalogue",
    options: Options,
    console: "ConsoleReport",
    redactor: "Redactor",
) -> "Report":
    from datetime import UTC, datetime

    from . import known_gaps
    from .report.document import document
    from .runner import run
    from .target import TargetUnreachable
    from .targets.choose import choose

    gaps = known_gaps.read(options.known_gaps, datetime.now(UTC).date())
    target = choose(options)

    async def judge() -> "Run":
        with console.running(target.name, len(chosen)):
            return await run(target, chosen, gaps=gaps.reasons, on_verdict=console.on_verdict)

    try:
        result = asyncio.run(judge())
    except TargetUnreachable as error:
        result = unreachable(target, chosen, str(error))
    return document(gaps.applied(result, catalogue), scope=options.wanted, redactor=redactor)


def unreachable(target: "Target", chosen: "list[Declared]", reason: str) -> "Run":
    """The run of a target that could not be opened: nothing was judged."""
    import time

    from .runner import Run
    from .verdict import Outcome, Verdict

    verdicts = [
        Verdict(requirement=each.requirement, outcome=Outcome.NOT_RUN, seconds=0.0, note=reason) for each in chosen
    ]
    return Run(target=target.name, verdicts=verdicts, seconds=0.0, started=time.time(), stopped=reason)


def secrets_of(options: Options) -> tuple[str, ...]:
    """What no report may show: also the key of a live run, and the project that others could call."""
    import os

    hidden = [os.environ.get("OPENAI_API_KEY"), options.project] if options.target == "live" else []
    return (*options.secrets, *(each for each in hidden if each))


def _chosen(catalogue: "Catalogue", options: Options) -> "list[Declared]":
    try:
        return catalogue.only(options.wanted)
    except ValueError as error:
        raise WrongOptions(f"--only: {error}") from error
