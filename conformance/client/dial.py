"""`ringback dial`: place one call, say or play or press something, listen, and tell what happened."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .call import Call
from .codecs import CodecName
from .errors import CallEnded, CallRefused, FarEndError, WaitTimeout
from .ladder import Step, ladder, steps_of
from .media import write_wav
from .phone import Phone
from .sip_transport import TransportName
from .srtp import SUITES
from .watch import DECISION

LISTENING = 5.0  # a person's patience for the first word of an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DialReport:
    """What became of a call. `exit_code` is that of the command: 0 answered, 1 refused or not reached."""

    uri: str
    status: int | None
    reason: str
    ended_by: str | None
    problem: str | None
    sip_call_id: str | None
    codec: str | None
    setup_ms: float | None
    heard: tuple[str, ...]
    digits: str
    referred_to: str | None
    recorded_seconds: float
    ladder: tuple[Step, ...]

    @property
    def exit_code(self) -> int:
        return 0 if self.status is not None and 200 <= self.status < 300 else 1

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=2)

    def as_text(self, *, width: int = 100) -> str:
        """The ladder and a few lines below it, ending in a newline."""
        lines = ladder(self.ladder, left="phone", right="far end", width=width)
        if lines:
            lines.append("")
        if self.exit_code == 0:
            lines.append(f"answered in {self.setup_ms or 0:.0f} ms, {self.codec}; ended by the {self.ended_by}")
        else:
            lines.append(f"not answered: {f'{self.status} {self.reason}' if self.status else self.problem}")
        lines += [f"heard: {text}" for text in self.heard]
        lines += [f"keys heard: {self.digits}"] if self.digits else []
        lines += [f"referred to: {self.referred_to}"] if self.referred_to else []
        lines += [f"problem: {self.problem}"] if self.problem and self.status else []
        return "\n".join(lines) + "\n"


async def dial(
    uri: str,
    *,
    say: Sequence[str] = (),
    play: Sequence[str | Path] = (),
    press: str = "",
    record: str | Path | None = None,
    from_: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    transport: TransportName | None = None,
    ca_file: str | None = None,
    verify: bool = True,
    bind: str | None = None,
    advertise_ip: str | None = None,
    rtp_ports: tuple[int, int] | None = None,
    codecs: Sequence[CodecName] = ("PCMU", "PCMA"),
    srtp: bool = False,
    answer_timeout: float = DECISION,
    listen: float = LISTENING,
) -> DialReport:
    """Place a call and report on it. Never raises for what the far end does; `UsageError` for what can't be dialled.

    After each thing said, played or pressed it listens until something was heard and it is quiet again, at most
    `listen` seconds; then it hangs up. With nothing to say it only listens.
    """
    call: Call | None = None
    problem: str | None = None
    async with Phone(
        transport=transport,
        ca_file=ca_file,
        verify=verify,
        bind=bind,
        advertise_ip=advertise_ip,
        rtp_ports=rtp_ports,
    ) as phone:
        try:
            suites = SUITES if srtp else ()
            call = await phone.dial(uri, from_=from_, headers=headers, codecs=codecs, suites=suites)
            await call.answered(answer_timeout)
            await _converse(call, say=say, play=play, press=press, listen=listen)
            await call.hang_up()
        except (CallRefused, CallEnded):
            pass  # `status` and `ended_by` say it
        except (FarEndError, WaitTimeout) as error:
            problem = str(error)
    if record is not None and call is not None:
        write_wav(record, call.recording)
    return report(uri, call, problem)


async def _converse(call: Call, *, say: Sequence[str], play: Sequence[str | Path], press: str, listen: float) -> None:
    for text in say:
        before = len(call.hearings)
        await call.say(text)
        await _listen(call, listen, before)
    for path in play:
        before = len(call.hearings)
        await call.play(path)
        await _listen(call, listen, before)
    if press:
        before = len(call.hearings)
        await call.press(press)
        await _listen(call, listen, before)
    if not (say or play or press):
        await _listen(call, listen, 0)


async def _listen(call: Call, seconds: float, before: int) -> None:
    try:
        await call.wait_for_heard(timeout=seconds, after=before)
        await call.wait_for_quiet(timeout=seconds)
    except (WaitTimeout, CallEnded):
        return


def report(uri: str, call: Call | None, problem: str | None) -> DialReport:
    """The report of a call as it is now; `call` None when none could be placed."""
    if call is None:
        return DialReport(
            uri=uri,
            status=None,
            reason="",
            ended_by=None,
            problem=problem,
            sip_call_id=None,
            codec=None,
            setup_ms=None,
            heard=(),
            digits="",
            referred_to=None,
            recorded_seconds=0.0,
            ladder=(),
        )
    final = next((each for each in call.responses if each.status >= 200), None)
    started = call.messages[0].at if call.messages else 0.0
    refer = next((each.message for each in call.requests if each.method == "REFER"), None)
    return DialReport(
        uri=uri,
        status=None if final is None else final.status,
        reason="" if final is None else final.reason,
        ended_by=call.ended_by,
        problem=problem or (None if call.failure is None else str(call.failure)),
        sip_call_id=call.id,
        codec=None if call.answer is None else call.answer.codec,
        setup_ms=None if final is None else round(1000 * (final.at - started), 1),
        heard=tuple(call.heard),
        digits=call.digits,
        referred_to=None if refer is None else refer.headers.get("Refer-To"),
        recorded_seconds=round(len(call.recording) / 8000, 3),
        ladder=tuple(steps_of(call.messages)),
    )
