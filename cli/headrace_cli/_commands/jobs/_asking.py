"""What the commands for jobs share: which cluster is asked, and which job is meant."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace_registry.clusters import FlinkRest, JobSummary

__all__ = ["Asked", "cluster_options", "confirmed", "job_of", "opened", "print_json"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which cluster is asked, and how, as the command line says."""

    cluster: str | None
    """Its address, or the name of a local one; ``None``: the only local one."""
    ca: Path | None
    """A file with the authorities for its certificate."""
    proxy: str | None
    """The URL of a proxy."""
    as_json: bool
    """Whether JSON is printed."""


def cluster_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of all commands that ask a cluster, given to them as ``asked``."""

    @wraps(function)
    def command(**given: Any) -> Any:
        asked = Asked(**{one.name: given.pop(one.name) for one in fields(Asked)})
        return function(asked=asked, **given)

    options = (
        click.option(
            "--cluster",
            metavar="HOST:PORT|NAME",
            envvar="HEADRACE_CLUSTER",
            help="The cluster: its REST address, or the name of a local one. "
            "By default the only local one.",
        ),
        click.option(
            "--ca",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            envvar="HEADRACE_FLINK_CA",
            metavar="FILE",
            help="The authorities for its certificate (PEM).",
        ),
        click.option("--proxy", metavar="URL", help="Ask through this proxy."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
    )
    found: Callable[..., Any] = command
    for option in reversed(options):
        found = option(found)
    return found


@contextmanager
def opened(asked: Asked) -> Iterator[FlinkRest]:
    """The cluster that is asked."""
    from headrace_registry.clusters import FlinkRest, address_of

    with FlinkRest(address_of(asked.cluster), ca=asked.ca, proxy=asked.proxy) as rest:
        yield rest


def job_of(rest: FlinkRest, text: str) -> JobSummary:
    """The job that was typed."""
    from headrace_registry.clusters import find_job

    return find_job(rest.jobs(), text)


def confirmed(question: str, *, yes: bool) -> None:
    """Asks whether a change is meant.

    Raises:
        WrongUseError: Nobody can be asked.
        Abort: The answer is no.
    """
    import sys

    if yes:
        return
    if not sys.stdin.isatty():
        from headrace_cli._errors import WrongUseError

        raise WrongUseError(
            "this wants to be agreed to, and there is no terminal to ask on", then="add --yes"
        )
    click.confirm(question, abort=True, err=True)


def print_json(data: Any) -> None:
    """Prints JSON."""
    import json

    click.echo(json.dumps(data, indent=2, ensure_ascii=False))
