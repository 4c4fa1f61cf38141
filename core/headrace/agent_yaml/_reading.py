"""From a YAML text to plain data, with the place of each part; hostile texts are bounded."""

from __future__ import annotations

from typing import Any

import yaml

from headrace.errors import Fault, PlanError

__all__ = ["MAX_BYTES", "NAME", "Places", "place_of", "plain", "tree"]

MAX_BYTES = 1 << 20
"""The largest file that is read."""
Places = dict[tuple[Any, ...], str]
"""For the path of each part its place: file, line and column."""
_MAX_DEPTH = 50
_SHOWN = 40
_UTF_8 = "save it as UTF-8 text, and write characters that cannot be seen as \\u0000 in quotes"
NAME = "?"
"""Ends the path of a name, as against that of its value."""
_COLLECTIONS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


def tree(data: bytes | str, where: str) -> yaml.Node | None:
    """The nodes of a text.

    Raises:
        PlanError: It is none that is read.
    """
    if len(data) > MAX_BYTES:
        raise PlanError(where, [Fault(where, f"is larger than {MAX_BYTES} bytes")])
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(data, Loader=loader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                hint = "write the value out: anchors and aliases are not read"
                fault = Fault(_at(event.start_mark, where), "uses an anchor or alias", hint)
                raise PlanError(where, [fault])
            # Before nodes are made of them: that goes as deep as the text does.
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                text = f"is nested deeper than {_MAX_DEPTH}"
                raise PlanError(where, [Fault(_at(event.start_mark, where), text)])
        node: yaml.Node | None = yaml.compose(data, Loader=loader)
    except yaml.MarkedYAMLError as error:
        text = f"is no YAML: {error.problem}"
        raise PlanError(where, [Fault(_at(error.problem_mark, where), text)]) from None
    except yaml.reader.ReaderError as error:
        fault = Fault(_in_bytes(data, error.position, where), f"is no YAML: {error.reason}", _UTF_8)
        raise PlanError(where, [fault]) from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise PlanError(where, [Fault(where, f"is no YAML: {error}", _UTF_8)]) from None
    return node


def _at(mark: Any, where: str) -> str:
    return f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where


def _in_bytes(data: bytes | str, position: int, where: str) -> str:
    """The place of what could not even be read."""
    read = data.encode(errors="replace") if isinstance(data, str) else data
    before = read[:position]
    line, column = before.count(b"\n") + 1, position - before.rfind(b"\n")
    return f"{where}:{line}:{column}"


def plain(
    node: yaml.Node | None,
    path: tuple[Any, ...],
    where: str,
    places: Places,
    faults: list[Fault],
) -> Any:
    """The content of a node, with the place of each part."""
    if node is None:
        return {}
    place = f"{where}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
    places[path] = place
    if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
        faults.append(Fault(place, f"has the tag {node.tag}, which is not read"))
        return None
    if isinstance(node, yaml.MappingNode):
        content: dict[Any, Any] = {}
        here = (*path, NAME)
        for name_node, value_node in node.value:
            before = len(faults)
            name = plain(name_node, here, where, places, faults)
            if len(faults) > before:
                continue
            if isinstance(name, bool):
                name = name_node.value  # YAML 1.1 reads the key `on` as true
            if not isinstance(name, (str, int, float)):
                faults.append(Fault(places[here], f"{name!r} is no name"))
                continue
            if name in content:
                faults.append(Fault(places[here], f"{name!r} is there twice"))
            there = (*path, name)
            named = (*there, NAME)
            places[named] = places[here]
            content[name] = plain(value_node, there, where, places, faults)
        return content
    if isinstance(node, yaml.SequenceNode):
        return [
            plain(item, (*path, number), where, places, faults)
            for number, item in enumerate(node.value)
        ]
    constructor = yaml.constructor.SafeConstructor()
    try:
        return constructor.construct_object(node)
    except yaml.YAMLError:
        faults.append(Fault(place, f"has the tag {node.tag}, which is not read"))
    except (ValueError, LookupError, AttributeError):  # of a form that its tag does not have
        kind = str(node.tag).rpartition(":")[2]
        text = f"{str(node.value)[:_SHOWN]!r} is read as {kind}, and is none"
        faults.append(Fault(place, text, "put a text in quotes"))
    return None


def place_of(path: tuple[Any, ...], places: Places, where: str) -> str:
    """The place of the nearest part that the file has."""
    while path and path not in places:
        path = path[:-1]
    return places.get(path, where)
