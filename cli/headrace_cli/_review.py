"""A change of the project's packages, as people read it before they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace_cli._tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace_registry.catalogue import ReleaseSkill
    from headrace_registry.changes import Move, Objection, Review

__all__ = ["show_objections", "show_review", "size"]

_SIGNS = {"added": "+", "removed": "-", "up": "^", "down": "v", "changed": "~"}
_COLOURS = {"added": "green", "removed": "red", "up": "green", "down": "yellow", "changed": "cyan"}
_ALARMING = {"critical": "red", "high": "red", "medium": "yellow"}
_THOUSAND = 1000
_LONGEST = 100  # characters of a text that somebody else wrote


def size(number: int | None) -> str:
    """Bytes as people read them: ``873 B``, ``12.4 kB``, ``3.1 MB``."""
    if number is None:
        return ""
    amount, units = float(number), ["GB", "MB", "kB"]
    if number < _THOUSAND:
        return f"{number} B"
    while amount >= _THOUSAND and units:
        amount, unit = amount / _THOUSAND, units.pop()
    return f"{amount:.1f} {unit}"


def show_review(review: Review, *, nothing: bool) -> None:
    """Prints what would come, go and change; with what skills may do, and what was found.

    Args:
        review: The change.
        nothing: Whether the project's file stays as it is, too.
    """
    if not review.moves:
        click.echo("nothing changes" if nothing else "no package changes")
    else:
        rows = [_row(move) for move in review.moves]
        lines = table(("", "PACKAGE", "VERSION", "FROM", "LICENCE", "SIZE"), rows).splitlines()
        click.echo(lines[0])
        for move, line in zip(review.moves, lines[1:], strict=True):
            click.echo(click.style(line[:1], fg=_COLOURS[move.kind], bold=True) + line[1:])
    if review.unchanged:
        click.echo(f"{review.unchanged} {'stays' if review.unchanged == 1 else 'stay'} as before")
    for move in review.moves:
        for skill in () if move.kind == "removed" else move.skills:
            click.echo("\n" + "\n".join(_about(skill, move)))
    for name, text in review.diffs:
        click.echo(f"\nwhat changes in the skill {name}:")
        for line in text.splitlines():
            click.echo(_difference(line))
    for note in review.notes:
        click.echo(f"\nnote: {note}")


def show_objections(found: Sequence[Objection]) -> None:
    """Prints what must be agreed to by name."""
    for one in found:
        click.echo(f"{click.style('!', fg='red', bold=True)} {_plain(one.what)}", err=True)


def _row(move: Move) -> tuple[str, ...]:
    versions = " -> ".join(one for one in (move.before, move.after) if one)
    if move.kind in ("added", "removed"):
        versions = move.after or move.before or ""
    elif move.kind == "down":
        versions += " (older)"
    elif move.kind == "changed":
        versions = f"{move.after} (other contents)"
    name = move.name + ("" if move.direct else " *")
    return _SIGNS[move.kind], name, versions, move.origin, _plain(move.license), size(move.size)


def _about(skill: ReleaseSkill, move: Move) -> Iterator[str]:
    yield f"{click.style(_plain(skill.name), bold=True)} ({move.name}): {_plain(skill.description)}"
    if skill.broken:
        yield f"  broken   {_plain(skill.broken)}"
    if skill.scripts:
        yield f"  scripts  {', '.join(map(_plain, skill.scripts))}"
    for label, asked in (
        ("network", skill.needs.network),
        ("reads", skill.needs.environment),
        ("programs", skill.needs.commands),
    ):
        if asked:
            yield f"  {label:<8} {', '.join(map(_plain, asked))}"
    if not skill.findings:
        yield "  audit    nothing found"
    for finding in skill.findings:
        place = f"{_plain(finding.file)}:{finding.line}" if finding.line else _plain(finding.file)
        label = click.style(finding.severity, fg=_ALARMING.get(finding.severity))
        yield f"  audit    {label} {finding.rule} at {place}: {_plain(finding.reason)}"


def _difference(line: str) -> str:
    shown = _shown(line)
    if line.startswith("+"):
        return click.style(shown, fg="green")
    return click.style(shown, fg="red") if line.startswith("-") else shown


def _shown(text: str) -> str:
    """A line with all that is hidden in it written out: an instruction may hide in it."""
    from headrace_skills._text import has_hidden

    if not has_hidden(text.replace("\t", " ")):
        return text
    return "".join(
        one if one == "\t" or not has_hidden(one) else f"<U+{ord(one):04X}>" for one in text
    )


def _plain(text: str) -> str:
    from headrace_skills._text import one_line

    return one_line(text, _LONGEST)
