"""`dial` and its report."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
from ringback.conformance.client.dial import dial
from ringback.conformance.client.media import read_wav, write_wav


async def test_dial_says_plays_presses_and_reports(far_end: Any, tmp_path: Path) -> None:
    write_wav(tmp_path / "noise.wav", np.full(800, 1000, dtype=np.int16))
    dialling = asyncio.ensure_future(
        dial(
            far_end.uri,
            say=["hello"],
            play=[tmp_path / "noise.wav"],
            press="1",
            record=tmp_path / "heard.wav",
            from_="+1425",
            headers=[("X-A", "1")],
            listen=0.2,
        )
    )
    invite = await far_end.received("INVITE")
    assert invite.headers["X-A"] == "1"
    far_end.answer()
    await far_end.received("BYE")
    report = await dialling
    assert (report.exit_code, report.status, report.ended_by, report.codec) == (0, 200, "caller", "PCMU")
    assert len(read_wav(tmp_path / "heard.wav")) == round(report.recorded_seconds * 8000)
    assert json.loads(report.as_json())["status"] == 200
    lines = report.as_text().splitlines()
    assert [line.split("─ ")[1].split()[0] for line in lines[1:6]] == ["INVITE", "200", "ACK", "BYE", "200"]
    assert lines[-1].startswith("answered in ")
    assert far_end.media.digits == ["1"]


async def test_dial_listens_when_it_has_nothing_to_say(far_end: Any) -> None:
    dialling = asyncio.ensure_future(dial(far_end.uri, listen=20.0))
    await far_end.received("INVITE")
    far_end.answer()
    await far_end.received("ACK")
    await far_end.media.say("at your service")
    report = await dialling
    assert report.heard == ("at your service",)
    assert "heard: at your service" in report.as_text()


async def test_dial_reports_a_refusal(far_end: Any) -> None:
    dialling = asyncio.ensure_future(dial(far_end.uri))
    await far_end.received("INVITE")
    far_end.respond(486)
    report = await dialling
    assert (report.exit_code, report.status, report.reason, report.ended_by) == (1, 486, "Busy Here", "refused")
    assert report.as_text().endswith("not answered: 486 Busy Here\n")


async def test_dial_reports_a_far_end_that_leaves_in_the_middle(far_end: Any) -> None:
    dialling = asyncio.ensure_future(dial(far_end.uri, say=["a sentence that takes a while"]))
    await far_end.received("INVITE")
    far_end.answer()
    await far_end.received("ACK")
    far_end.send("REFER", headers=[("Refer-To", "<tel:+1>")])
    report = await dialling
    assert (report.exit_code, report.referred_to, report.problem) == (0, "<tel:+1>", None)
    assert "referred to: <tel:+1>" in report.as_text()


async def test_dial_reports_that_nobody_is_there() -> None:
    report = await dial("sip:a@127.0.0.1:1;transport=tcp")
    assert (report.exit_code, report.status, report.ladder) == (1, None, ())
    assert "no tcp connection" in report.as_text()


async def test_dial_reports_nonsense_from_the_far_end(far_end: Any) -> None:
    dialling = asyncio.ensure_future(dial(far_end.uri))
    await far_end.received("INVITE")
    far_end.answer(b"v=0\r\n")
    report = await dialling
    assert report.status == 200
    assert "problem: the SDP answer has no audio" in report.as_text()
