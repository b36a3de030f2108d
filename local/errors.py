"""The one error of the embedded stack."""


class StackError(Exception):
    """The embedded stack cannot do what was asked. The message says what happened, where, and what to do: show it as it is."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        """What a command line program should end with: 1, or 130 after ctrl-C."""
