"""``agents config show``: each setting and value of an agent, and where it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.plan import AgentPlan
    from headrace.settings import Layer

__all__ = ["command"]

_DEFAULT = "default"


@click.command("show")
@click.argument("target", default=".")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="As for run.")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--cluster", metavar="HOST:PORT|NAME", help="Ask this cluster for its layer, too.")
@click.option("--changed", is_flag=True, help="Only what is not a default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    target: str,
    settings: tuple[str, ...],
    parameters: tuple[str, ...],
    cluster: str | None,
    changed: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Show the settings and values of an agent, and where each was said.

    TARGET is what `agents run` takes, a job's zip included; else the project of this folder.
    """
    from headrace_cli._parameters import agent_parameters
    from headrace_cli._settings import apply_settings, pairs, split_settings, typed_layer

    ours, _ = split_settings(pairs(settings, "--set"), "flink")
    below, places = _cluster(cluster), {}
    if target.endswith(".zip"):
        plans = _of_zip(Path(target))
    else:
        from headrace_cli._code_places import code_places
        from headrace_cli._targets import load_target

        loaded = load_target(target, agent_parameters(parameters, None))
        plans, places = [loaded.plan], code_places(loaded.agent, target)
        below = [*below, loaded.project.layer()]
    from headrace.settings import cluster_layer, environment_layer, settled

    layers: dict[str, Layer] = {
        one.name: one for one in (*below, environment_layer(), typed_layer(ours))
    }
    told = []
    for plan in plans:
        made = settled(plan, layers.get("cluster", cluster_layer({})), layers["environment"])
        told.append(_told(apply_settings(made, ours), layers, places, changed=changed))
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        click.echo("\n\n".join(map(_text, told)))


def _cluster(text: str | None) -> list[Layer]:
    if text is None:
        return []
    from headrace.settings import cluster_layer
    from headrace_registry.clusters import FlinkRest, address_of

    with FlinkRest(address_of(text)) as rest:
        return [cluster_layer(rest.settings(), rest.url)]


def _of_zip(path: Path) -> list[AgentPlan]:
    from headrace.jobs.manifest import read_manifest, read_plans
    from headrace_cli._commands.verify import keys_for
    from headrace_registry.bundle.opening import open_zip

    home = open_zip(path, keys=keys_for(()))
    return list(read_plans(home, read_manifest(home)).values())


def _told(
    plan: AgentPlan, layers: Mapping[str, Layer], places: Mapping[str, str], *, changed: bool
) -> dict[str, Any]:
    """What is told of a plan, as JSON."""
    from headrace.settings import flattened, runtime_settings
    from headrace.values import decode, to_jsonable

    config = plan.config.model_dump(mode="json")
    rows = []
    for name, setting in runtime_settings().items():
        value = config
        for part in name.split("."):
            value = value[part]
        rows.append((name, value, setting.unit))
    values = to_jsonable({name: decode(stored) for name, stored in plan.values.items()})
    rows += [(f"values.{name}", value, "") for name, value in flattened(values).items()]
    found = []
    for name, value, unit in rows:
        layer = plan.origins.get(name, _DEFAULT)
        if changed and layer == _DEFAULT:
            continue
        one = {"name": name, "value": value, "unit": unit, "layer": layer}
        found.append({**one, "where": _where(name, layer, layers, places)})
    return {"agent": plan.name, "description": plan.description, "settings": found}


def _where(
    name: str, layer: str, layers: Mapping[str, Layer], places: Mapping[str, str]
) -> str | None:
    """The file and line, the variable or the option; ``None`` where it has none that is known."""
    if layer == "code":
        group = name
        while group and group not in places:
            group = group.rpartition(".")[0]
        return places.get(group)
    found = layers.get(layer)
    if found is None:
        return None
    above = [one for one in found.said if name == one or name.startswith(f"{one}.")]
    low = [one for one in found.said if one.lower() == name.lower()]
    return found.where((above or low)[0]) if above or low else None


def _text(told: Mapping[str, Any]) -> str:
    from headrace_cli._tables import table

    rows = [
        (
            one["name"],
            json.dumps(one["value"], ensure_ascii=False),
            one["unit"],
            one["where"] or one["layer"],
        )
        for one in told["settings"]
    ]
    return f"agent {told['agent']}\n" + table(("NAME", "VALUE", "UNIT", "FROM"), rows)
