"""`ringback conformance` as people call it: what it prints, writes, and exits with."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ringback.conformance.command import conformance
from ringback.emulator.cli import main


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "RINGBACK_API_KEY", "RINGBACK_PROJECT", "RINGBACK_WEBHOOK_SECRET"):
        monkeypatch.delenv(name, raising=False)


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(conformance, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def test_command_is_one_of_ringback() -> None:
    shown = CliRunner().invoke(main, ["--help"])
    assert "conformance" in shown.output
    shown = CliRunner().invoke(main, ["conformance", "--help"])
    assert "--known-gaps" in shown.output


def test_user_judges_a_part_of_the_emulator_and_gets_every_report(tmp_path: Path) -> None:
    files = [tmp_path / f"r{suffix}" for suffix in (".json", ".xml", ".html", ".md")]
    result = call("--only", "CALL-REJECT-01,CALL-REJECT-02", *(f"--report={file}" for file in files))
    assert result.exit_code == 0, result.output
    assert "no failure in CALL-REJECT-01, CALL-REJECT-02" in result.output
    assert all(file.stat().st_size > 0 for file in files)
    assert json.loads(files[0].read_text())["totals"] == {"passed": 2}


def test_user_sees_a_target_that_is_down(tmp_path: Path, unused_tcp_port: int) -> None:
    report = tmp_path / "r.json"
    result = call("--target=url", f"--base-url=http://127.0.0.1:{unused_tcp_port}/v1", f"--report={report}")
    assert result.exit_code == 1
    assert "does not answer" in result.output
    assert set(json.loads(report.read_text())["totals"]) == {"not run"}


def test_user_lists_requirements_and_mutants() -> None:
    shown = call("--list", "--only=CALL-REJECT-01")
    assert shown.exit_code == 0
    assert shown.output.startswith("CALL-REJECT-01       MUST     A reject without a status sends 603")
    shown = call("--list", "--target=mutant:all", "--only=CALL-REJECT-01")
    assert "CALL-REJECT-01" in shown.output


def test_plan_of_a_live_run_says_what_it_may_cost_and_needs_no_permission() -> None:
    shown = call("--target=live", "--plan", "--project=proj_1", "--only=CALL-REJECT-01")
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("CALL-REJECT-01       1 call\n")
    assert "calls: at most 1" in shown.output
    assert "nothing was sent" in shown.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target=moon"], "emulator, url, live, mutant:NAME"),
        (["--target=url"], "needs --base-url"),
        (["--target=url", "--base-url=127.0.0.1"], "give an http or https URL"),
        (["--target=url", "--base-url=http://h/v1", "--sip-uri=tel:+1"], "give a SIP URI"),
        (["--target=url", "--base-url=http://h/v1", "--sip-uri=sip:p@h;transport=ws"], "tls, tcp or udp, not ws"),
        (["--target=url", "--base-url=http://h/v1", "--capabilities=magic"], "no capability is called magic"),
        (["--target=url", "--base-url=http://h/v1", "--capabilities=sip-udp"], "there is no way to sip-udp"),
        (["--target=url", "--base-url=http://h/v1", "--webhook-url=http://h/w"], "needs --webhook-port"),
        (
            ["--target=url", "--base-url=http://h/v1", "--webhook-port=1", "--register-webhook"],
            "needs --webhook-url",
        ),
        (["--target=live"], "real calls cost money"),
        (["--target=mutant:nobody"], "there is no such mutant"),
        (["--target=recordings:/no/such/folder"], "there is no such folder"),
        (["--only=NOTHING"], "NOTHING is no requirement"),
        (["--report=report.pdf"], "give a file ending in"),
        (["--known-gaps=/no/such/file"], "--known-gaps"),
        (["--max-calls=many"], "not a valid integer"),
    ],
)
def test_wrong_usage_exits_with_two_and_says_what_to_give(arguments: list[str], message: str) -> None:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert message in result.output


def test_gap_that_closed_fails_the_run(tmp_path: Path) -> None:
    gaps = tmp_path / "gaps.toml"
    gaps.write_text(
        '[[gap]]\nid = "CALL-REJECT-01"\nreason = "none"\nlink = "https://example.com"\nexpires = 9999-12-31\n'
    )
    result = call("--only=CALL-REJECT-01", f"--known-gaps={gaps}")
    assert result.exit_code == 1
    assert "gap closed" in result.output


def test_user_judges_a_mutant() -> None:
    result = call("--target=mutant:reject-busy-by-default")
    assert result.exit_code == 0, result.output
    assert "1 of 1 mutants killed" in result.output


def test_user_gets_a_kill_table(tmp_path: Path) -> None:
    page = tmp_path / "kill-table.md"
    call("--target=mutant:reject-busy-by-default", f"--report={page}")
    assert "| `reject-busy-by-default` |" in page.read_text()


def test_recordings_of_the_service_keep_every_rule(shared: Path) -> None:
    result = call(f"--target=recordings:{shared / 'recordings'}")
    assert result.exit_code == 0, result.output
    assert "every rule holds" in result.output


def test_recordings_of_another_dialect_are_told_violation_by_violation(shared: Path, tmp_path: Path) -> None:
    lines = (shared / "recordings" / "openai-websocket-text-in-audio-out.jsonl").read_text().splitlines()
    renamed = [line.replace('"response.output_audio.done"', '"response.audio.done"') for line in lines]
    dropped = [line for line in renamed if '"response.output_item.added"' not in line]
    (tmp_path / "dialect.jsonl").write_text("\n".join(dropped[::-1][:3] + dropped) + "\n")
    result = call(f"--target=recordings:{tmp_path}")
    assert result.exit_code == 1
    assert "response.audio.done" in result.output
    assert result.output.count("dialect.jsonl:") >= 3
