"""`ringback` as its users run it, but for one thing: every event it makes is judged by its schema (`frames.py`).

`python tests/framed.py …` takes the command line of `ringback`. What is wrong is appended to the file that
`FRAMES_FILE` names, a line each, for whoever started it to look at.
"""

import os
from pathlib import Path

import frames
import ringback.emulator.server  # noqa: F401 — so that all who send frames are there to be listened to
from ringback.emulator.cli import main

FILE = "FRAMES_FILE"


class Written(frames.Recorder):
    """Writes down what is wrong at once: nobody knows how the process will end."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def tell(self, problems: list[str]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.writelines(f"{problem}\n" for problem in problems)


if __name__ == "__main__":
    frames.listen(Written(Path(os.environ[FILE])))
    main()
