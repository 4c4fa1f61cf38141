"""A skill in a real wheel, installed by pip, used from where pip put it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

_BOMB = "raise SystemExit('the package was imported')\n"


def make_wheel(folder: Path) -> Path:
    """Write a wheel that carries a skill by the convention and another by an entry point."""
    info = "acme_runbooks-1.4.dist-info"
    files = {
        "acme_runbooks/__init__.py": _BOMB,
        "acme_runbooks/.agents/skills/triage/SKILL.md": (
            "---\nname: triage\ndescription: Sorts incidents.\n---\nRun scripts/count.\n"
        ),
        "acme_runbooks/.agents/skills/triage/scripts/count": "#!/bin/sh\nwc -l\n",
        "acme_runbooks/more/SKILL.md": "---\nname: more\ndescription: Does more.\n---\nBody.\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: acme-runbooks\nVersion: 1.4\n",
        f"{info}/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        f"{info}/entry_points.txt": (
            "[headrace.skills]\n"
            "triage = acme_runbooks:.agents/skills/triage\n"
            "more = acme_runbooks:more\n"
        ),
    }
    record = []
    wheel = folder / "acme_runbooks-1.4-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if name.endswith("count") else 0o100644) << 16
            archive.writestr(entry, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            record.append(f"{name},sha256={digest.decode().rstrip('=')},{len(text)}")
        record.append(f"{info}/RECORD,,")
        archive.writestr(f"{info}/RECORD", "\n".join(record) + "\n")
    return wheel


@pytest.fixture
def installed(tmp_path):
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
         "--disable-pip-version-check", "--target", str(target), str(make_wheel(tmp_path))],
        check=True,
    )  # fmt: skip
    return target


def test_what_pip_installed_is_found_read_and_run_without_an_import(installed):
    program = textwrap.dedent("""
        import asyncio, json, sys
        from headrace_skills import find_skills
        from headrace_skills.toolset import SkillTools

        async def main():
            tools = SkillTools(skills=["triage", "more"], sandbox="none")
            await tools.open()
            body = await tools.call("load_skill", {"name": "triage"})
            count = await tools.call(
                "run_skill_script",
                {"skill": "triage", "script": "scripts/count", "stdin": "a\\nb\\n"},
            )
            await tools.close()
            return body, count.strip()

        found = find_skills()
        mine = [s for s in found if s.distribution == "acme-runbooks"]
        body, count = asyncio.run(main())
        print(json.dumps({
            "skills": [(s.name, s.source, str(s.root)) for s in mine],
            "conflicts": len(found.conflicts),
            "body": body, "count": count, "imported": "acme_runbooks" in sys.modules,
        }))
    """)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    )
    seen = json.loads(ran.stdout)
    package = installed / "acme_runbooks"
    assert seen["skills"] == [
        ["more", "acme-runbooks 1.4", str(package / "more")],
        ["triage", "acme-runbooks 1.4", str(package / ".agents" / "skills" / "triage")],
    ]
    assert seen["conflicts"] == 0
    assert seen["body"].startswith("Run scripts/count.")
    assert seen["count"] == "2"
    assert not seen["imported"]
