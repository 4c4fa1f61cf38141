"""What is left of a wheel once the files are out that no worker needs."""

from __future__ import annotations

import base64
import csv
import io
from collections import Counter
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from hashlib import sha256
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
    """Files that are not its own: its RECORD, where not all is taken along as and where it was, and
    those that stand in for others."""
    reasons: Mapping[str, int]
    """Why files are left out, and how many."""


def trimmed(chosen: Chosen, engine: Engine | None, *, shared: bool) -> Kept:
    """Takes out of a wheel what stays behind.

    Args:
        chosen: The package.
        engine: What of the engine stays behind; ``None``: everything goes in.
        shared: Whether more than the engine needs it.
    """
    wheel = chosen.wheel
    name, version = chosen.step.package.name, wheel.version
    trims = () if engine is None else engine.trims(name, version, shared=shared)
    others = () if engine is None else engine.instead(name, version, shared=shared)
    rewritten = {f"{SITE}/{one.path}": one.text.encode() for one in others}
    reasons: Counter[str] = Counter(why for _, why in wheel.left_out)
    reasons.update(one.why for one in others)
    kept: list[Member] = []
    for one in wheel.members:
        inside = one.path.removeprefix(f"{SITE}/")
        why = next((trim.why for trim in trims if fnmatchcase(inside, trim.glob)), None)
        if one.path in rewritten:
            continue
        if why is None:
            kept.append(one)
        else:
            reasons[why] += 1
    record = f"{SITE}/{wheel.info}/RECORD"
    if not reasons and not wheel.moved:
        return Kept(wheel, {}, {})
    kept = [one for one in kept if one.path != record]
    rows = [(one.path, one.sha256, one.size) for one in kept]
    rows += [(path, sha256(data).hexdigest(), len(data)) for path, data in rewritten.items()]
    rewritten[record] = _record(rows, wheel.info)
    return Kept(replace(wheel, members=tuple(kept)), rewritten, dict(reasons))


def _record(rows: list[tuple[str, str, int]], info: str) -> bytes:
    """The list of a distribution's files (PEP 376 and 627), of those that are there."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    for path, digest, size in sorted(rows):
        encoded = base64.urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b"=").decode()
        table.writerow((path.removeprefix(f"{SITE}/"), f"sha256={encoded}", size))
    table.writerow((f"{info}/RECORD", "", ""))
    return text.getvalue().encode()
