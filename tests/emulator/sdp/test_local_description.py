import random

from ringback.emulator.ids import Ids
from ringback.emulator.sdp.local_description import LocalDescription


def test_answerer_changes_its_version_with_its_description_and_only_then() -> None:
    local = LocalDescription(Ids(random.Random(1)))

    def write(direction: str) -> tuple[int, int]:
        session_id, version, _ = local.write(lambda *numbers: " ".join(map(str, (*numbers, direction)))).split()
        return int(session_id), int(version)

    session_id, version = write("sendrecv")
    assert write("sendrecv") == (session_id, version)
    assert write("recvonly") == (session_id, version + 1)
    assert write("recvonly") == (session_id, version + 1)
    assert write("sendrecv") == (session_id, version + 2)
