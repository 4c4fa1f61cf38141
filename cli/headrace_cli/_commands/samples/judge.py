"""``agents samples judge``: good or bad, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import WrongUseError
from headrace_cli._samples._options import BY, FOLDER, TO

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.samples import Judged
    from headrace_cli._samples._desk import Desk

__all__ = ["command"]

_ANSWERS = {"g": "good", "good": "good", "b": "bad", "bad": "bad", "s": "", "skip": "", "q": None}


@click.command("judge")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@FOLDER
@TO
@BY
@click.option("--verdict", type=click.Choice(["good", "bad"]), help="What is said; asked else.")
@click.option("--note", default="", help="Why.")
@click.option("--label", "labels", multiple=True, help="A word to count by; repeat.")
@click.option("--agent", metavar="NAME", help="Ask of this agent's samples only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    ids: tuple[str, ...],
    folder: Path | None,
    to: Path | None,
    by: str | None,
    agent: str | None,
    *,
    as_json: bool,
    **said: Any,
) -> None:
    """Judge samples: of each ID as --verdict says, or one after the other in a terminal.

    Without an ID those are asked about that you have not judged yet, the newest first. A further
    verdict of yours takes the place of the one before; other people's stay.
    """
    from headrace_cli._approvals import user
    from headrace_cli._samples._desk import Desk

    who = by or user()
    if not who:
        raise WrongUseError("it is not known who you are", then="--by NAME")
    desk = Desk.of(folder, to)
    judged = desk.judged()
    chosen = [desk.one(each, judged) for each in ids]
    if said["verdict"]:
        if not chosen:
            raise WrongUseError("name the samples that --verdict is of, by their ids")
        _say(desk, chosen, who, said, as_json=as_json)
        return
    if as_json or said["note"] or said["labels"]:
        raise WrongUseError("what is the verdict?", then="--verdict good, or --verdict bad")
    if not chosen:
        chosen = [
            one
            for one in reversed(judged)
            if agent in (None, one.sample.agent) and all(each.by != who for each in one.verdicts)
        ]
    if not chosen:
        click.echo("you have judged all of them", err=True)
        return
    _ask(desk, chosen, who)


def _say(
    desk: Desk, chosen: list[Judged], who: str, said: dict[str, Any], *, as_json: bool
) -> None:
    from headrace_cli._plugins import print_json
    from headrace_cli._samples._shown import shown

    made = [
        desk.judge(one.sample, said["verdict"], who, said["note"], said["labels"]) for one in chosen
    ]
    if as_json:
        told = [
            {**verdict.model_dump(mode="json"), "fed": None if path is None else str(path)}
            for verdict, path in made
        ]
        print_json({"verdicts": told})
        return
    for verdict, path in made:
        click.echo(f"{verdict.sample}: {shown(verdict)}")
        if path is not None:
            click.echo(f"laid for the agent in {path}", err=True)


def _ask(desk: Desk, chosen: list[Judged], who: str) -> None:
    from headrace_cli._samples._shown import whole

    count = 0
    for number, one in enumerate(chosen, 1):
        click.echo(click.style(f"\n{number} of {len(chosen)}", bold=True))
        for line in whole(one):
            click.echo(line)
        answer = _answer()
        if answer is None:
            break
        if not answer:
            continue
        note = click.prompt("note", default="", show_default=False)
        words = click.prompt("labels, with commas", default="", show_default=False)
        labels = tuple(part.strip() for part in words.split(",") if part.strip())
        desk.judge(one.sample, answer, who, note, labels)
        count += 1
    click.echo(f"{count} judged", err=True)


def _answer() -> str | None:
    """``good`` or ``bad``; empty: none; ``None``: an end of it."""
    while True:
        try:
            said = click.prompt("(g)ood, (b)ad, (s)kip, (q)uit").strip().lower()
        except click.Abort:
            click.echo(err=True)
            return None
        if said in _ANSWERS:
            return _ANSWERS[said]
