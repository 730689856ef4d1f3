"""Every recording of a direct WebSocket, replayed against the emulator."""

import os
from pathlib import Path

import pytest
from oracle.compare import KNOWN, Known
from oracle.replay import compare, replay

FOLDER = Path(os.environ.get("RINGBACK_SHARED", Path(__file__).parents[2].parent / "shared")) / "recordings"
RECORDINGS = sorted(FOLDER.glob("*-websocket-*.jsonl"))


def test_there_are_recordings(shared: Path) -> None:
    assert RECORDINGS, f"no recording of a WebSocket in {shared}"


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
async def test_client_of_a_recording_gets_the_same_from_the_emulator(recording: Path) -> None:
    unexplained = [str(found) for found in await compare(recording) if found.known is None]
    assert unexplained == []


async def test_every_known_difference_is_met(shared: Path) -> None:
    met: set[Known | None] = {found.known for recording in RECORDINGS for found in await compare(recording)}
    assert [known.name for known in KNOWN if known not in met] == []


async def test_words_of_the_caller_come_through_the_replaced_sound(shared: Path) -> None:
    events = await replay(shared / "recordings" / "openai-websocket-audio-in-server-vad.jsonl")
    completed = [event for event in events if event["type"].endswith("input_audio_transcription.completed")]
    assert [event["transcript"] for event in completed] == ["Hello, my name is Marcelo."]
    assert completed[0]["usage"] == {"type": "duration", "seconds": 3}


async def test_replay_says_where_a_recording_that_is_new_differs(shared: Path, tmp_path: Path) -> None:
    """As nobody recorded it: one event gone, and another one too many behind it."""
    lines = (shared / "recordings" / "openai-websocket-tool-call.jsonl").read_text(encoding="utf-8").splitlines()
    place = next(index for index, line in enumerate(lines) if '"conversation.item.added"' in line)
    changed = lines[place].replace("conversation.item.added", "conversation.item.created")
    recording = tmp_path / "new.jsonl"
    recording.write_text("\n".join([*lines[:place], changed, *lines[place + 1 :]]), encoding="utf-8")
    unexplained = [str(found) for found in await compare(recording) if found.known is None]
    assert unexplained == [
        "order: recorded conversation.item.created, ours nothing",
        "order: recorded nothing, ours conversation.item.added",
    ]
