"""pyVoIP as a phone that obeys lines on its input: `call USER`, `say FILE`, `state`, `hangup`, `heard FILE`, `quit`.

Files are 8 kHz, 8 bits, unsigned, as pyVoIP has them. `heard` takes all that came since the call began. Each line is
answered by one, beginning with `ok`.
"""

import sys
from pathlib import Path

from pyVoIP.VoIP import VoIPPhone

HOUR = 3600 * 8000


def main(port: int, sip_port: int, rtp_port: int) -> None:
    phone = VoIPPhone(
        "127.0.0.1",
        port,
        "dave",
        "secret",
        myIP="127.0.0.1",
        sipPort=sip_port,
        rtpPortLow=rtp_port,
        rtpPortHigh=rtp_port,
    )
    phone.start()
    say(phone.get_status().name)
    call = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "call":
            call = phone.call(argument)
            say("calling")
            continue
        if command == "quit":
            break
        assert call is not None
        if command == "say":
            call.write_audio(Path(argument).read_bytes())
            say("saying")
        elif command == "state":
            say(call.state.name)
        elif command == "heard":
            Path(argument).write_bytes(call.read_audio(HOUR // 60, blocking=False))
            say("heard")
        elif command == "hangup":
            call.hangup()
            say(call.state.name)
    phone.stop()
    say(phone.get_status().name)


def say(text: str) -> None:
    sys.stdout.write(f"ok {text}\n")
    sys.stdout.flush()


main(*map(int, sys.argv[1:]))
