"""The journal of a test as one HTML file that needs nothing else: what a failed test leaves for a browser."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from ..targets.embedded import Pictured

GROUPS = {
    "sip": "SIP",
    "media": "Sound",
    "webhook": "Webhooks",
    "rest": "REST",
    "event": "Events",
    "call": "Calls",
}
"""What can be hidden, by the first word of a kind; the rest is shown with the calls."""
HERE = Path(__file__).parent


def page(title: str, message: str, pictured: Sequence[Pictured]) -> str:
    """The whole file. `message` is why the test failed; an empty one leaves that part out."""
    start = pictured[0].record.at if pictured else 0.0
    began = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if pictured else "nothing happened"
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        began=began,
        count=len(pictured),
        message=f"<pre class=message>{escape(message)}</pre>" if message else "",
        groups="".join(
            f'<label><input type=checkbox checked value="{name}">{label}</label>' for name, label in GROUPS.items()
        ),
        rows="\n".join(_rows(pictured, start)),
    )


def _rows(pictured: Iterable[Pictured], start: float) -> Iterable[str]:
    for each in pictured:
        record = each.record
        group = record.kind.partition(".")[0]
        group = {"channel": "event", "emulator": "call"}.get(group, group)
        classes = [group if group in GROUPS else "call"]
        if _is_trouble(each):
            classes.append("trouble")
        if each.label is None:
            classes.append("quiet")
        lane = each.side or "middle"
        direction = "" if each.side is None else "right" if (each.side == "caller") == each.inward else "left"
        detail = _detail(each)
        yield (
            f'<details class="{" ".join(classes)}"><summary><time>{1000 * (record.at - start):.1f}</time>'
            f'<span class="lanes"><b class="{lane} {direction}">{escape(each.label or record.kind)}</b></span>'
            "</summary>"
            f"<div><p><code>{escape(record.kind)}</code> {escape(record.call_id or '')}</p><pre>{detail}</pre></div>"
            "</details>"
        )


def _detail(each: Pictured) -> str:
    """A SIP message as it crossed the wire, everything else as JSON."""
    data = dict(each.record.data)
    text = data.pop("text", None) if each.record.kind.startswith("sip.") else None
    shown = json.dumps(data, indent=2, ensure_ascii=False, default=str)
    return escape(shown if text is None else f"{str(text).replace(chr(13), '').rstrip()}\n\n{shown}")


def _is_trouble(each: Pictured) -> bool:
    data = each.record.data
    status = data.get("status")
    if each.record.kind in ("emulator.bug", "webhook.abandoned", "scenario.unmatched", "sip.dropped", "fault.struck"):
        return True
    if each.record.kind == "event.server":
        event = data["event"]
        return bool(event["type"] == "error" or event.get("response", {}).get("status") == "failed")
    return "error" in data or (isinstance(status, int) and status >= 400)
