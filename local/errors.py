"""The one error of the embedded stack."""


class StackError(Exception):
    """The embedded stack cannot do what the caller asked for.

    The message says what happened, where, and what to do. Show it to the user as it is.
    """

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        """The exit status for a command line program: 1, or 130 after ctrl-C."""
