"""``add``: packages from registries, folders, zips, wheels and git repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace_cli._changing import How, Noun, carry_out, change_options, opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_registry.changes import Move, Plan, Project
    from headrace_registry.sources import Collected, Spec

__all__ = ["add_command"]

_HELP = {
    "skills": """Add skills to the project: found, resolved, shown, locked, installed.

    SPEC is a package, a skill's name or a requirement (log-triage>=1.2,<2) of a registry; a
    folder (./x), a .zip, .skill or .whl; or git: git+https://HOST/REPO@REF#subdirectory=PATH,
    or OWNER/REPO for short. Of a source with many skills --skill or --all says which.
    """,
    "plugins": """Add tools, models, memory and other plugins to the project.

    SPEC is a package, a plugin's name or a requirement (headrace-openai>=0.1) of a registry, or
    a .whl. What no registry has is taken from the package index with --index.
    """,
}


def add_command(noun: Noun) -> click.Command:
    """``agents NOUN add``."""

    @click.command("add", help=_HELP[noun])
    @click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
    @click.option("--skill", "skills", multiple=True, metavar="NAME", help="Of a source: this one.")
    @click.option("--all", "everything", is_flag=True, help="Of a source: all of its skills.")
    @click.option("--index", "from_index", is_flag=True, help="The package index may be used.")
    @click.option("--build", is_flag=True, help="Build Python projects, which runs their code.")
    @change_options
    def command(specs: tuple[str, ...], **options: Any) -> None:
        _add(specs, **options)

    return command


def _add(
    specs: tuple[str, ...],
    *,
    skills: tuple[str, ...],
    everything: bool,
    from_index: bool,
    build: bool,
    how: How,
) -> None:
    from headrace_registry.changes import plan_add
    from headrace_registry.sources import NameSpec, parse_spec

    parsed = [parse_spec(one) for one in specs]
    sources = [one for one in parsed if not isinstance(one, NameSpec)]
    with opened(offline=how.offline) as project:
        collected = _collected(project, sources, skills, every=everything, build=build)
        names = [one.requirement for one in parsed if isinstance(one, NameSpec)]
        plan = plan_add(project, names, collected, from_index=from_index)
        made = carry_out(plan, how)
    if made and not how.as_json:
        _tell_grants(plan)


def _collected(
    project: Project, sources: Sequence[Spec], skills: tuple[str, ...], *, every: bool, build: bool
) -> list[Collected]:
    """What is made of sources."""
    if not sources:
        return []
    from headrace_registry.sources import collect

    return [
        one
        for spec in sources
        for one in collect(
            spec,
            project=project.folder,
            skills=skills or None,
            every=every,
            build=build,
            offline=project.offline,
        )
    ]


def _tell_grants(plan: Plan) -> None:
    """Says what the new skills ask for, as the lines that would grant it."""
    lines = [line for move in plan.review.moves for line in _grants(move)]
    if lines:
        click.echo("\nthey ask for more than their own folder; to grant it, in pyproject.toml:")
        click.echo("\n".join(lines))


def _grants(move: Move) -> list[str]:
    import json

    lines = []
    for skill in () if move.kind != "added" else move.skills:
        asked = {
            "network": skill.needs.network,
            "environment": skill.needs.environment,
            "commands": skill.needs.commands,
        }
        if any(asked.values()):
            lines.append(f"  [tool.agents.grants.{skill.name}]")
            lines += [
                f"  {kind} = {json.dumps(list(some))}" for kind, some in asked.items() if some
            ]
    return lines
