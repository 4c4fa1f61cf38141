"""An action of the plan, ready to be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headrace.errors import NonRetryableError
from headrace.events import InputEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.events import Event
    from headrace.plan import ActionSpec
    from headrace.settings import Config

__all__ = ["BoundAction"]


class BoundAction:
    """An action with its function found and bound, ready to be called with (event, ctx)."""

    __slots__ = ("call", "config", "input_class", "mode", "name", "served", "spec", "timeout")

    def __init__(
        self,
        spec: ActionSpec,
        call: Callable[..., Any],
        timeout: float | None,
        served: str | None,
        config: Config,
        input_class: type[InputEvent] | None = None,
    ) -> None:
        self.spec = spec
        self.input_class = input_class
        self.config = config
        self.name = spec.name
        self.mode = spec.mode
        self.call = call
        self.timeout = timeout
        self.served = served

    def typed(self, event: Event) -> Event:
        """The event as the action takes it: an input as the model that the action names.

        Raises:
            NonRetryableError: The input does not fit it.
        """
        if self.input_class is None or not isinstance(event, InputEvent):
            return event
        try:
            return self.input_class(input=event.input)
        except ValidationError as error:
            raise NonRetryableError(
                f"the input is no {self.spec.input_model}, as the action {self.name!r} takes it: "
                + "; ".join(
                    f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
                    for one in error.errors()
                )
            ) from None
