"""`python -m ringback.emulator` and the command `ringback`."""

from .cli import main

if __name__ == "__main__":
    main()
