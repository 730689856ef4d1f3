"""Every benchmark whose result is in `docs/benchmarks.md`: `python tests/benchmarks/run.py --write`. Ten minutes or so.

Run it on a machine that does nothing else; the page says what the load was.
"""

import asyncio
import platform
import sys
import timeit
from pathlib import Path

import bench_call
import bench_realtime
import bench_rivals
import bench_signalling
import bench_start
import sipmessage
from bench_sip_parse import INVITE, read_datagram
from machine import RUNS, describe, spread

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
READINGS = 2000
REFERENCE_US = 17.6
"""What sipmessage took for the INVITE of `bench_sip_parse` when the targets below were set."""
TARGETS = {
    "signalling-udp": ("≥ 3,000", "UDP, signalling alone"),
    "signalling-tcp": ("", "TCP, signalling alone"),
    "signalling-tls": ("≥ 2,000", "TLS, signalling alone, stunnel in front of SIPp"),
    "auto-accept-udp": ("≥ 1,000", "UDP, `--auto-accept` with session and RTP sockets"),
    "webhook-rest-udp": ("≥ 250", "UDP, webhook and REST accept by an application on the other core"),
}
SESSION_TARGETS = {
    "heard-20ms": ("≥ 500", "sound heard in appends of 20 ms, with turn detection"),
    "heard-100ms": ("≥ 1,000", "the same in appends of 100 ms"),
    "append-20ms": ("", "the same over a WebSocket, 20 ms"),
    "append-100ms": ("", "the same over a WebSocket, 100 ms"),
    "events-1-cpu": ("≥ 20,000", "events in a second of the server's processor time, one session"),
    "events-50-cpu": ("", "the same, 50 sessions"),
    "first-delta": ("", "from `response.create` to the first delta"),
    "connect": ("", "a connection with its `session.update`"),
    "connect-memory": ("", "memory of a connection"),
    "turn-1000": ("1", "turn 1,000 of a session"),
}
"""Rows of `bench_realtime`."""
OTHERS = """\
| UAS | UDP | TCP | TLS | CPU ms/call |
|---|---|---|---|---|
| SIPp's own UAS (C++) | ≥ 14,700 | 16,900 | 10,100 | 0.06–0.08 |
| Kamailio 486, stateless / tm | ≥ 15,000 / 10,000 | – | – | |
| a 120-line asyncio prototype with transactions, dialogs, SDP | 6,750 | 6,750 | 4,500 | 0.10 |
| aiosipua 0.7.1 (Python) | 1,518 | 1,626 | – | 0.45 |
| pjsua2 2.17 (C, Python callbacks) | 1,012 | – | – | 0.53 |
| sippy 2.5.0 (Python) | ~450 | – | – | 1.7 |
"""


PROFILE = """\
Where the time of one call of signalling goes, each part timed alone (processor time, best of 30 runs, in µs on a
machine where sipmessage's parser takes 12.8): reading the INVITE and all that is acted upon 16.0, its SDP 10.1,
choosing from the offer 14.7, writing the answer 3.2, a response 2.5 and its bytes 1.0, a journal entry 1.4, of
which a call has seven. No part stands out; what remains is the timers, transactions and dialogs that RFC 3261 has
every call keep for 32 s. The next step is to choose from an offer in one pass over its attributes, and to read ACK
and BYE no further than their transaction needs.

Calls that end in every way, cut off ones too, leave nothing behind: `python tests/benchmarks/soak.py` places 10,000
in a row and 200 at once with sound, and fails for a call, task, socket or journal entry that is left, or memory
that grows. `PYTHONPATH=tests python -m fuzz --minutes 10` damages everything that is read.
"""


def parsing() -> float:
    """Microseconds that ours takes for the same INVITE, with all that it acts upon checked."""
    return spread([value / READINGS * 1e6 for value in timeit.repeat(read_datagram, number=READINGS)])[1]


def speed() -> float:
    """Microseconds that another library's parser takes for one INVITE: what this machine is worth just now."""
    data = INVITE
    return spread(
        [value / READINGS * 1e6 for value in timeit.repeat(lambda: sipmessage.Message.parse(data), number=READINGS)]
    )[1]


def page() -> str:
    machine, before, ours = describe(), speed(), parsing()
    start, call = bench_start.rows(), bench_call.rows()
    loads = [(case, bench_signalling.highest(case)) for case in bench_signalling.CASES]
    sessions = _sessions()
    after = speed()
    lines = [
        "# Benchmarks",
        "",
        "Made by `python tests/benchmarks/run.py --write`; no test compares, for a figure is not a verdict. Medians of",
        f"{RUNS} runs on: {machine} ({platform.machine()}).",
        "",
        "Shared machines are noisy; the ratios hold better than the figures. For comparison: sipmessage, another",
        f"library's parser, took {before:.0f} µs for one INVITE before and {after:.0f} µs after these runs, and",
        f"{REFERENCE_US} µs on the idle machine on which the targets were set and the others measured.",
        "",
        f"The same INVITE, with everything checked that is acted upon, took the emulator {ours:.0f} µs.",
        "The target is 15 µs on that idle machine.",
        "",
        "## Start, and one call",
        "",
        "| what | median | smallest to largest | target |",
        "|---|---|---|---|",
        *(_row(row, "≤ 500 ms" if row[0].startswith("`ringback") else "") for row in start),
        *(_row(row, "≤ 50 ms") for row in call),
        "",
        "A whole call is INVITE, webhook, `accept` by the official SDK, 200, ACK, BYE, 200; phone, application and",
        "emulator share one process and one loop.",
        "",
        "## Calls per second",
        "",
        "INVITE–180–200–ACK–BYE–200 by SIPp on core 1, server on core 0: the highest rate at which at least 95 % of it",
        "is done, no call fails, and p99 from INVITE to 200 is below 100 ms. Every timer of RFC 3261, dialogs,",
        "offer/answer and the journal are on.",
        "",
        "| load | calls/s | target | p50 | p99 | server's CPU ms/call |",
        "|---|---|---|---|---|---|",
        *(
            f"| {TARGETS[case.name][1]} | {found.rate:,} | {TARGETS[case.name][0]} | {found.p50:.0f} ms "
            f"| {found.p99:.0f} ms | {found.cpu_ms:.2f} |"
            for case, found in loads
        ),
        "",
        "Others, measured the same way on an idle machine of the same kind:",
        "",
        OTHERS,
        *sessions,
        "## What the figures are made of",
        "",
        PROFILE,
    ]
    return "\n".join(lines)


def _sessions() -> list[str]:
    rows = asyncio.run(bench_realtime.rows(list(SESSION_TARGETS)))
    rivals = asyncio.run(bench_rivals.rows())
    return [
        "## Sessions over WebSockets",
        "",
        "| what | median | smallest to largest | target |",
        "|---|---|---|---|",
        *(
            f"| {SESSION_TARGETS[name][1]} | {median:,.1f} {unit} | {low:,.1f} to {high:,.1f} "
            f"| {SESSION_TARGETS[name][0]} |"
            for name, unit, (low, median, high) in rows
        ),
        "",
        "Events a second of text responses, a delta for each word, beside others in the same run; the targets are",
        "20,000 with one session, and with 50 twice what aimock does. The echo sends back what it gets, a message for",
        "each word.",
        "",
        "| server | sessions | events/s | smallest to largest |",
        "|---|---|---|---|",
        *(
            f"| {name} | {count} | {median:,.0f} | {low:,.0f} to {high:,.0f} |"
            for name, count, (low, median, high) in rivals
        ),
        "",
    ]


def _row(row: tuple[str, float, float, float], target: str) -> str:
    name, low, median, high = row
    return f"| {name} | {median:.1f} ms | {low:.1f} to {high:.1f} ms | {target} |"


if __name__ == "__main__":
    text = page()
    print(text)
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(text, encoding="utf-8")
