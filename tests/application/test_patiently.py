"""A call that the server rejects for now is repeated for a while."""

import pytest
from temporalio.service import RPCError, RPCStatusCode

from doors.application import perennial
from doors.application.perennial import patiently


class Server:
    """Rejects a number of calls."""

    def __init__(self, status: RPCStatusCode, times: int) -> None:
        self.status, self.left, self.calls = status, times, 0

    async def call(self) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise RPCError(
                "Unable to perform workflow execution update "
                "due to unexpected workflow task failure.",
                self.status,
                b"",
            )
        return "done"


@pytest.mark.parametrize(
    "status",
    [RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.RESOURCE_EXHAUSTED],
    ids=lambda status: status.name,
)
async def test_a_call_that_comes_back_is_made_again(status: RPCStatusCode) -> None:
    server = Server(status, 2)
    assert await patiently(server.call) == "done"
    assert server.calls == 3


async def test_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perennial, "_PATIENCE", 0.0)
    server = Server(RPCStatusCode.FAILED_PRECONDITION, 9)
    with pytest.raises(RPCError):
        await patiently(server.call)
    assert server.calls < 3


async def test_what_is_wrong_is_told_at_once() -> None:
    server = Server(RPCStatusCode.NOT_FOUND, 1)
    with pytest.raises(RPCError):
        await patiently(server.call)
    assert server.calls == 1
