"""``agents build``: one zip of a job, which a stock Flink cluster runs with no network."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.registry._keeping import progress
from headrace_cli._commands.verify import size
from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.plan import AgentPlan
    from headrace_cli._packages import Packages
    from headrace_cli._targets import JobTarget
    from headrace_registry.bundle.building import Built
    from headrace_registry.locking import Lock
    from headrace_registry.settings import Target

__all__ = ["command"]

_PYTHONS = ("3.10", "3.11", "3.12")
_PLATFORMS = ("linux/amd64", "linux/arm64")
_PARTS = {
    "engine": "Flink's Python packages",
    "packages": "the job's packages",
    "code": "its code and files",
    "jars": "connectors",
    "papers": "manifest, lock, sums, SBOM",
}


@click.command("build")
@click.argument("target", default=".")
@click.option("-o", "output", metavar="FILE", default="job.zip", help="Default: job.zip.")
@click.option("--python", type=click.Choice(_PYTHONS), help="The workers' Python.")
@click.option("--platform", type=click.Choice(_PLATFORMS), help="The workers' platform.")
@click.option("--flink", metavar="LINE", help="The cluster's line of Flink, such as 1.20.")
@click.option(
    "--engine",
    type=click.Choice(["bundled", "provided"]),
    help="Whether Flink's Python packages go in, or the workers have them. Default: bundled.",
)
@click.option(
    "--jar",
    "jars",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A connector to take along; may be repeated.",
)
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
@click.option("--sign", is_flag=True, help="Sign it with the key of --keys.")
@click.option(
    "--keys",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="HEADRACE_SIGNING_KEYS",
    metavar="DIR",
    help="The folder of the signing key. Default: $HEADRACE_SIGNING_KEYS.",
)
@click.option("--explain", is_flag=True, help="Tell what goes in and why, and what stays out.")
@click.option(
    "--check",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="ZIP",
    help="Only say whether this zip can be built from here; write nothing.",
)
@click.option("--frozen", is_flag=True, help="Take the lock as it is, whatever the project says.")
@click.option("--no-pin", is_flag=True, help="Ask no server for its tools; workers do.")
@click.option("--offline", is_flag=True, help="Use no network, only what is cached.")
@click.option("--dry-run", is_flag=True, help="Check all, tell what would be, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(target: str, **typed: Any) -> None:
    """Build the zip of a job: plan, code, locked packages, skills, launcher and manifest.

    TARGET is what `agents run` takes, or MODULE:JOB for a job with streams of its own; else the
    project of this folder. The zip is for one Python and platform of the project's lock, not for
    this machine. The same inputs give the same bytes.
    """
    from headrace_cli._packages import packages_of
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._targets import load_job

    if typed["check"] is not None and (typed["sign"] or typed["dry_run"]):
        raise WrongUseError("--check writes nothing, so it takes neither --sign nor --dry-run")
    parameters = agent_parameters(typed["parameters"], typed["model"])
    if typed["check"] is not None or typed["dry_run"]:
        sys.dont_write_bytecode = True  # the job's modules are imported
    job = load_job(target, parameters, typed["files"])
    if not typed["no_pin"]:
        job = _pinned(job)
    if not (job.project.folder / "pyproject.toml").is_file():
        raise CommandError(
            "this job belongs to no project, so its packages are not locked",
            where=str(job.project.folder),
            then="agents init, or write a pyproject.toml with [project] and [tool.agents]; "
            "then: agents lock",
        )
    packages = packages_of(job.project.folder)
    lock = _lock_of(packages, frozen=typed["frozen"])
    if typed["check"] is not None:
        _check(job, packages, lock, typed)
        return
    built = _built(job, packages, lock, typed, _sink(typed))
    _report(built, typed)


def _pinned(job: JobTarget) -> JobTarget:
    """The job with what servers offer now in its plans."""
    import asyncio
    from dataclasses import replace

    from headrace.errors import ResourceError
    from headrace.pinning import pin_plan

    async def pinned() -> dict[str, AgentPlan]:
        return {name: await pin_plan(plan) for name, plan in job.plans.items()}

    try:
        return replace(job, plans=asyncio.run(pinned()))
    except ResourceError as error:
        raise CommandError(
            "what a server offers cannot be made part of the job",
            why=str(error),
            then="see that it can be reached from here; or --no-pin: each worker takes what it is "
            "offered then",
        ) from error


@contextmanager
def _sink(typed: dict[str, Any]) -> Iterator[Path]:
    """Where the zip is written to."""
    if typed["dry_run"]:
        with tempfile.TemporaryDirectory(prefix="agents-build-") as scratch:
            yield Path(scratch) / Path(typed["output"]).name
        return
    output = Path(typed["output"])
    if output.is_dir():
        raise WrongUseError(f"-o {output} is a folder", then=f"-o {output / 'job.zip'}")
    if not output.absolute().parent.is_dir():
        raise WrongUseError(f"-o {output}: there is no folder {output.parent}")
    yield output


def _lock_of(packages: Packages, *, frozen: bool) -> Lock:
    from headrace_registry.locking import check, inputs_digest, read_lock

    lock = read_lock(packages.lock_file)
    if lock is None:
        raise CommandError(
            "there is no lock, so what goes into the zip is not settled",
            where=str(packages.lock_file),
            then="agents lock",
        )
    if not frozen and lock.inputs != inputs_digest(packages.wanted):
        raise CommandError(
            "the lock is stale: it is not in keeping with the project",
            where=str(packages.lock_file),
            why="\n".join(check(lock, packages.wanted)),
            then="agents lock; or: agents build --frozen, to take it as it is",
        )
    return lock


def _target_of(
    lock: Lock, python: str | None, platform: str | None, flink: str | None = None
) -> Target:
    from headrace_registry.settings import Target

    if python and platform and flink is None:
        return Target(python, platform)
    found = [
        one
        for one in lock.targets
        if one.platform in _PLATFORMS
        and python in (None, one.python)
        and platform in (None, one.platform)
        and flink in (None, one.flink)
    ]
    if len(found) == 1:
        return found[0]
    told = "; ".join(map(str, lock.targets))
    if not found:
        raise CommandError(
            "the lock has no such target",
            why=f"it was made for {told}",
            then="write the workers' Python, platform and, where it matters, line of Flink "
            "into targets in [tool.agents], then: agents lock",
        )
    raise WrongUseError(
        f"the lock is for several targets: {told}",
        then=f"choose one: --python {found[0].python} --platform {found[0].platform}",
    )


def _built(
    job: JobTarget, packages: Packages, lock: Lock, typed: dict[str, Any], sink: Any
) -> Built:
    from headrace.jobs.manifest import FilesIO
    from headrace_registry.bundle.building import JobSource, Toolbox, build_job
    from headrace_registry.client import cache_folder

    run = job.project.run
    source = JobSource(
        name=job.name,
        plans=job.plans,
        pipeline=job.pipeline,
        files=None if job.pipeline else FilesIO(key=run.key, format=run.format),
        root=job.path,
        project=job.project.folder,
        requirements=packages.wanted.requirements,
    )
    target = _target_of(lock, typed["python"], typed["platform"], typed["flink"])
    sign = _signing(typed["keys"]) if typed["sign"] else None
    with (
        sink as output,
        packages.clients(offline=typed["offline"]) as clients,
        progress("fetching packages") as moved,
    ):
        toolbox = Toolbox(clients, cache_folder(), typed["offline"], sign, moved)
        return build_job(
            source,
            lock,
            output,
            target=target,
            mode=typed["engine"] or "bundled",
            settings=job.project.bundle_settings(),
            toolbox=toolbox,
            jars=typed["jars"],
        )


def _signing(keys: Path | None) -> Callable[[bytes], bytes]:
    from headrace_registry.bundle.signing import JobSigner, sign_manifest

    if keys is None:
        raise WrongUseError(
            "--sign needs a key", then="--keys DIR, which `agents registry keys jobs DIR` makes"
        )
    signer = JobSigner.open(keys)
    return lambda manifest: sign_manifest(manifest, signer)


def _check(job: JobTarget, packages: Packages, lock: Lock, typed: dict[str, Any]) -> None:
    """Builds the same again beside, and compares."""
    from headrace_registry.bundle.inspecting import difference
    from headrace_registry.bundle.verifying import verify_zip

    old: Path = typed["check"]
    verified = verify_zip(old)
    manifest = verified.manifest
    again = {
        **typed,
        "python": typed["python"] or manifest.python,
        "platform": typed["platform"] or manifest.platform,
        "engine": typed["engine"] or manifest.engine.mode,
        "dry_run": True,
    }
    if len(manifest.jars) != len(typed["jars"]):
        raise WrongUseError(
            f"{old} has {len(manifest.jars)} jars: {', '.join(manifest.jars) or 'none'}",
            then="give the same ones with --jar",
        )
    with tempfile.TemporaryDirectory(prefix="agents-build-") as scratch:
        new = Path(scratch) / old.name

        @contextmanager
        def sink() -> Iterator[Path]:
            yield new

        _built(job, packages, lock, again, sink())
        told = difference(old, new)
    if typed["as_json"]:
        data = {"zip": str(old), "digest": verified.digest, "same": not told, "differences": told}
        click.echo(json.dumps(data, indent=2))
    elif told:
        click.echo("\n".join(told))
    if told:
        if typed["as_json"]:
            sys.exit(1)
        raise CommandError(
            f"{old} is not what is built from here",
            why="what is above differs",
            then="agents build TARGET -o FILE, to have one that is",
        )
    if not typed["as_json"]:
        but = "" if verified.signer is None else ", but for its signature"
        click.echo(f"{old} is what is built from here, byte for byte{but}")


def _report(built: Built, typed: dict[str, Any]) -> None:
    if typed["as_json"]:
        from headrace_registry.bundle.building import as_data

        click.echo(json.dumps({**as_data(built), "dry_run": typed["dry_run"]}, indent=2))
        return
    if typed["explain"]:
        _explain(built)
    for note in built.notes:
        click.echo(f"note: {note}", err=True)
    manifest = built.manifest
    said = "would be" if typed["dry_run"] else "is"
    name = typed["output"] if typed["dry_run"] else built.path
    click.echo(
        f"{name} {said} {size(built.size)}: {manifest.name} for Python {manifest.python} on "
        f"{manifest.platform}, {manifest.engine.distribution} {manifest.engine.version} "
        f"({manifest.engine.mode})"
    )
    for part, number in built.parts.items():
        if number:
            click.echo(f"  {size(number):>9}  {_PARTS[part]}")
    click.echo(f"digest: sha256:{built.digest}")
    if manifest.secrets:
        names = ", ".join(one.name for one in manifest.secrets)
        click.echo(f"to be given at run time: {names}")


def _explain(built: Built) -> None:
    manifest = built.manifest
    click.echo("packages that go in:")
    for one in manifest.packages:
        trimmed = f", {one.trimmed} files left out" if one.trimmed else ""
        click.echo(f"  {one.name} {one.version}  {size(one.size)}{trimmed}  ({one.why})")
    click.echo("packages that stay out:")
    for out in built.left_out:
        click.echo(f"  {out.name} {out.version}  ({out.why})")
    if built.trimmed:
        click.echo("files of packages that stay out:")
        for name, reasons in built.trimmed.items():
            for why, count in reasons.items():
                click.echo(f"  {name}  {count}  ({why})")
    if built.code:
        click.echo("the job's own files:")
        for file, why in built.code:
            click.echo(f"  {file}  ({why})")
    if built.code_left_out:
        click.echo("files of the project that stay out:")
        for file, why in built.code_left_out:
            click.echo(f"  {file}  ({why})")
