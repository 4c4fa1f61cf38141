"""Skills written by hand, audited."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace_skills.audit import Severity, audit_skill


def write(
    folder: Path, body: str = "Do it.", front: str = "", description: str = "Sorts lines.", **files
) -> Path:
    """Write a skill; ``files`` has paths with `/` and `.` as they are, through a dict."""
    folder.mkdir(parents=True, exist_ok=True)
    head = f"---\nname: {folder.name}\ndescription: {description}\n{front}---\n"
    (folder / "SKILL.md").write_text(f"{head}\n{body}\n", encoding="utf-8")
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            file.write_text(content, encoding="utf-8")
    return folder


@pytest.fixture
def audit(tmp_path):
    """Write a skill and audit it."""

    def run(body: str = "Do it.", *, rules=None, **more):
        return audit_skill(write(tmp_path / "skill", body, **more), rules)

    return run


@pytest.fixture
def found(audit):
    """Audit a skill with one script, or one more file; give severities by rule."""

    def run(content: str | bytes, path: str = "scripts/run.sh", **more) -> dict[str, str]:
        report = audit(**{path: content}, **more)
        worst: dict[str, Severity] = {}
        for one in report.findings:
            worst[one.rule] = max(worst.get(one.rule, Severity.INFO), one.severity)
        return {rule: severity.label for rule, severity in worst.items()}

    return run
