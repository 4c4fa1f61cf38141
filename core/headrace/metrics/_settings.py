"""What settings say of metrics."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["MetricsSettings"]


class MetricsSettings(BaseModel):
    """What is measured, and how much of it is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    flink: bool = True
    """Flink: whether metrics are given to Flink, the runtime's and the agent's own."""
    export: str | None = Field(default=None, min_length=1)
    """The hook plugin (``headrace.hooks``) that shows a worker's metrics elsewhere, such as
    ``otel``; ``None``: none does."""
    interval: float = Field(default=2.0, gt=0, json_schema_extra={"unit": "seconds"})
    """Flink: how often they are given to it."""
    series: int = Field(default=200, ge=1, json_schema_extra={"unit": "series"})
    """Series (sets of labels) that one metric may have in one worker; further ones are counted
    together, with all labels ``other``."""
