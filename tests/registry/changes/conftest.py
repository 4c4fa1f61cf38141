"""Catalogues made by hand."""

from __future__ import annotations

import pytest

from headrace_registry.catalogue import (
    AuditFinding,
    Catalogue,
    Package,
    Release,
    ReleaseFile,
    ReleaseSkill,
)
from headrace_registry.wheels import Provided


@pytest.fixture
def release():
    """Makes a release; skills by name, each with the rules and severities of its findings."""

    def make(version="1.0", skills=None, yanked=None):
        made = tuple(
            ReleaseSkill(
                name,
                f"Does {name}.",
                f"x/{name}",
                "0" * 64,
                100,
                1,
                findings=tuple(
                    AuditFinding(rule, severity, "SKILL.md", 3, "Why.")
                    for rule, severity in findings.items()
                ),
            )
            for name, findings in (skills or {}).items()
        )
        file = ReleaseFile(f"x-{version}-py3-none-any.whl", 100, "0" * 64, "0" * 64, "")
        provides = tuple(Provided("skills", one.name, one.path) for one in made)
        return Release(version, "", "MIT", "", (), (), (), provides, made, (file,), yanked)

    return make


@pytest.fixture
def catalogue(release):
    """Makes a catalogue: packages by name, each with the names of its skills; None: reserved."""

    def make(**packages):
        return Catalogue(
            "test",
            tuple(
                Package(
                    name.replace("_", "-"),
                    () if skills is None else (release(skills={key: {} for key in skills}),),
                    "kept for the owner" if skills is None else None,
                )
                for name, skills in packages.items()
            ),
        )

    return make
