"""Runs workflows without the sandbox of the SDK, at half the cost of a decision.

The sandbox loads modules anew for each run and refuses calls that are not deterministic. It is for
tests and replay, where such a call is found. Production code has passed them.

The SDK asks each run for a serialization context, once for each payload and each pass over the
payloads. No converter of Perennial reads a context, so these runs return None.
"""

from typing import Any

from temporalio.worker import (
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
)


class Unsandboxed(UnsandboxedWorkflowRunner):
    """See the docstring of the module."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make the run of a workflow."""
        return _WithoutContext(super().create_instance(det))


class _WithoutContext(WorkflowInstance):
    """A run that has no serialization context. Without external storage, one context serves all."""

    def __init__(self, run: WorkflowInstance) -> None:
        self._run = run
        self._storage: Any = None

    def activate(self, act: Any) -> Any:
        return self._run.activate(act)

    def get_serialization_context(self, command_info: Any) -> None:
        return None

    def get_external_store_context(self, command_info: Any) -> Any:
        if self._storage is None:
            self._storage = self._run.get_external_store_context(None)
        return self._storage

    def get_info(self) -> Any:
        return self._run.get_info()

    def get_thread_id(self) -> int | None:
        return self._run.get_thread_id()
