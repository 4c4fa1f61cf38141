"""The project's own values, as actions and tools read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from headrace.secret_names import secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Config", "flattened", "placed", "plain", "secret_name"]

Model = TypeVar("Model", bound=BaseModel)


class Config(Mapping[str, Any]):
    """Values by name: those of the project, and before them those of the action's own.

    ::

        ctx.config["tenant"]            # a value
        ctx.config["shop.currency"]     # one inside a table
        ctx.config.get("region", "eu")
        ctx.config.as_model(Shop).tenant

    It cannot be changed. Names and values are part of the plan.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        """A value.

        Raises:
            KeyError: There is none; it names those that there are.
        """
        if name in self._values:
            return self._values[name]
        found: Any = self._values
        for part in name.split("."):
            if isinstance(found, BaseModel) and part in type(found).model_fields:
                found = getattr(found, part)
            elif isinstance(found, Mapping) and part in found:
                found = found[part]
            else:
                known = ", ".join(self._values) or "none"
                raise KeyError(
                    f"there is no value {name!r} (there are: {known}). Say it in "
                    f"[tool.agents.values] of pyproject.toml, or by --set values.{name}=..."
                )
        return found

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._values)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._values)

    def __repr__(self) -> str:
        return f"Config({dict(self._values)!r})"

    def as_model(self, model: type[Model]) -> Model:
        """The values as a pydantic model, whose fields an editor knows.

        Raises:
            ValueError: They do not fit it.
        """
        said = {name: value for name, value in self._values.items() if name in model.model_fields}
        try:
            return model.model_validate(said)
        except ValidationError as error:
            lines = "; ".join(
                f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
                for one in error.errors()
            )
            raise ValueError(f"the values do not fit {model.__name__}: {lines}") from None


def plain(value: Any) -> Any:
    """Models as tables, whose parts may be said one by one."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    return value


def flattened(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The leaves of nested tables by dotted names; an empty table is a leaf."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        dotted = f"{above}{name}"
        if isinstance(value, Mapping) and value and all(isinstance(one, str) for one in value):
            found |= flattened(value, f"{dotted}.")
        else:
            found[dotted] = value
    return found


def placed(table: dict[str, Any], dotted: str, value: Any) -> None:
    """Puts a leaf into nested tables, and makes those that it needs.

    Raises:
        ValueError: What stands above it is no table.
    """
    *above, last = dotted.split(".")
    place = table
    for part in above:
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict) or "$" in inner:  # a value of another type, stored
            raise ValueError(f"{part} is no table")
        place = inner
    place[last] = value
