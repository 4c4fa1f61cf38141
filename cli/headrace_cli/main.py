"""The entry point of ``agents``. ``--version`` is answered before anything else is imported."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Runs the command line, and ends the process with its exit code."""
    if sys.argv[1:] == ["--version"]:
        from headrace_cli._version import version_line

        sys.stdout.write(version_line() + "\n")
        return
    from headrace_cli._app import agents

    agents.main(prog_name="agents")
