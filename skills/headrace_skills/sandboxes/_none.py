"""The runner that isolates nothing: for a project that says ``sandbox = "none"`` in these words."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from headrace_skills.sandboxes._base import KeptSandbox, scratch_of
from headrace_skills.sandboxes._runs import Prepared, request_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.sandbox import Command

__all__ = ["NoSandbox"]


class NoSandbox(KeptSandbox):
    """Runs commands as the worker's own user, with its files and its network.

    It holds them to limits, gives them an environment of their own and a scratch folder, and
    leaves no process behind. It does not keep them from anything that the worker may do itself:
    grants of hosts and programs mean nothing here.
    """

    @contextmanager
    def prepare(self, command: Command) -> Iterator[Prepared]:
        """Gives a scratch folder."""
        with scratch_of(command) as scratch:
            yield Prepared(request_for(command, scratch))
