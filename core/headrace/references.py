"""Names of functions and classes (``module:qualified.name``): made at compile time, found again."""

from __future__ import annotations

import importlib
import inspect
import sys
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["find", "reference", "unimportable"]


def reference(thing: Any) -> str:
    """The name of a function or class."""
    return f"{_module(thing)}:{thing.__qualname__}"


def unimportable(thing: Any) -> str | None:
    """Why a worker could not import a function or class, with what to do; ``None`` if it could."""
    name = getattr(thing, "__qualname__", None)
    if name is None or getattr(thing, "__module__", None) is None:
        return f"{thing!r} has no name: use a function or a method"
    if inspect.ismethod(thing):
        return f"{name} is bound to an object: use the function of its class"
    if "<lambda>" in name:
        return "a lambda has no name that a worker could import: write it as a def of a module"
    if "<locals>" in name:
        return (
            f"{name} is defined inside a function (a closure), so a worker cannot import it: "
            "move it to the top of a module"
        )
    try:
        found = find(reference(thing))
    except ResourceError as error:
        return str(error)
    if (
        inspect.unwrap(found) is not inspect.unwrap(thing)
        if callable(found)
        else found is not thing
    ):
        return (
            f"{reference(thing)} names something else by now (decorated, or defined twice): "
            "keep the name for the function itself"
        )
    return None


def find(name: str, mains: Mapping[str, Any] | None = None) -> Any:
    """Imports what ``module:qualified.name`` names.

    Args:
        name: The name.
        mains: Objects of a driver script's ``__main__`` by name, where a worker was sent them.

    Raises:
        ResourceError: It cannot be imported; the message says what is missing.
    """
    if mains and name in mains:
        return mains[name]
    module_name, colon, qualname = name.partition(":")
    if not colon or not qualname or not all(module_name.split(".")):
        raise ResourceError(f"{name!r} is no reference: write it as module:name")
    try:
        found: Any = importlib.import_module(module_name)
    except ImportError as error:
        raise ResourceError(f"{name} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:  # the module's own code, which may raise anything
        why = f"{type(error).__name__}: {error}"
        raise ResourceError(f"{name} cannot be imported: {why}") from error
    try:
        for part in qualname.split("."):
            found = (
                inspect.getattr_static(found, part)
                if isinstance(found, type)
                else getattr(found, part)
            )
    except AttributeError:
        raise ResourceError(f"the module {module_name} has no {qualname}") from None
    return found.__func__ if isinstance(found, (staticmethod, classmethod)) else found


def _module(thing: Any) -> str:
    """The module's name; for ``python -m package.module`` the name that others import it by."""
    module: str = thing.__module__
    if module == "__main__":
        spec = getattr(sys.modules["__main__"], "__spec__", None)
        if spec is not None and spec.name:
            name: str = spec.name
            return (
                name.removesuffix(".__main__") + ".__main__"
                if spec.name.endswith(".__main__")
                else name
            )
    return module
