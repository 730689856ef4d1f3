"""Why something did not happen, as far as the journal knows: what a failed expectation says besides."""

import re
from collections.abc import Iterable, Iterator, Sequence

from ..targets.embedded import Record

INCOMING = "realtime.call.incoming"
VERBS = ("/accept", "/reject")
MOST_LINES = 60
"""Of the picture of a call: its end is what matters."""


_PLACE = re.compile(r'^  File "(.+)", line (\d+), in ', re.MULTILINE)


def message(expected: str, instead: str, found: Sequence[str], ladder: Sequence[str]) -> str:
    """What was expected, what happened, what to look at (`found`), and the call as a picture."""
    lines = [f"expected: {expected}", f"instead:  {instead}"]
    lines += [f"look at:  {hint}" for hint in dict.fromkeys(found)]
    if ladder:
        lines += ["", *(ladder if len(ladder) <= MOST_LINES else [ladder[0], "…", *ladder[-MOST_LINES:]])]
    return "\n".join(lines)


def hints(records: Sequence[Record], pending: Sequence[str] = ()) -> Iterator[str]:
    """The first things that a developer would look for, most telling first. `pending` are deliveries under way."""
    yield from _bugs(records)
    yield from _told(records, pending)
    yield from _webhook(records)
    yield from _decision(records)
    yield from _requests(records)
    yield from _events(records)
    yield from _scenario(records)


def raised(tracebacks: Iterable[str]) -> Iterator[str]:
    """What an application in this process has raised."""
    for each in tracebacks:
        yield f"the application raised {summary_of(each)}"


def waiting(records: Sequence[Record], steps: Sequence[str]) -> Iterator[str]:
    """Words that no step of the test's own scenario was written for."""
    heard = [str(each.data["text"]) for each in _of(records, "media.heard")]
    if steps and heard:
        yield f"of the scenario, still waiting: {'; '.join(steps)}. The caller said {', '.join(map(repr, heard))}"


def summary_of(traceback: str) -> str:
    """The error and the last line of a traceback that is not of an installed package."""
    error = traceback.rstrip().splitlines()[-1]
    places = [f"{match[1]}:{match[2]}" for match in _PLACE.finditer(traceback)]
    own = [place for place in places if "site-packages" not in place and "/lib/python" not in place] or places
    return f"{error} (at {own[-1]})" if own else error


def _of(records: Iterable[Record], kind: str) -> list[Record]:
    return [record for record in records if record.kind == kind]


def _bugs(records: Sequence[Record]) -> Iterator[str]:
    for record in _of(records, "emulator.bug"):
        yield f"a bug of ringback, please report it: {record.data['error']}"


def _told(records: Sequence[Record], pending: Sequence[str]) -> Iterator[str]:
    if not _of(records, "call.state") or any(record.kind.startswith("webhook.") for record in records):
        return
    if not pending:
        yield "nobody was told of the call: name the application with ringback.webhook(url or application)"
    elif not any(each.data["path"].endswith(VERBS) for each in _of(records, "rest.request")):
        yield (
            "the application was told of the call, but has neither answered the webhook nor sent POST …/accept or "
            "…/reject. Does something hold it up?"
        )


def _webhook(records: Sequence[Record]) -> Iterator[str]:
    for attempt in _of(records, "webhook.attempt"):
        url, status = attempt.data["url"], attempt.data.get("status")
        if status is None:
            problem = attempt.data.get("error")
            yield f"the webhook to {url} was not delivered: {problem}. Is the application running there?"
        elif status in (400, 401, 403):
            yield (
                f"the application answered {status} to the webhook at {url}: it probably refused the signature. It "
                "needs OPENAI_WEBHOOK_SECRET=ringback.webhook_secret, and the body as it came"
            )
        elif not 200 <= status < 300:
            yield f"the application answered {status} to the webhook at {url}: see its own log"


def _requests(records: Sequence[Record]) -> Iterator[str]:
    for answer in _of(records, "rest.response"):
        if answer.data["status"] >= 400:
            said = answer.data.get("error")
            yield f"{answer.data['method']} {answer.data['path']} was answered {answer.data['status']}" + (
                f": {said}" if said else ""
            )


def _decision(records: Sequence[Record]) -> Iterator[str]:
    told = [each for each in _of(records, "webhook.attempt") if 200 <= (each.data.get("status") or 0) < 300]
    requests = _of(records, "rest.request")
    verbs = [each for each in requests if each.data["path"].endswith(VERBS)]
    doubt = "" if requests else " Does its OpenAI client use OPENAI_BASE_URL=ringback.base_url?"
    for attempt in told:
        if not any(verb.call_id == attempt.call_id for verb in verbs):
            yield (
                f"the application was told of {attempt.call_id} and answered {attempt.data['status']}, but never sent "
                f"POST /v1/realtime/calls/{attempt.call_id}/accept or …/reject.{doubt}"
            )


def _events(records: Sequence[Record]) -> Iterator[str]:
    for record in _of(records, "event.server"):
        event = record.data["event"]
        if event["type"] == "error":
            yield f"an error event went to the application: {event['error']['message']}"
        elif event["type"] == "response.done" and event["response"]["status"] == "failed":
            error = (event["response"]["status_details"] or {}).get("error") or {}
            yield f"a response failed: {error.get('message')}"
    calls = [each for each in _of(records, "event.server") if _is_call(each)]
    outputs = {
        each.data["event"]["item"].get("call_id")
        for each in _of(records, "event.client")
        if each.data["event"].get("item", {}).get("type") == "function_call_output"
    }
    goodbyes = [each for each in _of(records, "rest.request") if each.data["path"].endswith(("/refer", "/hangup"))]
    for call in calls:
        event = call.data["event"]
        is_over = any(each.call_id == call.call_id and each.sequence > call.sequence for each in goodbyes)
        if event["call_id"] not in outputs and not is_over:
            yield (
                f"the model called {event['name']}({event['arguments']}), and the application sent no "
                "function_call_output for it"
            )


def _is_call(record: Record) -> bool:
    return bool(record.data["event"]["type"] == "response.function_call_arguments.done")


def _scenario(records: Sequence[Record]) -> Iterator[str]:
    for record in _of(records, "scenario.unmatched"):
        yield str(record.data["message"])
