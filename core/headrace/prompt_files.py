"""Prompts from files: read when an agent is compiled, so that its plan holds them.

``use("prompts", "file", path="ask.md")``: a text file is one message of the user's (``role`` says
whose else); a YAML file holds a text or messages. A relative path is one beside the module of the
class that declares it, or beside the YAML file of the agent.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from headrace.chat import Message
from headrace.errors import PlanError, ResourceError
from headrace.prompts import Prompt

if TYPE_CHECKING:
    from headrace.declarations import Use

__all__ = ["MAX_BYTES", "TARGET", "beside", "located", "read_prompt"]

TARGET = "file"
"""What ``use("prompts", ...)`` names for them."""
MAX_BYTES = 1 << 20
"""The largest file that is read."""
_YAML = frozenset({".yaml", ".yml"})
_ROLES = ("system", "user", "assistant")

T = TypeVar("T")


def located(declared: T, owner: type) -> T:
    """A declaration of a class, whose file is one beside the class's module."""
    file = getattr(sys.modules.get(owner.__module__), "__file__", None)
    return declared if file is None else beside(declared, Path(file).parent)


def beside(declared: T, folder: Path) -> T:
    """A declaration, whose file is in a folder where its path is a relative one."""
    from headrace.declarations import Use

    if not isinstance(declared, Use) or not _is_file(declared):
        return declared
    path = declared.arguments.get("path")
    if not isinstance(path, str):
        return declared
    return replace(declared, arguments={**declared.arguments, "path": str(folder / path)})


def _is_file(declared: Use) -> bool:
    return (declared.kind, declared.target) == ("prompts", TARGET)


def read_prompt(arguments: Mapping[str, Any]) -> Prompt:
    """The prompt of a file.

    Args:
        arguments: ``path``, and ``role`` for a text.

    Raises:
        ResourceError: There is no such file, or it holds no prompt.
    """
    given = dict(arguments)
    path, role = given.pop("path", None), given.pop("role", None)
    if not isinstance(path, str) or given:
        raise ResourceError(
            'a prompt of a file is use("prompts", "file", path="ask.md"), perhaps with a role'
        )
    if role not in {None, *_ROLES}:
        raise ResourceError(f"role: {role!r} is none of {', '.join(_ROLES)}")
    data = _read(Path(path))
    if Path(path).suffix.lower() not in _YAML:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").strip()
        if not text:
            raise ResourceError(f"the prompt's file {path} is empty")
        return Prompt(messages=[Message(role=role or "user", content=text)])
    content = _content(data, path)
    if isinstance(content, Mapping) and set(content) == {"text"}:
        content = content["text"]
    if isinstance(content, str):
        return Prompt(messages=[Message(role=role or "user", content=content)])
    if role is not None:
        raise ResourceError(f"the messages of {path} have roles of their own: leave out role")
    messages = content.get("messages") if isinstance(content, Mapping) else content
    try:
        return Prompt(messages=messages)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5]
        )
        raise ResourceError(f"{path} holds neither a text nor messages: {told}") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ResourceError(
            f"the prompt's file {path} cannot be read: {error.strerror}. A relative path is seen "
            "from the module of the class that declares it, or from the agent's YAML file"
        ) from None
    if len(data) > MAX_BYTES:
        raise ResourceError(f"the prompt's file {path} is larger than {MAX_BYTES} bytes")
    try:
        data.decode()
    except UnicodeDecodeError:
        raise ResourceError(f"the prompt's file {path} is no text in UTF-8") from None
    return data


def _content(data: bytes, path: str) -> Any:
    from headrace.agent_yaml._reading import plain, tree

    try:
        faults: list[Any] = []
        content = plain(tree(data, path), (), path, {}, faults)
    except PlanError as error:
        faults = list(error.faults)
    if faults:
        raise ResourceError("; ".join(map(str, faults)))
    return content
