"""The group ``agents``: commands are imported when they are called, errors printed in one way."""

from __future__ import annotations

import errno
from importlib import import_module
from typing import Any

import click

from headrace_cli._errors import CommandError
from headrace_cli._plugin_commands import plugin_commands
from headrace_cli._version import version_line

__all__ = ["agents"]

_COMMANDS = {
    "init": "Make an agent project: an agent, its inputs, a test.",
    "run": "Run an agent.",
    "serve": "Serve an agent over HTTP, with a page to chat on.",
    "replay": "Run recorded runs again, offline, and show what differs.",
    "logs": "What agents did: filter their event logs, follow them, see the tree of a run.",
    "samples": "Runs put aside for people: show them, judge them, how good they are over time.",
    "approvals": "Tool calls that wait for your decision: see, approve or refuse them.",
    "outbox": "Effects that wait until their run is sure: see them, do what a job has left.",
    "login": "Sign in to the servers of an agent's tools, once, with a browser.",
    "memory": "What agents remember for long: search it, export it, erase a person's.",
    "plan": "Compile an agent without running it, and show its plan.",
    "config": "Settings: what each is, where it came from, what it means.",
    "skills": "Skills: find, add, update, check, audit, pack and lend them.",
    "plugins": "Plugins: find, add and update tools, models, memory and more.",
    "registry": "Registries: approve of them, and keep one of your own.",
    "lock": "Lock the project's packages, with hashes, for its targets.",
    "sync": "Install what the lock says.",
    "build": "Build the zip of a job, which a Flink cluster runs with no network.",
    "verify": "Verify a job's zip: files, parts, signature.",
    "inspect": "Show what is in a job's zip: agents, packages, skills, secrets, SBOM.",
    "submit": "Run a job's zip on a Flink cluster.",
    "jobs": "Jobs on a cluster: list, show, stop with a savepoint, cancel, logs.",
    "deploy": "Write what Kubernetes or YARN needs to run a job's zip.",
    "cluster": "Flink clusters of your own, on this machine, for development.",
    "schema": "Print the JSON schema of agents in YAML, for editors.",
    "doctor": "Show what of this machine can be used: Python, sandboxes, Flink.",
    "completion": "Print the completion script of a shell.",
}
"""The commands, in the order in which one meets them, and what `agents --help` says of each: it
imports none of them."""
_ADDED = "headrace_cli.plugin_commands"


class _Agents(click.Group):
    """Looks a command up in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order in which one meets them; then those of plugins."""
        return [*_COMMANDS, *(one for one in _added(ctx) if one not in _COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; no plugin takes the place of one that is headrace's own."""
        if cmd_name not in _COMMANDS:
            return _added(ctx).get(cmd_name)
        found = import_module(f"headrace_cli._commands.{cmd_name}").command
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands."""
        added = _added(ctx)
        rows = list(_COMMANDS.items())
        rows += [(one, added[one].get_short_help_str()) for one in added if one not in _COMMANDS]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; what it raises becomes an error with an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            # A reader that went away (`| head`) is click's to handle.
            if ctx.params.get("debug") or getattr(error, "errno", None) == errno.EPIPE:
                raise
            raise _described(error) from error


def _added(ctx: click.Context) -> dict[str, click.Command]:
    """The plugins' commands, asked for once a command line."""
    if _ADDED not in ctx.meta:
        ctx.meta[_ADDED] = plugin_commands()
    found: dict[str, click.Command] = ctx.meta[_ADDED]
    return found


def _described(error: Exception) -> CommandError:
    from headrace.errors import HeadraceError

    if isinstance(error, HeadraceError):
        return CommandError(str(error))
    if isinstance(error, OSError) and error.filename is not None:
        return CommandError(f"{error.strerror}: {error.filename}")
    return CommandError(
        f"{type(error).__name__}: {error}",
        why="this was not expected, and may be a defect of headrace",
        then="type it again as `agents --debug ...` for the traceback",
    )


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
    if wanted and not ctx.resilient_parsing:
        click.echo(version_line())
        ctx.exit()


@click.group(cls=_Agents, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
def agents(debug: bool) -> None:  # noqa: FBT001 - read from the context's parameters
    """AI agents on Apache Flink, whose skills, tools and models are pip packages.

    Exit codes: 0 done, 1 the work failed, 2 bad usage.
    """
