"""Options that the commands of ``agents samples`` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from headrace.samples import Judged

__all__ = ["BY", "FOLDER", "TO", "filtering", "wanted"]

Command = TypeVar("Command", bound="Callable[..., Any]")

FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="The folder of the samples; else [tool.agents.samples] says it.",
)
TO = click.option(
    "--to",
    type=click.Path(path_type=Path),
    help="Where the job reads: verdicts are laid there for the agent, too.",
)
BY = click.option("--by", default=None, help="Who judges. Default: your user's name.")
_SAID = ("good", "bad", "disputed", "none")


def filtering(command: Command) -> Command:
    """Adds the options that say which samples are wanted."""
    for option in reversed(
        (
            click.option("--agent", metavar="NAME", help="Of this agent."),
            click.option("--job", metavar="NAME", help="Of this job."),
            click.option("--key", metavar="KEY", help="Of this key: a text, or as JSON."),
            click.option("--since", metavar="TIME", help="Not before: 10min (ago), or a date."),
            click.option("--until", metavar="TIME", help="Before."),
            click.option(
                "--verdict", "said", type=click.Choice(_SAID), help="What people say of it."
            ),
            click.option("--label", metavar="LABEL", help="With this label in a verdict."),
        )
    ):
        command = option(command)
    return command


def wanted(judged: Iterable[Judged], typed: Mapping[str, Any]) -> list[Judged]:
    """The samples that the options let in."""
    from headrace_cli._logs._filters import instant, key_text

    since = None if typed["since"] is None else instant(typed["since"], "--since")
    until = None if typed["until"] is None else instant(typed["until"], "--until")

    def fits(one: Judged) -> bool:
        sample = one.sample
        return (
            typed["agent"] in (None, sample.agent)
            and typed["job"] in (None, sample.job)
            and typed["key"] in (None, key_text(sample.key))
            and (since is None or sample.time >= since)
            and (until is None or sample.time < until)
            and typed["said"] in (None, one.said or "none")
            and (
                typed["label"] is None
                or any(typed["label"] in each.labels for each in one.verdicts)
            )
        )

    return [one for one in judged if fits(one)]
