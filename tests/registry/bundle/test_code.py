"""Which of a project's own files travel with a job."""

from __future__ import annotations

import os
import sys

import pytest

from headrace_registry.bundle import _files
from headrace_registry.bundle._code import hidden
from headrace_registry.errors import BundleError

from .conftest import Folder, paths_of


@pytest.fixture
def refused(project):
    """What is said of files that cannot travel."""

    def collect(*modules, **more):
        with pytest.raises(BundleError) as caught:
            project.collect(*modules, **more)
        return str(caught.value)

    return collect


class TestWhatIsImported:
    @pytest.mark.parametrize(
        "line",
        [
            "import wanted",
            "import wanted as w",
            "from wanted import thing",
            "def f():\n    import wanted",
            "class C:\n    import wanted",
            "async def f():\n    if x:\n        from wanted import thing",
            "try:\n    import wanted\nexcept ImportError:\n    wanted = None",
            "import importlib\nimportlib.import_module('wanted')",
            "from importlib import import_module\nx = import_module('wanted')",
            "__import__('wanted')",
            "x = [lambda: __import__('wanted')]",
            "for x in y:\n    with z:\n        import wanted",
            "while x:\n    pass\nelse:\n    import wanted",
            "try:\n    pass\nfinally:\n    import wanted",
            "match x:\n    case 1:\n        import wanted",
            "if TYPE_CHECKING:\n    pass\nelse:\n    import wanted",
            "if not TYPE_CHECKING:\n    import wanted",
            "import sys\nif sys.version_info >= (3, 11):\n    import wanted",
        ],
    )
    def test_a_module_that_is_imported_travels(self, project, line):
        project.write({"job.py": line, "wanted.py": "thing = 1"})
        assert paths_of(project.collect("job")) == {"app/job.py", "app/wanted.py"}

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "# import unwanted",
            "'import unwanted'",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import unwanted",
            "import typing\nif typing.TYPE_CHECKING:\n    import unwanted",
            "if TYPE_CHECKING and True:\n    import unwanted",
            "if False:\n    import unwanted",
        ],
    )
    def test_a_module_that_is_not_stays(self, project, line):
        project.write({"job.py": line, "unwanted.py": ""})
        assert paths_of(project.collect("job")) == {"app/job.py"}

    def test_imports_are_followed(self, project):
        project.write({"job.py": "import a", "a.py": "import b", "b.py": "import a"})
        assert paths_of(project.collect("job")) == {"app/job.py", "app/a.py", "app/b.py"}

    def test_each_file_says_why_it_travels(self, project):
        project.write({"job.py": "\n\nimport a", "a.py": ""})
        why = {file.path: file.why for file in project.collect("job").files}
        assert why == {"app/job.py": "the plan names it", "app/a.py": "job.py, line 3, imports it"}

    def test_nothing_of_the_project_is_run(self, project, tmp_path):
        ran = tmp_path / "ran"
        code = f"from pathlib import Path\nPath({str(ran)!r}).touch()\n"
        project.write(
            {"job.py": f"import pack.sub\n{code}", "pack/__init__.py": code, "pack/sub.py": code}
        )
        project.collect("job")
        assert not ran.exists()

    def test_a_script_may_be_executed_there_too(self, project):
        project.write({"job.py": "import tool"}).write({"tool.py": ""}, executable=True)
        runs = {file.path: file.executable for file in project.collect("job").files}
        assert runs == {"app/job.py": False, "app/tool.py": True}


class TestPackages:
    FILES = {  # noqa: RUF012 - tests read it
        "job.py": "from pack.sub import thing",
        "pack/__init__.py": "",
        "pack/sub.py": "thing = 1",
        "pack/other.py": "",
        "pack/data/prices.csv": "1",
        "pack/inner/__init__.py": "",
        "other_pack/__init__.py": "",
    }

    def test_a_package_that_is_used_comes_whole(self, project):
        project.write(self.FILES)
        assert paths_of(project.collect("job")) == {
            "app/job.py",
            "app/pack/__init__.py",
            "app/pack/sub.py",
            "app/pack/other.py",
            "app/pack/data/prices.csv",
            "app/pack/inner/__init__.py",
        }

    @pytest.mark.parametrize(
        "left",
        [
            "pack/__pycache__/sub.cpython-311.pyc",
            "pack/tests/test_sub.py",
            "pack/conftest.py",
            "pack/.git/HEAD",
            "pack/.DS_Store",
            "pack/.sub.py.swp",
            "pack/sub.py~",
            "pack/.mypy_cache/x.json",
        ],
    )
    def test_tests_caches_and_editors_files_stay_and_it_is_told(self, project, left):
        project.write({**self.FILES, left: ""})
        code = project.collect("job")
        assert f"app/{left}" not in paths_of(code)
        assert any(left == path or left.startswith(f"{path}/") for path, _ in code.left_out)

    def test_a_virtual_environment_in_it_stays(self, project):
        project.write({**self.FILES, "pack/env/pyvenv.cfg": "", "pack/env/lib/x.py": ""})
        code = project.collect("job")
        assert ("pack/env", "a virtual environment") in code.left_out

    def test_what_is_imported_out_of_a_folder_of_tests_travels(self, project):
        project.write(
            {
                "job.py": "import pack.tests.help",
                "pack/__init__.py": "",
                "pack/tests/__init__.py": "",
                "pack/tests/help.py": "",
                "pack/tests/test_it.py": "",
            }
        )
        found = paths_of(project.collect("job"))
        assert "app/pack/tests/help.py" in found
        assert "app/pack/tests/test_it.py" not in found

    @pytest.mark.parametrize(
        ("file", "line"),
        [
            ("pack/__init__.py", "from . import wanted"),
            ("pack/sub.py", "from . import wanted"),
            ("pack/sub.py", "from .wanted import x"),
            ("pack/inner/__init__.py", "from ..wanted import x"),
            ("pack/inner/deep.py", "from .. import wanted"),
            ("pack/sub.py", "import importlib\nimportlib.import_module('.wanted', __package__)"),
            ("pack/sub.py", "import importlib\nimportlib.import_module('.wanted', 'pack')"),
        ],
    )
    def test_relative_imports_lead_on(self, project, file, line):
        # What is found is seen by what it imports: the package is there as a whole.
        project.write(
            {
                "job.py": "import pack.sub, pack.inner.deep",
                "pack/__init__.py": "",
                "pack/sub.py": "",
                "pack/inner/__init__.py": "",
                "pack/inner/deep.py": "",
                "pack/wanted.py": "import some_library_of_wanted",
                file: line,
            }
        )
        assert project.collect("job").modules == {"some_library_of_wanted"}

    def test_a_name_that_is_taken_from_a_package_may_be_a_module(self, project):
        project.write(
            {
                "job.py": "from pack import sub",
                "pack/__init__.py": "",
                "pack/sub.py": "import beside",
                "beside.py": "",
            }
        )
        assert "app/beside.py" in paths_of(project.collect("job"))

    def test_what_a_package_may_import_at_run_time_finds_its_neighbours(self, project):
        project.write(
            {
                "job.py": "import pack",
                "pack/__init__.py": "",
                "pack/plugin.py": "import beside, some_library",
                "beside.py": "import further",
                "further.py": "",
            }
        )
        code = project.collect("job")
        assert {"app/beside.py", "app/further.py"} <= paths_of(code)
        assert code.modules == set()  # the library is asked for where it is surely needed

    def test_folders_without_an_init_are_packages_too(self, project):
        project.write(
            {
                "job.py": "import space.used, space.pack.sub",
                "space/used.py": "from . import beside",
                "space/beside.py": "",
                "space/unused.py": "",
                "space/pack/__init__.py": "",
                "space/pack/sub.py": "",
                "space/pack/data.txt": "",
            }
        )
        assert paths_of(project.collect("job")) == {
            "app/job.py",
            "app/space/used.py",
            "app/space/beside.py",
            "app/space/pack/__init__.py",
            "app/space/pack/sub.py",
            "app/space/pack/data.txt",
        }


class TestWhereModulesAre:
    def test_a_modules_path_is_seen_from_where_it_is_imported(self, project):
        project.write({"src/pack/__init__.py": "import beside", "src/beside.py": ""})
        code = project.collect("pack", root="src")
        assert paths_of(code) == {"app/pack/__init__.py", "app/beside.py"}

    def test_a_module_that_is_installed_in_place_is_the_projects(self, project, monkeypatch):
        project.write({"job.py": "import placed_pack", "src/placed_pack/__init__.py": ""})
        monkeypatch.syspath_prepend(str(project.path / "src"))  # as an editable install does
        assert "app/placed_pack/__init__.py" in paths_of(project.collect("job"))

    def test_a_package_of_an_environment_in_the_project_is_not_the_projects(
        self, project, monkeypatch
    ):
        site = ".venv/lib/python3.11/site-packages"
        project.write({"job.py": "import envd", f"{site}/envd/__init__.py": ""})
        monkeypatch.syspath_prepend(str(project.path / site))
        code = project.collect("job")
        assert (paths_of(code), code.modules) == ({"app/job.py"}, {"envd"})

    def test_what_packages_bring_is_told(self, project):
        project.write({"job.py": "import json, pydantic.fields\nfrom yaml import safe_load"})
        assert project.collect("job").modules == {"pydantic", "yaml"}

    @pytest.mark.parametrize(
        "lines",
        [
            "try:\n    import orjson\nexcept ImportError:\n    import json",
            "try:\n    import json\nexcept ModuleNotFoundError:\n    import orjson",
            "import sys\nif sys.platform == 'win32':\n    import orjson",
            "import sys\nif sys.version_info < (3, 11):\n    import orjson",
        ],
    )
    def test_what_the_code_can_go_without_is_told_apart(self, project, lines):
        project.write({"job.py": lines})
        code = project.collect("job")
        assert (code.modules, code.optional) == (set(), {"orjson"})

    def test_a_folder_of_data_with_a_packages_name_is_none(self, project):
        project.write({"job.py": "import yaml", "yaml/notes.txt": ""})
        code = project.collect("job")
        assert (paths_of(code), code.modules) == ({"app/job.py"}, {"yaml"})

    def test_an_import_by_a_name_made_at_run_time_is_noted(self, project):
        project.write({"job.py": "import importlib\nimportlib.import_module(name)"})
        assert "job.py, line 2, imports by a name" in project.collect("job").notes[0]


class TestWhatIsRefusedOfModules:
    @pytest.mark.parametrize("name", ["no_such_module", "no_such_module.agents", "job.agents"])
    def test_a_module_that_is_nowhere(self, project, refused, name):
        project.write({"job.py": ""})
        assert f"no module {name!r}" in refused(name)

    def test_a_script(self, refused):
        assert "agents build MODULE:NAME" in refused("__main__")

    def test_one_that_would_hide_pythons_own(self, project, refused):
        project.write({"job.py": "import types", "types.py": ""})
        said = refused("job")
        assert "types.py would hide the module 'types' of Python's standard library" in said

    def test_one_that_would_hide_a_packages(self, project, refused):
        project.write({"job.py": "import yaml", "yaml/__init__.py": ""})
        said = refused("job", taken={"yaml": "pyyaml"})
        assert "yaml/__init__.py would hide the module 'yaml' of pyyaml" in said

    def test_an_included_file_that_would_hide_one(self, project, refused):
        project.write({"job.py": "", "types.py": ""})
        assert "would hide the module 'types'" in refused("job", include=["*.py"])

    def test_what_is_hidden_is_told_of_packages_that_are_chosen_later(self, project):
        project.write({"job.py": "import helper", "helper.py": ""})
        code = project.collect("job")
        assert hidden(code.files, {"yaml": "pyyaml"}) == []
        assert "'helper' of helpful" in hidden(code.files, {"helper": "helpful"})[0]

    def test_one_that_is_no_python_with_its_line(self, project, refused):
        project.write({"job.py": "import broken", "broken.py": "x = 1\ndef f(:\n"})
        assert "broken.py, line 2: this is no Python" in refused("job")

    def test_a_template_in_a_package_that_nothing_imports_is_noted(self, project):
        project.write({"job.py": "import pack", "pack/__init__.py": "", "pack/t.py": "{{ x }} y"})
        code = project.collect("job")
        assert "app/pack/t.py" in paths_of(code)
        assert "pack/t.py, line 1: this is no Python" in code.notes[0]

    @pytest.mark.parametrize("name", ["fast.so", "fast.cpython-311-x86_64-linux-gnu.so"])
    def test_one_that_is_compiled_with_the_way_out(self, project, refused, name):
        project.write({"job.py": "import pack", "pack/__init__.py": "", f"pack/{name}": ""})
        said = refused("job")
        assert f"pack/{name} is compiled for one machine" in said
        assert "wheel" in said

    def test_one_at_the_top_that_is_compiled(self, project, refused):
        project.write({"job.py": "import fast", "fast.abi3.so": ""})
        assert "fast.abi3.so is compiled" in refused("job")

    def test_a_compiled_one_that_is_included_by_its_name_travels(self, project):
        project.write({"job.py": "import pack", "pack/__init__.py": "", "pack/fast.so": ""})
        code = project.collect("job", include=["pack/fast.so"])
        assert "app/pack/fast.so" in paths_of(code)

    @pytest.mark.parametrize("name", ["fast.pyd", "fast.cpython-311-darwin.so"])
    def test_one_that_is_compiled_for_another_system_stays(self, project, name):
        project.write({"job.py": "import pack", "pack/__init__.py": "", f"pack/{name}": ""})
        code = project.collect("job")
        assert (f"pack/{name}", "compiled for another system") in code.left_out

    def test_all_faults_are_told_at_once(self, project, refused):
        project.write({"job.py": "import types, broken", "types.py": "", "broken.py": "("})
        said = refused("job")
        assert "types.py" in said
        assert "broken.py" in said


class TestWhatIsNamedAndIncluded:
    def test_what_a_plan_names_keeps_its_place(self, project):
        project.write(
            {"job.py": "", "conf/a.yaml": "", "skills/x/SKILL.md": "", "skills/x/t/y": ""}
        )
        code = project.collect("job", named=("conf/a.yaml", "skills"))
        assert paths_of(code) == {
            "app/job.py",
            "app/conf/a.yaml",
            "app/skills/x/SKILL.md",
            "app/skills/x/t/y",
        }

    def test_a_folder_that_is_named_keeps_its_tests_and_programs(self, project):
        project.write({"job.py": "", "skills/x/tests/y.txt": "", "skills/x/lib.so": ""})
        code = project.collect("job", named=("skills",))
        assert {"app/skills/x/tests/y.txt", "app/skills/x/lib.so"} <= paths_of(code)

    def test_a_package_that_is_named_is_imported_from_its_place(self, project):
        project.write(
            {"src/job.py": "", "src/lore/__init__.py": "import beside", "src/beside.py": ""}
        )
        code = project.collect("job", root="src", named=("src/lore",))
        assert {"app/lore/__init__.py", "app/beside.py"} <= paths_of(code)

    def test_what_is_named_and_left_out_is_refused(self, project, refused):
        project.write({"job.py": "", "a.yaml": ""})
        assert "names a.yaml, and it is left out (excluded)" in refused(
            "job", named=("a.yaml",), exclude=["*.yaml"]
        )

    @pytest.mark.parametrize(
        ("pattern", "travels"),
        [
            ("data/a.csv", {"data/a.csv"}),
            ("data", {"data/a.csv", "data/b.txt", "data/deep/c.csv"}),
            ("data/*.csv", {"data/a.csv"}),
            ("data/**", {"data/a.csv", "data/b.txt", "data/deep/c.csv"}),
            ("data/**/*.csv", {"data/a.csv", "data/deep/c.csv"}),
            ("**/c.csv", {"data/deep/c.csv"}),
            ("data/?.csv", {"data/a.csv"}),
            ("data/[ab].*", {"data/a.csv", "data/b.txt"}),
        ],
    )
    def test_globs_of_include(self, project, pattern, travels):
        files = ("data/a.csv", "data/b.txt", "data/deep/c.csv", "more/d.tsv")
        project.write({"job.py": "", **dict.fromkeys(files, "")})
        found = paths_of(project.collect("job", include=[pattern]))
        assert found - {"app/job.py"} == {f"app/{one}" for one in travels}

    def test_an_include_that_names_nothing_is_refused(self, project, refused):
        project.write({"job.py": ""})
        assert "'data/*.csv'" in refused("job", include=["data/*.csv"])

    def test_exclude_wins_over_globs_and_packages(self, project):
        project.write(
            {
                "job.py": "import pack",
                "pack/__init__.py": "",
                "pack/big.bin": "",
                "d/a": "",
                "d/b": "",
            }
        )
        code = project.collect("job", include=["d/*"], exclude=["**/*.bin", "d/b"])
        assert paths_of(code) == {"app/job.py", "app/pack/__init__.py", "app/d/a"}
        assert dict(code.left_out) == {"pack/big.bin": "excluded", "d/b": "excluded"}

    def test_an_excluded_folder_is_excluded_with_all_in_it(self, project):
        project.write({"job.py": "import p.a.b", "p/__init__.py": "", "p/a/b.py": "", "p/c.py": ""})
        assert paths_of(project.collect("job", exclude=["p/a"])) == {
            "app/job.py",
            "app/p/__init__.py",
            "app/p/c.py",
        }

    def test_an_included_file_below_the_root_is_seen_from_there(self, project):
        # The code looks for it beside its own file.
        project.write({"src/job.py": "", "src/data/a.csv": ""})
        found = paths_of(project.collect("job", root="src", include=["src/data/a.csv"]))
        assert found == {"app/job.py", "app/data/a.csv"}

    def test_what_an_included_module_imports_comes_along(self, project):
        # Included, for it is imported by a name that is made at run time.
        project.write({"job.py": "", "plug/one.py": "import lib.beside", "lib/beside.py": ""})
        found = paths_of(project.collect("job", include=["plug/*.py"]))
        assert found == {"app/job.py", "app/plug/one.py", "app/lib/beside.py"}

    def test_two_files_of_one_path_are_refused(self, project, refused):
        project.write({"src/data/a.csv": "1", "src/job.py": "", "data/a.csv": "2"})
        said = refused("job", root="src", named=("data/a.csv",), include=["src/data/a.csv"])
        assert "data/a.csv and src/data/a.csv would both be app/data/a.csv" in said


class TestSecretFiles:
    @pytest.mark.parametrize(
        "name",
        [
            ".env",
            ".env.production",
            ".netrc",
            "id_rsa",
            "id_ed25519",
            "server.pem",
            "store.p12",
            "store.jks",
            "credentials",
            "credentials.json",
            "aws_credentials.ini",
            "client_secret_1.json",
            "service-account.json",
            ".pgpass",
            "kubeconfig",
            ".ssh/config",
        ],
    )
    def test_they_are_refused_by_name(self, project, refused, name):
        project.write({"job.py": "", f"conf/{name}": ""})
        said = refused("job", named=("conf",))
        assert f"conf/{name.partition('/')[0]} may hold secrets" in said
        assert "exclude" in said

    @pytest.mark.parametrize("name", [".env.example", "credentials.py", "keys.md"])
    def test_others_travel(self, project, name):
        project.write({"job.py": "", f"conf/{name}": ""})
        assert f"app/conf/{name}" in paths_of(project.collect("job", named=("conf",)))

    def test_certificates_are_no_secrets(self, project):
        pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
        project.write({"job.py": "", "conf/ca.pem": pem})
        assert "app/conf/ca.pem" in paths_of(project.collect("job", named=("conf",)))

    def test_a_private_key_beside_a_certificate_is_one(self, project, refused):
        begin = "-----BEGIN CERTIFICATE-----\n-----BEGIN "  # in two parts, for scanners
        project.write({"job.py": "", "conf/both.pem": begin + "PRIVATE KEY-----\n"})
        assert "conf/both.pem may hold secrets" in refused("job", named=("conf",))

    def test_one_that_is_included_by_its_name_travels(self, project):
        project.write({"job.py": "", "conf/.env": ""})
        code = project.collect("job", named=("conf",), include=["conf/.env"])
        assert "app/conf/.env" in paths_of(code)

    def test_a_glob_does_not_include_one(self, project, refused):
        project.write({"job.py": "", "conf/.env": ""})
        assert "conf/.env may hold secrets" in refused("job", include=["conf/*"])


class TestLinksAndOddFiles:
    def test_a_link_within_the_project_is_stored_as_its_file(self, project):
        project.write({"job.py": "", "shared/a.txt": "text", "data/b.txt": ""})
        (project.path / "data/a.txt").symlink_to("../shared/a.txt")
        code = project.collect("job", named=("data",))
        linked = next(file for file in code.files if file.path == "app/data/a.txt")
        assert linked.source == (project.path / "shared/a.txt").resolve()

    def test_a_link_to_a_folder_is_followed(self, project):
        project.write({"job.py": "", "shared/a.txt": "", "data/b.txt": ""})
        (project.path / "data/more").symlink_to("../shared")
        assert "app/data/more/a.txt" in paths_of(project.collect("job", named=("data",)))

    def test_a_link_that_leads_out_is_refused(self, project, refused, tmp_path):
        (tmp_path / "outside.txt").write_text("x")
        project.write({"job.py": "", "data/b.txt": ""})
        (project.path / "data/a.txt").symlink_to(tmp_path / "outside.txt")
        assert "data/a.txt is a link that leads out" in refused("job", named=("data",))

    def test_a_link_that_leads_nowhere_is_refused(self, project, refused):
        project.write({"job.py": "", "data/b.txt": ""})
        (project.path / "data/a.txt").symlink_to("gone")
        assert "data/a.txt is a link that leads to nothing" in refused("job", named=("data",))

    def test_a_link_to_a_folder_around_it_is_refused(self, project, refused):
        project.write({"job.py": "", "data/b.txt": ""})
        (project.path / "data/again").symlink_to("../data")
        assert "data/again is a link to a folder that it is in" in refused("job", named=("data",))

    def test_a_pipe_is_refused(self, project, refused):
        project.write({"job.py": "", "data/b.txt": ""})
        os.mkfifo(project.path / "data/pipe")
        assert "data/pipe is neither a file nor a folder" in refused("job", named=("data",))

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
    def test_a_file_that_may_not_be_read_is_refused(self, project, refused):
        project.write({"job.py": "", "data/b.txt": ""})
        (project.path / "data/b.txt").chmod(0)
        assert "data/b.txt cannot be read" in refused("job", named=("data",))

    @pytest.mark.parametrize("name", ["new\nline", "back\\slash", "escape\x1b"])
    def test_a_name_that_no_list_can_hold_is_refused(self, project, refused, name):
        project.write({"job.py": "", f"data/{name}": ""})
        assert "a name that not every system can hold" in refused("job", named=("data",))

    @pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
    def test_a_name_that_is_no_text_is_refused(self, project, refused):
        project.write({"job.py": "", "data/b.txt": ""})
        (project.path / "data" / os.fsdecode(b"\xff")).touch()
        assert "a name that not every system can hold" in refused("job", named=("data",))

    def test_names_that_other_systems_cannot_hold_are_noted(self, project):
        project.write({"job.py": "", "data/a:b": "", "data/c. ": ""})
        notes = " ".join(project.collect("job", named=("data",)).notes)
        assert "app/data/a:b" in notes
        assert "app/data/c. " in notes

    def test_names_that_differ_by_case_alone_are_noted(self, project):
        project.write({"job.py": "", "data/A.txt": "", "data/a.txt": ""})
        notes = project.collect("job", named=("data",)).notes
        assert any("case does not count" in note for note in notes)


class TestBounds:
    def test_too_many_files_are_refused(self, project, refused, monkeypatch):
        monkeypatch.setattr(_files, "MAX_FILES", 3)
        project.write({"job.py": "", **{f"data/{n}": "" for n in range(3)}})
        assert "more than 3" in refused("job", named=("data",))

    def test_too_many_bytes_are_refused_with_the_largest_named(self, project, refused, monkeypatch):
        monkeypatch.setattr(_files, "MAX_BYTES", 1024**2)
        project.write({"job.py": "", "data/a": "x", "data/big": "x" * (1024**2)})
        said = refused("job", named=("data",))
        assert "1.0 MB  app/data/big" in said
        assert "exclude" in said


def test_the_same_project_elsewhere_gives_the_same_files(tmp_path):
    found = []
    for place in ("here", "there/deep"):
        project = Folder(tmp_path / place).write(TestPackages.FILES)
        code = project.collect("job")
        found.append([(file.path, file.executable, file.why) for file in code.files])
    assert found[0] == found[1]
