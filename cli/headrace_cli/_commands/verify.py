"""``agents verify``: whether a job's zip is what was built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace_cli._commands.registry._keeping import json_output, progress

if TYPE_CHECKING:
    from headrace_registry.bundle.verifying import Verified

__all__ = ["command", "keys_for", "signed_by", "size", "zip_keys"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))

zip_keys = click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="sha256:...",
    help="The fingerprint of a key that may have signed it; may be repeated. A zip that none of "
    "them signed is refused. Default: [tool.agents.bundle] keys.",
)


@click.command("verify")
@click.argument("path", type=_FILE, metavar="JOB.zip")
@zip_keys
@json_output
def command(path: Path, keys: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001
    """Verify a job's zip: every file, the parts against each other, and who signed it.

    Nothing of it is unpacked or run. Exit codes: 0 nothing is wrong, 1 it is not to be run,
    2 bad usage.
    """
    from headrace_registry.bundle.verifying import VerificationError, verify_zip

    try:
        with progress("verifying") as moved:
            done = verify_zip(path, keys=keys_for(keys), progress=moved)
    except VerificationError as error:
        if not as_json:
            raise
        import json

        data = {"path": str(path), "ok": False, "faults": list(error.faults)}
        click.echo(json.dumps(data, indent=2))
        click.get_current_context().exit(1)
    if as_json:
        import json

        click.echo(json.dumps(_as_data(path, done), indent=2))
        return
    manifest, engine = done.manifest, done.manifest.engine
    click.echo(f"{path}: as it was built: job {manifest.name}, {done.files:,} files")
    click.echo(f"digest:  sha256:{done.digest}")
    click.echo(f"size:    {size(done.size)}")
    click.echo(
        f"for:     Python {manifest.python} on {manifest.platform}, {engine.distribution} "
        f"{engine.line} ({engine.mode})"
    )
    click.echo(f"signed:  {signed_by(done.signer, trusted=done.trusted)}")
    for one in done.notes:
        click.echo(f"note: {one}", err=True)


def keys_for(given: tuple[str, ...], option: str = "--key") -> tuple[str, ...]:
    """The keys that a zip must be signed by: those that were typed, else the project's."""
    if given:
        from headrace_cli._errors import WrongUseError
        from headrace_registry.bundle.verifying import check_keys
        from headrace_registry.errors import SettingsError

        try:
            check_keys(given)
        except SettingsError as error:
            raise WrongUseError(str(error), where=option) from None
        return given
    from headrace_cli._project import nearest_project

    project = nearest_project(Path.cwd())
    return project.bundle_settings().keys if project.bundle else ()


def signed_by(signer: str | None, *, trusted: bool) -> str:
    """Who signed a zip, in words."""
    if signer is None:
        return "no"
    return f"by {signer}, {'a key of yours' if trusted else 'not checked against a key of yours'}"


def size(count: int) -> str:
    """A number of bytes, for people."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} B"


def _as_data(path: Path, done: Verified) -> dict[str, object]:
    manifest = done.manifest
    return {
        "path": str(path),
        "ok": True,
        "name": manifest.name,
        "digest": f"sha256:{done.digest}",
        "size": done.size,
        "files": done.files,
        "python": manifest.python,
        "platform": manifest.platform,
        "engine": manifest.engine.model_dump(mode="json"),
        "signer": done.signer,
        "trusted": done.trusted,
        "notes": list(done.notes),
    }
