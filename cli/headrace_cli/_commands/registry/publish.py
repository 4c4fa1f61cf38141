"""``agents registry publish``: one wheel into a registry, if it is fit for one."""

from __future__ import annotations

from pathlib import Path

import click

from headrace_cli._commands.registry import _keeping
from headrace_cli._errors import WrongUseError

__all__ = ["command"]

_WEB = ("http://", "https://")


@click.command("publish")
@click.argument("wheel", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", required=True, metavar="DIR|URL", help="The registry: its folder or address.")
@_keeping.accept
@_keeping.keys
@_keeping.dry_run
@_keeping.json_output
def command(
    wheel: Path,
    to: str,
    accept: tuple[str, ...],
    keys: Path | None,
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Publish WHEEL: its skills are checked and audited, and its version must not be there yet.

    An address is that of a registry that takes uploads (`agents registry serve --accept-uploads`);
    its token is in $HEADRACE_UPLOAD_TOKEN, or in ~/.netrc. What was published stays as it was: a
    change needs a new version, and `agents registry yank` marks one that nobody should take.
    """
    if to.startswith(_WEB):
        if keys is not None and click.get_current_context().get_parameter_source("keys") is not (
            click.core.ParameterSource.ENVIRONMENT
        ):
            raise WrongUseError("--keys are for a registry's folder; a server signs by itself")
        _send(wheel, to, accept, dry_run=dry_run, as_json=as_json)
        return
    from headrace_registry.site import publish

    site = _folder(to)
    report = publish(wheel, site, accept=accept, dry_run=dry_run, signer=_keeping.signer_of(keys))
    _keeping.tell(site, report, as_json=as_json, dry_run=dry_run)


def _send(wheel: Path, url: str, accept: tuple[str, ...], *, dry_run: bool, as_json: bool) -> None:
    from headrace_registry.settings import without_credentials
    from headrace_registry.site import check_publishable, describe, send

    check_publishable(describe(wheel), accept)
    said = "not sent"
    if not dry_run:
        with _keeping.progress("sending") as progress:
            said = send(wheel, url, progress=progress)
    if as_json:
        import json

        data = {"registry": without_credentials(url), "written": not dry_run, "said": said}
        click.echo(json.dumps(data, indent=2))
    else:
        click.echo(said if not dry_run else f"{wheel.name}: fit to be published ({said})")


def _folder(to: str) -> Path:
    if not to.startswith("file:"):
        return Path(to)
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(to)
    if parts.netloc not in ("", "localhost"):
        raise WrongUseError(f"--to {to} is a folder of another machine")
    return Path(url2pathname(parts.path))
