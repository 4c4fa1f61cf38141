"""``agents jobs show``: all of a job that one wants to know first."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.jobs._asking import cluster_options, job_of, opened, print_json
from headrace_cli._commands.jobs._telling import (
    failure_data,
    failure_text,
    lasting,
    moment,
    size,
    stamp,
)

if TYPE_CHECKING:
    from headrace_cli._commands.jobs._asking import Asked
    from headrace_registry.clusters import Checkpoint, FlinkRest, Vertex

__all__ = ["command"]


@click.command("show")
@click.argument("job", metavar="JOB")
@cluster_options
def command(job: str, asked: Asked) -> None:
    """Show a job: its state, restarts, vertices, last checkpoint and last failure."""
    with opened(asked) as rest:
        data = _collected(rest, job_of(rest, job).id)
    if asked.as_json:
        print_json({key: one for key, one in data.items() if not key.startswith("_")})
        return
    click.echo(_text(data))


def _collected(rest: FlinkRest, job: str) -> dict[str, Any]:
    from headrace_registry.clusters import RejectedError, explain

    found = rest.job(job)
    state = rest.state(job)  # that of `found` may be some seconds old
    checkpoints, metrics = None, {}
    with suppress(RejectedError):  # batch jobs take none
        checkpoints = rest.checkpoints(job)
    if not found.is_over:
        metrics = rest.metrics(job, ["numRestarts"])
    failure = explain(rest.exceptions(job, most=1))
    last = checkpoints.latest.completed if checkpoints else None
    counts = checkpoints.counts if checkpoints else {}
    return {
        "id": found.id,
        "name": found.name,
        "state": state,
        "since": stamp(found.timestamps.get(state) or None),
        "started": stamp(found.started),
        "ended": stamp(found.ended),
        "restarts": int(metrics["numRestarts"]) if metrics.get("numRestarts", "").isdigit() else 0,
        "web": f"{rest.url}/#/job/running/{job}/overview",
        "slots": found.slots,
        "parameters": rest.user_config(job),
        "vertices": [_vertex(rest, job, one, over=found.is_over) for one in found.vertices],
        "checkpoints": {name: counts.get(name, 0) for name in ("completed", "failed")},
        "last_checkpoint": _checkpoint(last, found.now) if last else None,
        "last_failure": failure_data(failure) if failure else None,
        "_since": found.timestamps.get(state),
        "_now": found.now,
        "_failure": failure,
    }


def _vertex(rest: FlinkRest, job: str, vertex: Vertex, *, over: bool) -> dict[str, Any]:
    from headrace_registry.clusters import RejectedError

    level = ""
    if not over:
        with suppress(RejectedError):
            level = rest.backpressure(job, vertex.id).level
    return {
        "name": vertex.name,
        "state": vertex.state,
        "parallelism": vertex.parallelism,
        "tasks": {name: count for name, count in vertex.tasks.items() if count},
        "backpressure": level or None,
    }


def _checkpoint(last: Checkpoint, now: float) -> dict[str, Any]:
    return {
        "id": last.id,
        "savepoint": last.is_savepoint,
        "time": stamp(last.acknowledged or last.triggered),
        "age_seconds": max(0.0, now - (last.acknowledged or last.triggered)),
        "seconds": last.duration,
        "bytes": last.size,
        "path": last.path or None,
    }


def _text(data: dict[str, Any]) -> str:
    since = f" for {lasting(data['_now'] - data['_since'])}" if data["_since"] else ""
    lines = [
        ("name", data["name"]),
        ("id", data["id"]),
        ("state", f"{data['state']}{since if data['ended'] is None else ''}"),
        ("since", moment(data["_since"])),
        ("restarts", str(data["restarts"])),
        ("slots", str(data["slots"])),
        *((name, text) for name, text in sorted(data["parameters"].items())),
        ("checkpoints", "{completed} completed, {failed} failed".format(**data["checkpoints"])),
    ]
    if last := data["last_checkpoint"]:
        what = "savepoint" if last["savepoint"] else "checkpoint"
        told = (
            f"{what} {last['id']}, {lasting(last['age_seconds'])} old, {size(last['bytes'])}, "
            f"took {lasting(last['seconds'])}"
        )
        lines.append(("last", told))
    lines.append(("web", data["web"]))
    text = "\n".join(f"{name + ':':<13} {value}" for name, value in lines)
    if data["vertices"]:
        from headrace_cli._tables import table

        header = ("STATE", "PARALLELISM", "BACKPRESSURE", "VERTEX")
        text += "\n\n" + table(header, [_row(one) for one in data["vertices"]])
    if data["_failure"] is not None:
        text += "\n\nlast failure: " + failure_text(data["_failure"])
    return text


def _row(vertex: dict[str, Any]) -> tuple[str, ...]:
    number = str(vertex["parallelism"])
    return vertex["state"], number, vertex["backpressure"] or "-", vertex["name"]
