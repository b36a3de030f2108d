"""The exit codes of the command line, and the exceptions that end a program with one of them."""

from enum import IntEnum


class Code(IntEnum):
    """How a program of the command line ends."""

    DONE = 0
    REFUSED = 1
    BAD_INPUT = 2
    UNAVAILABLE = 3
    INTERRUPTED = 130


class Ended(Exception):
    """Ends the program with a message for a person and an exit code."""

    def __init__(self, message: str, code: Code) -> None:
        super().__init__(message)
        self.code = code


class Unavailable(Ended):
    """Ends the program because the system, or a part of it, is not available."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Code.UNAVAILABLE)
