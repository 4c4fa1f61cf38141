"""What is left of a wheel once the files are out that no worker needs."""

from __future__ import annotations

import base64
import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from headrace.jobs.manifest import SITE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_registry.bundle._choosing import Chosen
    from headrace_registry.bundle._members import Member, Wheel
    from headrace_registry.bundle.engines import Engine

__all__ = ["Kept", "trimmed"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A wheel as it goes into a zip."""

    wheel: Wheel
    """The wheel, with the files that are copied from it."""
    rewritten: Mapping[str, bytes]
    """Files that are made anew: its RECORD, where not all is taken along as it was."""
    reasons: Mapping[str, int]
    """Why files are left out, and how many."""


def trimmed(chosen: Chosen, engine: Engine | None) -> Kept:
    """Takes out of a wheel what stays behind.

    Args:
        chosen: The package.
        engine: What of the engine stays behind; ``None``: everything goes in.
    """
    wheel = chosen.wheel
    globs = () if engine is None else engine.trims(chosen.step.package.name, wheel.version)
    reasons: Counter[str] = Counter(why for _, why in wheel.left_out)
    kept: list[Member] = []
    for one in wheel.members:
        inside = one.path.removeprefix(f"{SITE}/")
        why = next((trim.why for trim in globs if fnmatchcase(inside, trim.glob)), None)
        if why is None:
            kept.append(one)
        else:
            reasons[why] += 1
    record = f"{SITE}/{wheel.info}/RECORD"
    if not reasons and all(one.path.startswith(f"{SITE}/") for one in kept):
        return Kept(wheel, {}, {})
    kept = [one for one in kept if one.path != record]
    return Kept(
        replace(wheel, members=tuple(kept)), {record: _record(kept, wheel.info)}, dict(reasons)
    )


def _record(members: list[Member], info: str) -> bytes:
    """The list of a distribution's files (PEP 376 and 627), of those that are there."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for one in members:
        digest = base64.urlsafe_b64encode(bytes.fromhex(one.sha256)).rstrip(b"=").decode()
        rows.writerow((one.path.removeprefix(f"{SITE}/"), f"sha256={digest}", one.size))
    rows.writerow((f"{info}/RECORD", "", ""))
    return text.getvalue().encode()
