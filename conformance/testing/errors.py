"""What a test is told."""


class ExpectationFailed(AssertionError):
    """What a test expected of the application did not happen. The message says what did instead, and where to look."""


class WrongUse(Exception):
    """The test asks for something impossible. The message says what to do instead."""


for _each in (ExpectationFailed, WrongUse):
    _each.__module__ = __package__  # where users import it from, and what a failure shows
