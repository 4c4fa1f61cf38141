"""Requirements and ``[tool.agents]`` edited; the rest of the file keeps every byte.

An edit is looked at before it is given back: the new text must say what the old one said and the
change, or else nothing is edited and the line to write by hand is told.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from headrace_registry.projects._styles import (
    DEPENDENCIES,
    Document,
    listed,
    problem,
    read_document,
    refuse_foreign,
)
from headrace_registry.projects._toml import key_text, same, value_text
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from headrace_registry.errors import ProjectFileError

__all__ = ["add_item", "change_table", "change_value", "edit", "take_value", "written"]

_ORDER = ("===", "==", "~=", ">=", ">", "<=", "<", "!=")


def edit(
    path: Path, text: str, *, add: Sequence[Requirement] = (), remove: Sequence[str] = ()
) -> str:
    """The text of a ``pyproject.toml`` with other requirements.

    One that is there by the same name and marker is replaced in its place; its extras stay. New
    ones are written as the list is: in order if it is in order, a line each if it has those.

    Args:
        path: The file, for errors.
        text: What it says.
        add: What is to be among ``[project] dependencies``.
        remove: The names of those that are not to be; each entry of the name goes.

    Raises:
        ProjectFileError: The project's requirements stand elsewhere, or are ambiguous; the text
            says what to write by hand.
    """
    document = read_document(path, text)
    wanted = [written(one) for one in add]
    refuse_foreign(document, wanted)
    for name in remove:
        document = _removed(document, name)
    for one in add:
        document = _added(document, one)
    return document.whole()


def written(requirement: Requirement) -> str:
    """A requirement as people write it: from the lowest version to the highest.

    Markers are in single quotes, which need no escape.
    """
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    parts = sorted(requirement.specifier, key=lambda one: (_ORDER.index(one.operator), one.version))
    text = f"{requirement.name}{extras}{','.join(map(str, parts))}"
    if requirement.url:
        text = f"{requirement.name}{extras} @ {requirement.url}"
    if requirement.marker:
        marker = str(requirement.marker)
        marker = marker if "'" in marker else marker.replace('"', "'")
        text += f"{' ' if requirement.url else ''}; {marker}"
    return text


def change_value(document: Document, path: tuple[str, ...], value: Any) -> Document:
    """Sets a value.

    Raises:
        ProjectFileError: It cannot be set without changing something else.
    """
    from headrace_registry.projects._values import set_value

    return _changed(document, path, value, lambda text: set_value(text, path, value))


def change_table(document: Document, path: tuple[str, ...], value: dict[str, Any]) -> Document:
    """Sets a table.

    Raises:
        ProjectFileError: It cannot be set without changing something else.
    """
    from headrace_registry.projects._values import set_table

    return _changed(document, path, value, lambda text: set_table(text, path, value))


def add_item(document: Document, path: tuple[str, ...], text: str) -> Document:
    """Adds a text to a list of texts, at its end; a list of its own where there is none.

    Raises:
        ProjectFileError: It cannot be added without changing something else.
    """
    from headrace_registry.projects import _lists

    have = document.table(*path[:-1]).get(path[-1])
    if not isinstance(have, list):
        return change_value(document, path, [text])
    return _changed(
        document,
        path,
        [*have, text],
        lambda said: _lists.insert(said, path, len(have), text),
    )


def take_value(document: Document, path: tuple[str, ...]) -> Document:
    """Takes away a value or a table; the same document where there is none.

    Raises:
        ProjectFileError: It cannot be taken away without changing something else.
    """
    from headrace_registry.projects._values import remove_value

    return _changed(document, path, None, lambda text: remove_value(text, path))


def _changed(
    document: Document, path: tuple[str, ...], value: Any, change: Callable[[str], str]
) -> Document:
    expected = copy.deepcopy(document.data)
    place: Any = expected
    for name in path[:-1]:
        place = place.setdefault(name, {})
        if not isinstance(place, dict):
            raise _by_hand(document, path, value)
    if value is None:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    try:
        text = change(document.text)
        data = parse_toml(text)
    except (ValueError, LookupError):
        raise _by_hand(document, path, value) from None
    if not same(data, expected):
        raise _by_hand(document, path, value)
    return replace(document, text=text, data=data)


def _by_hand(document: Document, path: tuple[str, ...], value: Any) -> ProjectFileError:
    key = key_text(path)
    then = f"take {key} out by hand" if value is None else f"write {key} = {value_text(value)}"
    why = "it is written in a way that is not edited here"
    return problem(document, document.line(*path), f"{key} cannot be changed", why=why, then=then)


def _added(document: Document, new: Requirement) -> Document:
    from headrace_registry.projects import _lists

    have = listed(document)
    text = written(new)
    if "dependencies" not in document.table("project"):
        return change_value(document, DEPENDENCIES, [text])
    name = canonicalize_name(new.name)
    known = [_parsed(one) for one in have]
    rivals = [n for n, one in enumerate(known) if one and canonicalize_name(one.name) == name]
    if not rivals:
        place = _lists.place_of(list(map(_sort_key, have)), _sort_key(text))
        changed = [*have[:place], text, *have[place:]]
        return _changed(
            document,
            DEPENDENCIES,
            changed,
            lambda said: _lists.insert(said, DEPENDENCIES, place, text),
        )
    place = _same_place(document, new, known, rivals)
    old = known[place]
    if old is not None:
        merged = Requirement(str(new))
        merged.extras = new.extras | old.extras
        if merged == old:
            return document
        text = written(merged)
    changed = [*have[:place], text, *have[place + 1 :]]
    return _changed(
        document,
        DEPENDENCIES,
        changed,
        lambda said: _lists.replace(said, DEPENDENCIES, place, text),
    )


def _same_place(
    document: Document,
    new: Requirement,
    known: Sequence[Requirement | None],
    rivals: Sequence[int],
) -> int:
    """Which of the entries of one name a new one stands for."""
    alike = [
        n for n in rivals if (one := known[n]) and str(one.marker or "") == str(new.marker or "")
    ]
    lines = " and ".join(dict.fromkeys(str(document.item_line(n)) for n in rivals))
    if len(alike) != 1:
        why = (
            "it stands there more than once"
            if len(rivals) > 1
            else "it stands there for other environments"
        )
        raise problem(
            document,
            document.item_line(rivals[0]),
            f"{new.name} is required in line {lines} already, and it is not clear what is meant",
            why=why,
            then=f"change these lines by hand; asked for was {written(new)}",
        )
    old = known[alike[0]]
    if old is not None and old.url and not new.url:
        raise problem(
            document,
            document.item_line(alike[0]),
            f"{new.name} is required from an address",
            why=f"the line says {written(old)}",
            then=f"take that line out, or keep it; asked for was {written(new)}",
        )
    return alike[0]


def _removed(document: Document, name: str) -> Document:
    wanted = canonicalize_name(name)
    known = [_parsed(one) for one in listed(document)]
    places = [n for n, one in enumerate(known) if one and canonicalize_name(one.name) == wanted]
    if not places:
        raise _not_there(document, name)
    for place in reversed(places):
        document = _without(document, place)
    return document


def _without(document: Document, place: int) -> Document:
    from headrace_registry.projects import _lists

    rest = [one for n, one in enumerate(listed(document)) if n != place]
    return _changed(
        document,
        DEPENDENCIES,
        rest,
        lambda said: _lists.remove(said, DEPENDENCIES, place),
    )


def _not_there(document: Document, name: str) -> ProjectFileError:
    from difflib import get_close_matches

    named = [one.name for one in map(_parsed, listed(document)) if one]
    near = get_close_matches(name, named, n=3, cutoff=0.6)
    groups = _groups_with(document, name)
    if groups:
        then = f"it is required in {' and '.join(groups)}: take it out there by hand"
    elif near:
        then = f"did you mean {' or '.join(near)}?"
    else:
        then = ""
    line = document.line(*DEPENDENCIES)
    return problem(document, line, f"{name} is not among the project's dependencies", then=then)


def _groups_with(document: Document, name: str) -> list[str]:
    places = {
        f"project.optional-dependencies.{extra}": said
        for extra, said in document.table("project", "optional-dependencies").items()
    }
    for group, said in document.table("dependency-groups").items():
        places[f"dependency-groups.{group}"] = said
    wanted = canonicalize_name(name)
    return [
        place
        for place, said in places.items()
        if isinstance(said, list)
        and any(
            (found := _parsed(one)) and canonicalize_name(found.name) == wanted
            for one in said
            if isinstance(one, str)
        )
    ]


def _parsed(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _sort_key(text: str) -> str:
    found = _parsed(text)
    return canonicalize_name(found.name) if found else text.casefold()
