"""ringback's emulator: a local server of OpenAI's Realtime call APIs, with a SIP front end and real media.

The public names arrive with `from ringback.emulator import Emulator`; the floors below are described in DESIGN's
words in `docs/architecture.md`.
"""

if __name__ == "emulator":
    raise ImportError("import this package as ringback.emulator: install the checkout with `pip install -e .` first")
