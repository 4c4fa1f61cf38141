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

    _end_tidily()
    agents.main(prog_name="agents")


def _end_tidily() -> None:
    """Has a request to end leave nothing half-done behind; commands may have better ways."""
    import signal

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)  # as a shell counts it

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup has it ignored
            signal.signal(number, end)
