"""``agents run``: an agent over a file or stdin, on this machine or on Flink."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_cli._job import Job, Summary
    from headrace_cli._targets import Target

__all__ = ["command"]

_FILE = click.Path(allow_dash=True)


@click.command("run")
@click.argument("target")
@click.option("--input", "input", type=_FILE, help="The inputs; - is stdin.")
@click.option("--output", type=_FILE, help="Where the outputs go, as JSON lines; - is stdout.")
@click.option("--key", metavar="FIELD", help="The field that is the key; dots lead deeper.")
@click.option("--engine", type=click.Choice(["local", "flink"]), help="Default: local.")
@click.option("--state", type=_FILE, help="Local: a file that survives the process.")
@click.option("--dead-letters", type=_FILE, help="Where inputs go whose runs failed for good.")
@click.option("--approvals", type=_FILE, help="Where calls go that wait for your yes.")
@click.option(
    "--events",
    type=_FILE,
    help="Where to write what happens, as JSON lines: a file; with Flink a folder.",
)
@click.option("--record", type=_FILE, help="Local: a file of the runs, for `agents replay`.")
@click.option("--metrics", metavar="HOST:PORT", help="Local: show metrics there, for Prometheus.")
@click.option("--parallelism", type=click.IntRange(1), help="Flink: how many workers.")
@click.option("--set", "settings", multiple=True, metavar="SETTING=VALUE", help="A setting.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--model", metavar="NAME", help="Short for --param model=NAME.")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE.yaml",
    help="A YAML file read together with the agent's, such as its connections; repeat.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "text"]),
    help="The form of the inputs. Default: by the file's name, else jsonl.",
)
@click.option(
    "--check-pending",
    is_flag=True,
    help="Run nothing: tell which unfinished runs of --state do not fit the code any more.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON on stdout.")
@click.option("--quiet", "-q", is_flag=True, help="Print errors only.")
def command(target: str, **typed: Any) -> None:
    """Run an agent.

    TARGET is MODULE:AGENT, FILE.py:AGENT, a YAML file (of several agents, FILE.yaml:AGENT), a
    job's zip (which runs with its own packages only), or a folder whose pyproject.toml has
    [tool.agents]; there [tool.agents.run] gives defaults for most options. Without --output the
    outputs go to stdout; they keep their order within a key. On the local engine, what the agent
    itself prints goes to stderr.
    """
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._targets import load_target

    parameters = agent_parameters(typed["parameters"], typed["model"])
    if target.endswith(".zip"):
        _run_zip(Path(target), parameters, typed)
        return
    if typed["check_pending"]:
        if typed["engine"] == "flink":
            raise WrongUseError(
                "--check-pending reads a state file of the local engine: Flink's savepoints are "
                "read by Flink alone",
                then="--set journal_errors=rerun, or dead_letter, says what follows there",
            )
        typed["engine"] = "local"
    loaded = load_target(target, parameters, typed["files"])
    job = _job(loaded, typed, folder=Path(target).is_dir())
    if typed["check_pending"]:
        from headrace_cli._pending import check_pending

        check_pending(job, as_json=typed["as_json"])
        return
    if typed["as_json"] and job.output is None:
        raise WrongUseError(
            "--json prints the summary on stdout, where the outputs go", then="--output FILE"
        )
    _run(job, loaded, as_json=typed["as_json"], quiet=typed["quiet"])


def _run_zip(path: Path, parameters: Mapping[str, str], typed: Mapping[str, Any]) -> None:
    """Runs a job's zip, in a process that has only what is in it."""
    from headrace.jobs.manifest import read_manifest, read_plans
    from headrace_cli._commands.verify import keys_for
    from headrace_cli._project import Project
    from headrace_cli._running_zip import check_zip_job, run_zip_pipeline
    from headrace_cli._settings import pairs, split_settings
    from headrace_cli._targets import Target
    from headrace_registry.bundle.opening import open_zip

    if not path.is_file():
        raise WrongUseError(f"there is no file {path}")
    if typed["check_pending"]:
        raise WrongUseError("--check-pending is for an agent's source, not for a job's zip")
    if parameters:
        raise WrongUseError(
            "--param and --model are part of a job's zip", then=f"agents build with them: {path}"
        )
    if typed["files"]:
        raise WrongUseError("-f is part of a job's zip", then=f"agents build with it: {path}")
    home = open_zip(path, keys=keys_for(()))
    manifest = read_manifest(home)
    check_zip_job(manifest, typed)
    if manifest.pipeline is not None:
        ours, options = split_settings(pairs(typed["settings"], "--set"), "flink")
        run_zip_pipeline(
            home,
            manifest,
            {"parallelism": typed["parallelism"], "settings": options, "typed": ours},
        )
        return
    (plan,) = read_plans(home, manifest).values()
    loaded = Target(plan, Project(Path.cwd()), home)
    job = _job(loaded, typed, folder=False)
    if typed["as_json"] and job.output is None:
        raise WrongUseError(
            "--json prints the summary on stdout, where the outputs go", then="--output FILE"
        )
    _run(job, loaded, as_json=typed["as_json"], quiet=typed["quiet"], home=home)


def _job(target: Target, typed: Mapping[str, Any], *, folder: bool) -> Job:
    """What is asked for: as typed, else as the project says."""
    from headrace_cli import _files
    from headrace_cli._job import Job
    from headrace_cli._metrics import address_of
    from headrace_cli._running_flink import check_flink_job
    from headrace_cli._settings import apply_settings, pairs, split_settings

    defaults = target.project.run if folder else type(target.project.run)()

    def file(name: str) -> Path | None:
        """The file of an option; ``None`` for ``-`` and for one that nobody names."""
        if typed[name] is not None:
            return None if typed[name] == _files.STANDARD else Path(typed[name])
        default = getattr(defaults, name)
        if default is None or default == _files.STANDARD:
            return None
        return _files.shown_path(target.project.folder / default)

    engine = typed["engine"] or defaults.engine or "local"
    if engine == "local" and (typed["parallelism"] or 1) > 1:
        raise WrongUseError("--parallelism is for Flink: the local engine is one process")
    if engine == "flink" and typed["record"] is not None:
        raise WrongUseError("--record is for the local engine", then="--engine local")
    if engine == "flink" and typed["metrics"] is not None:
        raise WrongUseError(
            "--metrics is for the local engine: Flink shows them itself, by its metric reporters"
        )
    ours, options = split_settings(pairs(typed["settings"], "--set"), engine)
    # A state file of the project is the local engine's; typed for Flink it is refused.
    state = file("state") if engine == "local" or typed["state"] is not None else None
    job = Job(
        plan=apply_settings(target.plan, ours),
        engine=engine,
        input=file("input"),
        output=file("output"),
        key=typed["key"] or defaults.key,
        form=typed["form"] or (defaults.format if typed["input"] is None else None),
        state=state,
        dead_letters=file("dead_letters"),
        approvals=file("approvals"),
        events=None if typed["events"] is None else Path(typed["events"]),
        record=None if typed["record"] is None else Path(typed["record"]),
        metrics=address_of(typed["metrics"]),
        parallelism=typed["parallelism"] or defaults.parallelism or 1,
        options=options,
        import_path=target.path,
    )
    for name in ("state", "dead_letters", "approvals", "events", "record"):
        if typed[name] == _files.STANDARD:
            raise WrongUseError(f"--{name.replace('_', '-')} must be a file, not -")
    if job.input is not None:
        _files.check_input(job.input)
    elif job.form == "csv":
        raise WrongUseError("CSV is read from files, not from stdin", then="--input FILE")
    outputs = {
        "--output": job.output,
        "--dead-letters": job.dead_letters,
        "--approvals": job.approvals,
        "--state": job.state,
        "--events": job.events,
        "--record": job.record,
    }
    for option, path in outputs.items():
        if path is not None and not (option == "--events" and engine == "flink"):
            _files.check_output(path, option)
    _files.check_apart({"--input": job.input, **outputs})
    if engine == "flink":
        check_flink_job(job)
    return job


def _run(job: Job, target: Target, *, as_json: bool, quiet: bool, home: Path | None = None) -> None:
    from headrace_cli._job import Summary
    from headrace_cli._view import LiveView, Shown, no_view

    output = "-" if job.output is None else str(job.output)
    summary = Summary(job.plan.name, job.engine, output)
    shown = Shown(summary, target.project.run.columns)
    # Outputs on a terminal are the show themselves.
    display = (
        not quiet
        and not as_json
        and sys.stderr.isatty()
        and not (job.output is None and sys.stdout.isatty())
    )
    if job.input is None and sys.stdin.isatty() and not quiet:
        click.echo("reading inputs from the terminal; Ctrl-D ends them", err=True)
    try:
        with LiveView(shown) if display else no_view():
            debug = bool(click.get_current_context().find_root().params.get("debug"))
            if home is not None:
                from headrace.jobs.manifest import read_manifest
                from headrace_cli._running_zip import run_zip_job

                manifest = read_manifest(home)
                run_zip_job(home, manifest, job, shown, display=display, debug=debug)
            elif job.engine == "flink":
                from headrace_cli._running_flink import run_flink_job

                run_flink_job(job, shown, debug=debug)
            else:
                from headrace_cli._running_local import run_local_job

                run_local_job(job, shown, display=display)
    except Exception:
        if not quiet and summary.inputs:
            click.echo(summary.as_text(), err=True)
        raise
    _report(job, summary, as_json=as_json, quiet=quiet)


def _report(job: Job, summary: Summary, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps(summary.as_dict(), indent=2))
    elif not quiet:
        click.echo(summary.as_text(), err=True)
        if job.output is not None:
            click.echo(f"outputs: {job.output}", err=True)
        if summary.dead_letters:
            kept = job.dead_letters or "not kept (--dead-letters FILE keeps them)"
            click.echo(f"dead letters: {kept}", err=True)
            click.echo(f"the newest failed by {summary.last_error}", err=True)
        if summary.held:
            click.echo(_waiting(job), err=True)
    if summary.stopped and job.state is None:
        raise CommandError(
            "the job was stopped before its inputs ended",
            why="without --state nothing is remembered of where it was",
            then="run it again, with --state FILE to go on after a stop",
        )


def _waiting(job: Job) -> str:
    """How to decide on what waits."""
    if job.approvals is None:
        return "what they wait for is not shown: run again with --approvals FILE"
    return f"next: agents approvals list {job.approvals}"
