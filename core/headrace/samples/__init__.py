"""Samples for people: a share of runs is put aside, each a file, and judged.

::

    [tool.agents.samples]
    folder = "samples"
    share = 0.05

Which runs, and where, are settings (the group ``samples``); ``agents samples`` shows and judges
them; ``VerdictEvent`` tells an agent what was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.samples._opening import open_samples
    from headrace.samples._reading import (
        Judged,
        Sample,
        add_verdict,
        latest,
        read_sample,
        samples_in,
        verdicts_in,
    )
    from headrace.samples._taking import Sampling, Telling
    from headrace.samples._verdicts import (
        VERDICT,
        FedVerdict,
        Verdict,
        fed,
        verdict_event,
        verdict_of,
    )
    from headrace.samples.settings import SampleSettings

_HOMES = {
    "_opening": ("open_samples",),
    "_reading": (
        "Judged",
        "Sample",
        "add_verdict",
        "latest",
        "read_sample",
        "samples_in",
        "verdicts_in",
    ),
    "_taking": ("Sampling", "Telling"),
    "_verdicts": ("VERDICT", "FedVerdict", "Verdict", "fed", "verdict_event", "verdict_of"),
    "settings": ("SampleSettings",),
}

__all__ = [
    "VERDICT",
    "FedVerdict",
    "Judged",
    "Sample",
    "SampleSettings",
    "Sampling",
    "Telling",
    "Verdict",
    "add_verdict",
    "fed",
    "latest",
    "open_samples",
    "read_sample",
    "samples_in",
    "verdict_event",
    "verdict_of",
    "verdicts_in",
]

__getattr__ = lazily(__name__, _HOMES)
