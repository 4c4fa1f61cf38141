"""Flink's settings of a deployment, and the order that goes to the job's driver."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from headrace.jobs.driver import ORDER_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_registry.deploying._files import Files
    from headrace_registry.deploying.subject import Subject

__all__ = ["ORDER_VARIABLE", "in_container", "merged", "order_of"]

_DRIVER_ROOM = {"jobmanager.memory.jvm-overhead.min": "512m"}
"""The job is put together by a Python process beside the JobManager, in the memory of both."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_ESCAPED = {ord(one): f"\\u{ord(one):04x}" for one in "{}<>"}


def merged(
    subject: Subject, ours: Mapping[str, str], given: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """All of Flink's settings by name: the job's own, over them ours, over them those given.

    Returns:
        The settings, and the names of those of the job's own that ours take the place of.
    """
    own = subject.manifest.settings
    found = {**_DRIVER_ROOM, **own, **ours, **given}
    replaced = {key for key, value in own.items() if found[key] != value}
    return dict(sorted(found.items())), tuple(sorted(replaced))


def order_of(
    settings: Mapping[str, str],
    replaced: tuple[str, ...],
    given: Mapping[str, str],
    files: Files,
) -> str | None:
    """The order for the driver, which puts a job's own settings over the cluster's.

    What was asked for here comes last; ``None`` where nothing was.
    """
    last = {key: settings[key] for key in sorted({*replaced, *given})}
    order = {**files.order, **({"settings": last} if last else {})}
    return json.dumps(order, sort_keys=True) if order else None


def in_container(order: str) -> str:
    """An order, as a container of YARN gets it.

    YARN writes the variables of a container into a script, between double quotes and with nothing
    escaped, and replaces two braces in a row by what its own variables need.
    """
    told = _STRING.sub(lambda found: found[0].translate(_ESCAPED), order)
    spaced = told.replace("{", "{ ").replace("}", " }")
    return re.sub(r'(["\\$`])', r"\\\1", spaced)
