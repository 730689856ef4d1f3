"""baresip without a sound card: it says what a WAV file holds, records what it hears, and obeys over TCP."""

import asyncio
import contextlib
import json
import subprocess
import wave
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from interop.ports import PATIENCE, connect, end, free_port
from ringback.conformance.client.g711 import Samples
from ringback.conformance.client.media import read_wav
from ringback.fixtures import tonecode

MODULES = next((path for path in Path("/usr/lib").glob("**/baresip/modules") if path.is_dir()), Path("/usr/lib"))
SILENCE = np.zeros(120 * tonecode.SAMPLE_RATE, dtype=np.int16)
"""At the end of its file baresip hangs up, so every file ends in more silence than a test takes."""
CONFIG = """
poll_method             epoll
sip_listen              127.0.0.1:0
sip_cafile              {ca_file}
call_local_timeout      120
call_max_calls          4
audio_source            aufile,{folder}/silence.wav
audio_alert             aufile,{folder}/none.wav
ausrc_srate             {rate}
auplay_srate            8000
ausrc_channels          1
auplay_channels         1
audio_txmode            poll
audio_level             no
ausrc_format            s16
auplay_format           s16
auenc_format            s16
audec_format            s16
audio_buffer            20-160
net_interface           127.0.0.1
rtp_ports               20000-29999
rtcp_mux                no
jitter_buffer_delay     1-10
rtp_stats               yes
dns_server              127.0.0.1:53
module_path             {modules}
module                  g711.so
module                  aufile.so
module                  srtp.so
module                  g722.so
module                  opus.so
module                  sndfile.so
module_tmp              account.so
module_app              menu.so
module_app              ctrl_tcp.so
ctrl_tcp_listen         127.0.0.1:{port}
snd_path                {folder}/recordings
"""
ACCOUNT = "<sip:alice@127.0.0.1;transport={transport}>;regint=0;audio_codecs={codecs};dtmfmode=rtpevent{more}\n"


class Refused(Exception):
    """baresip did not do what it was told."""


@dataclass
class Baresip:
    """One baresip at work. `events` are what it reported: CALL_RINGING, CALL_ESTABLISHED, CALL_CLOSED …"""

    folder: Path
    writer: asyncio.StreamWriter
    rate: int = tonecode.SAMPLE_RATE
    """Of its microphone; where its codec has another one, what it says can be noticed and no more."""
    events: list[dict[str, Any]] = field(default_factory=list)
    _replies: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _sounds: int = 0

    # What a person does with a phone

    async def dial(self, uri: str) -> None:
        """Dial, and wait until it is answered."""
        await self.tell("dial", uri)
        await self.event("CALL_ESTABLISHED")

    async def say(self, text: str) -> None:
        """Begin to say a text as tonecode."""
        self._sounds += 1
        file = self.folder / f"sound-{self._sounds}.wav"
        write_sound(file, np.concatenate([tonecode.encode(text), SILENCE]), self.rate)
        await self.tell("ausrc", f"aufile,{file}")

    async def press(self, digit: str) -> None:
        await self.tell("sndcode", digit)

    async def hang_up(self) -> None:
        await self.tell("hangup")
        await self.event("CALL_CLOSED")

    # What it reports

    async def event(self, kind: str, *, after: int = 0) -> dict[str, Any]:
        """The first event of that kind, now or when it comes; `after` leaves out the first so many."""

        def found() -> dict[str, Any] | None:
            return next((event for event in self.events[after:] if event["type"] == kind), None)

        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: found() is not None)
        except TimeoutError:
            raise AssertionError(f"no {kind} came; there was {self.events}") from None
        hit = found()
        assert hit is not None
        return hit

    def heard(self) -> list[str]:
        """What it has heard in its last call, by its own recording. Complete once baresip has ended."""
        [file] = (self.folder / "recordings").glob("*-dec.wav")
        return [each.text for each in tonecode.decode(read_wav(file)) if each.complete]

    def log(self) -> str:
        """What it printed."""
        return (self.folder / "baresip.log").read_text(errors="replace")

    # The control connection: JSON in netstrings

    async def tell(self, command: str, parameters: str = "") -> str:
        """Give a command of its menu and return what it says. Raises `Refused`."""
        body = json.dumps({"command": command, "params": parameters, "token": command}).encode()
        self.writer.write(b"%d:%s," % (len(body), body))
        async with asyncio.timeout(PATIENCE):
            reply = await self._replies.get()
        if not reply["ok"]:
            raise Refused(f"{command} {parameters}: {reply['data']}")
        return str(reply["data"])

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Take what it sends until it has ended."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                message = json.loads((await reader.readexactly(length + 1))[:-1])
                if message.get("response"):
                    self._replies.put_nowait(message)
                    continue
                async with self._news:
                    self.events.append(message)
                    self._news.notify_all()


@contextlib.asynccontextmanager
async def baresip(
    program: str,
    folder: Path,
    *,
    ca_file: str = "",
    transport: str = "tls",
    codecs: str = "PCMU/8000/1,PCMA/8000/1",
    encryption: str | None = None,
    rate: int = tonecode.SAMPLE_RATE,
    files: Mapping[str, str] | None = None,
) -> AsyncIterator[Baresip]:
    """Start one; at the end of the block it hangs up and ends, and its recording is complete. `encryption` is what its
    accounts call `mediaenc`: `srtp-mand` offers RTP/SAVP. `files` is a configuration in place of the usual one:
    of it all is kept but the sound card."""
    port = free_port()
    if files is None:
        more = "" if encryption is None else f";mediaenc={encryption}"
        _configure(folder, ca_file=ca_file, port=port, rate=rate)
        (folder / "accounts").write_text(ACCOUNT.format(transport=transport, codecs=codecs, more=more))
    else:
        _adopt(folder, files, port)
    with (folder / "baresip.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, "-f", str(folder), "-n", "127.0.0.1", stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(end, process)
        reader, writer = await connect(port, process)
        stack.callback(writer.close)
        phone = Baresip(folder, writer, rate)
        listening = asyncio.create_task(phone.listen(reader))
        stack.callback(listening.cancel)
        yield phone
        await phone.tell("quit")
        async with asyncio.timeout(PATIENCE):
            await process.wait()
            await listening


def write_sound(file: Path, samples: Samples, rate: int) -> None:
    """Sound of 8 kHz as a WAV file of that rate."""
    wide = np.asarray(soxr.resample(samples, tonecode.SAMPLE_RATE, rate), dtype=np.int16)
    with wave.open(str(file), "wb") as wav:
        wav.setparams((1, 2, rate, 0, "NONE", ""))
        wav.writeframes(wide.tobytes())


def _configure(folder: Path, *, ca_file: str, port: int, rate: int) -> None:
    (folder / "recordings").mkdir(parents=True)
    write_sound(folder / "silence.wav", SILENCE, rate)
    config = CONFIG.format(ca_file=ca_file, folder=folder, modules=MODULES, port=port, rate=rate)
    (folder / "config").write_text(config.lstrip())


def _adopt(folder: Path, files: Mapping[str, str], port: int) -> None:
    """A configuration for people, with files for a sound card, and ears for commands."""
    (folder / "recordings").mkdir(parents=True)
    write_sound(folder / "silence.wav", SILENCE, tonecode.SAMPLE_RATE)
    config = files["config"]
    for printed, mine in (
        ("audio_player            alsa,default\n", ""),
        ("alsa,default", f"aufile,{folder}/silence.wav"),
        ("alsa.so", "aufile.so\nmodule                  sndfile.so"),
    ):
        assert printed in config
        config = config.replace(printed, mine)
    mine = CONFIG.format(ca_file="", folder=folder, modules=MODULES, port=port, rate=tonecode.SAMPLE_RATE)
    kept = (
        "audio_txmode",
        "ausrc_format",
        "auplay_format",
        "auenc_format",
        "audec_format",
        "ctrl_tcp_listen",
        "snd_path",
    )
    more = [line for line in mine.splitlines() if line.startswith(kept) or line.endswith("ctrl_tcp.so")]
    (folder / "config").write_text(config + "\n".join(more) + "\n")
    (folder / "accounts").write_text(files["accounts"])
