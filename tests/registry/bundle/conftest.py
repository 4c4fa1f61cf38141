"""Projects of jobs, written by hand, and plans that name what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.plan import AgentPlan, ResourceProvider
from headrace_registry.bundle._code import Code, collect_code
from headrace_registry.bundle.settings import read_bundle_settings


class Folder:
    """A project's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)

    def write(self, files: dict[str, str], *, executable: bool = False) -> Folder:
        for name, text in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            if executable:
                file.chmod(0o755)
        return self

    def collect(
        self,
        *modules: str,
        root: str = "",
        named: tuple[str, ...] = (),
        taken: dict[str, str] | None = None,
        **said: Any,
    ) -> Code:
        """The job's own files; what is said stands in ``[tool.agents.bundle]``."""
        return collect_code(
            modules,
            root=self.path / root,
            project=self.path,
            settings=read_bundle_settings(said),
            named=[self.path / one for one in named],
            taken=taken,
        )

    def skill(self, path: str, *metadata: str, **scripts: str) -> Path:
        """A skill; a script ``check_py`` is ``scripts/check.py``."""
        name = path.rpartition("/")[2]
        front = "".join(f"\n  {line}" for line in metadata)
        front = f"\nmetadata:{front}" if front else ""
        text = f"---\nname: {name}\ndescription: Does {name}.{front}\n---\n\nDo it.\n"
        self.write({f"{path}/SKILL.md": text})
        for script, source in scripts.items():
            self.write({f"{path}/scripts/{script.replace('_', '.')}": source}, executable=True)
        return self.path / path


def paths_of(code: Code) -> set[str]:
    """The paths in the zip."""
    return {file.path for file in code.files}


def plan_of(
    *resources: ResourceProvider, name: str = "Triage", parameters: dict[str, Any] | None = None
) -> AgentPlan:
    """A plan with some resources."""
    providers: dict[str, dict[str, ResourceProvider]] = {}
    for one in resources:
        providers.setdefault(one.kind, {})[one.name] = one
    return AgentPlan(
        name=name,
        parameters=parameters or {},
        actions={},
        actions_by_event={},
        resource_providers=providers,
        core_version="0.1.0",
    )


def model_with(**arguments: Any) -> ResourceProvider:
    """A chat model ``llm`` of a plugin that is not installed."""
    return ResourceProvider(
        kind="chat_models",
        name="llm",
        plugin="some",
        target="no_such_plugin:Model",
        arguments=arguments,
        distribution="no-such-plugin",
        version="1.0",
    )


def prompt_of(text: str) -> ResourceProvider:
    """A prompt ``ask``."""
    messages = [{"role": "user", "content": text}]
    return ResourceProvider(kind="prompts", name="ask", arguments={"messages": messages})


def skills_with(**arguments: Any) -> ResourceProvider:
    """The tools that offer skills."""
    return ResourceProvider(
        kind="tools",
        name="skills",
        plugin="skills",
        target="headrace_skills.toolset:SkillTools",
        arguments=arguments,
        distribution="headrace-skills",
        version="0.1.0",
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project."""
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "cache"))
    return Folder(tmp_path / "home" / "project")
