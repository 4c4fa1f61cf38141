"""`agents plugins`, `agents skills`, and what they import and cost."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time

import pytest

_HEAVY = {"pydantic", "rich", "yaml", "openai", "pyflink", "asyncio"}
_PLUGINS = {"headrace_openai", "headrace_scripted", "headrace_skills"}


def _imported(place, *arguments):
    """The modules that a command imports."""
    code = (
        "import sys\n"
        f"sys.argv = ['agents', *{list(arguments)!r}]\n"
        "from headrace_cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('\\n@' + ' '.join(sys.modules))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=place.folder, capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in run.stdout.rpartition("@")[2].split()}


@pytest.mark.parametrize(
    ("arguments", "not_even"),
    [
        (["--version"], {"click", "headrace", "pluggy"}),
        (["--help"], set()),  # hook plugins that are installed are asked for commands of theirs
        (["plugins", "list"], {"pluggy"}),
        (["plugins", "list", "--json"], {"pluggy"}),
        (["completion", "bash"], {"pluggy"}),
    ],
)
def test_light_commands_import_little(place, arguments, not_even):
    place.run("plugins", "list")  # fills the cache
    assert not _imported(place, *arguments) & (_HEAVY | _PLUGINS | not_even)


@pytest.mark.slow
def test_version_costs_less_than_eight_empty_pythons(place):
    def cost(code):
        times = []
        for _ in range(9):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    version = (
        "import sys; sys.argv = ['agents', '--version']; from headrace_cli.main import main; main()"
    )
    assert cost(version) < 8 * cost("pass")


def test_the_version_is_that_of_the_metadata(place):
    import importlib.metadata

    version = importlib.metadata.version("headrace-cli")
    assert place.process("--version").stdout == f"agents (headrace) {version}\n"
    assert place.run("--version").stdout == f"agents (headrace) {version}\n"


def test_plugins_are_listed_with_all_that_metadata_tells(place):
    text = place.run("plugins", "list")
    assert text.exit_code == 0, text.output
    data = json.loads(place.run("plugins", "list", "--json").stdout)
    found = {(one["kind"], one["name"]): one for one in data["plugins"]}
    scripted = found["chat_models", "scripted"]
    assert scripted["distribution"] == "headrace-scripted"
    assert scripted["state"] == "ready"
    assert scripted["version"] in text.stdout
    assert scripted["origin"].endswith(".dist-info")


def test_a_kind_can_be_asked_for(place):
    data = json.loads(place.run("plugins", "list", "--kind", "tools", "--json").stdout)
    assert {one["kind"] for one in data["plugins"]} == {"tools"}
    wrong = place.run("plugins", "list", "--kind", "tool")
    assert wrong.exit_code == 1
    assert "did you mean 'tools'" in wrong.stderr


def _install(place, monkeypatch, name, points, module=""):
    info = place.folder / "site" / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(points)
    (place.folder / "site" / f"{name}_module.py").write_text(module)
    monkeypatch.syspath_prepend(str(place.folder / "site"))


def test_info_loads_and_says_why_not(place, monkeypatch):
    _install(
        place,
        monkeypatch,
        "acme",
        "[headrace.tools]\ngood = acme_module:Tool\nbad = acme_module:Nope\n",
        "class Tool: ...\n",
    )
    good = json.loads(place.run("plugins", "info", "tools.good", "--json").stdout)[0]
    assert (good["loads"], good["why"]) == (True, "")
    bad = json.loads(place.run("plugins", "info", "bad", "--json").stdout)[0]
    assert bad["loads"] is False
    assert "Nope" in bad["why"]
    text = place.run("plugins", "info", "bad").stdout
    assert re.search(r"loads: +no\n", text)
    assert re.search(r"distribution: +acme\n", text)


def test_a_plugin_that_stands_aside_is_not_imported(place, monkeypatch):
    _install(
        place,
        monkeypatch,
        "acme",
        "[headrace.tools]\nbad = acme_module:Tool\n",
        "raise SystemExit('imported')\n",
    )
    place.write("pyproject.toml", '[tool.agents.plugins]\nblock = ["acme"]\n')
    bad = json.loads(place.run("plugins", "info", "bad", "--json").stdout)[0]
    assert (bad["state"], bad["loads"]) == ("blocked", None)
    assert "block-list" in bad["why"]
    assert "blocked" in place.run("plugins", "list").stdout


def test_broken_metadata_is_told(place, monkeypatch):
    _install(place, monkeypatch, "acme", "[headrace.tools\nbad = acme_module:Tool\n")
    _install(place, monkeypatch, "acme2", "[headrace.tools]\nbad\n")
    data = json.loads(place.run("plugins", "list", "--json").stdout)
    assert "acme2" in {one["distribution"] for one in data["broken"]}
    assert "acme2: broken:" in place.run("plugins", "list").stdout


def test_an_unknown_plugin_is_named_with_the_nearest(place):
    result = place.run("plugins", "info", "scriptd")
    assert result.exit_code == 1
    assert "nearest: scripted" in result.stderr


def test_skills_of_folders_are_listed(place):
    place.write(
        "more/hello/SKILL.md", "---\nname: hello\ndescription: Says hello.\n---\nSay hello.\n"
    )
    place.write("more/wrong/SKILL.md", "no frontmatter\n")
    data = json.loads(place.run("skills", "list", "--folder", "more", "--json").stdout)
    assert "hello" in {one["name"] for one in data["skills"]}
    assert "wrong" in {one["name"] for one in data["broken"]}
    text = place.run("skills", "list", "--folder", "more").stdout
    assert "Says hello." in text
    assert "wrong: broken:" in text


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(place, shell):
    result = place.run("completion", shell)
    assert result.exit_code == 0
    assert "_AGENTS_COMPLETE" in result.stdout


def test_completion_knows_the_commands(place):
    words = {"_AGENTS_COMPLETE": "bash_complete", "COMP_WORDS": "agents pl", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['agents']; from headrace_cli.main import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **words},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.split() == ["plain,plan", "plain,plugins"]


def test_the_schema_of_yaml_agents_is_printed(place):
    assert json.loads(place.run("schema").stdout)["type"] == "object"


def test_usage_is_exit_code_2(place):
    assert place.run("nonsense").exit_code == 2
    assert place.run("run").exit_code == 2
    assert place.run("--help").exit_code == 0
