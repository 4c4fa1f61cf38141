"""A name belongs to one registry: look-alikes elsewhere are never taken, and are told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace_registry.errors import ConflictError, LockError
from headrace_registry.locking import look_alikes, resolve


def origins(lock):
    return {one.name: (one.origin, one.version) for one in lock.packages}


@pytest.fixture
def attacked(bench):
    """Ours has version 1.0 of two packages, the index the same names with 9.9."""
    bench.main.add("skill-a", "1.0", ("skill-b",))
    bench.main.add("skill-b", "1.0")
    bench.index.add("skill-a", "9.9")
    bench.index.add("skill-b", "9.9")
    bench.index.add("public", "1.0", ("skill-b",))
    return bench


class TestLookAlikesInTheIndex:
    def test_a_direct_requirement_is_not_taken_from_there(self, attacked):
        lock = resolve(attacked.wanted("skill-a"))
        assert origins(lock) == {"skill-a": ("main", "1.0"), "skill-b": ("main", "1.0")}

    def test_a_dependency_of_a_package_of_the_index_is_not_either(self, attacked):
        lock = resolve(attacked.wanted("public"))
        assert origins(lock) == {"public": ("index", "1.0"), "skill-b": ("main", "1.0")}

    def test_they_are_told_of(self, attacked):
        wanted = attacked.wanted("skill-a")
        (first, second) = look_alikes(resolve(wanted), wanted, ["skill-a", "skill-b"])
        assert str(first) == (
            "skill-a 1.0 is from main; the package index has 9.9 under that name, "
            "which was not taken"
        )
        assert (second.name, second.elsewhere, second.other_version) == ("skill-b", "index", "9.9")

    def test_a_lower_version_elsewhere_is_not_told_of(self, bench):
        bench.main.add("skill-a", "2.0")
        bench.index.add("skill-a", "1.0")
        wanted = bench.wanted("skill-a")
        assert look_alikes(resolve(wanted), wanted, ["skill-a"]) == []

    def test_only_the_names_asked_about_are_looked_for(self, attacked):
        wanted = attacked.wanted("skill-a")
        lock = resolve(wanted)
        attacked.index.asked.clear()
        assert look_alikes(lock, wanted, []) == []
        assert attacked.index.asked == []

    def test_ours_is_kept_from_the_index_when_it_lacks_the_version(self, attacked):
        with pytest.raises(ConflictError, match=r"main has no skill-a >=5: it has 1.0"):
            resolve(attacked.wanted("skill-a>=5"))

    def test_a_reserved_name_is_never_looked_up(self, attacked):
        attacked.main.reserved["gone"] = "it was malicious"
        attacked.index.add("gone", "9.9")
        with pytest.raises(
            ConflictError, match=r"gone is a name that main keeps.*it was malicious"
        ):
            resolve(attacked.wanted("gone"))

    def test_a_wholly_yanked_package_is_not_looked_up(self, attacked):
        attacked.main.add("old", "1.0", yanked="broken")
        attacked.index.add("old", "9.9")
        with pytest.raises(ConflictError, match=r"old.*1\.0 \(yanked\)"):
            resolve(attacked.wanted("old>0"))


HOSTILE = {
    "UV_EXTRA_INDEX_URL": "{index}",
    "UV_INDEX": "{index}",
    "UV_INDEX_STRATEGY": "unsafe-best-match",
    "UV_PRERELEASE": "allow",
    "PIP_EXTRA_INDEX_URL": "{index}",
    "PIP_FIND_LINKS": "{links}",
    "UV_FIND_LINKS": "{links}",
    "UV_OVERRIDE": "{overrides}",
    "UV_CONSTRAINT": "{overrides}",
    "UV_CONFIG_FILE": "{config}",
    "UV_NO_CONFIG": "1",
    "UV_INSECURE_HOST": "127.0.0.1",
}


class TestTheUsersEnvironment:
    @pytest.fixture
    def places(self, attacked, tmp_path):
        links = attacked.index.folder / "files" / "skill-b"
        overrides = tmp_path / "overrides.txt"
        overrides.write_text("skill-b==9.9\n")
        config = tmp_path / "uv.toml"
        config.write_text(
            f'index-strategy = "unsafe-best-match"\nfind-links = ["{links}"]\n'
            f'[[index]]\nurl = "{attacked.index.simple}"\n'
        )
        return {
            "index": attacked.index.simple,
            "links": str(links),
            "overrides": str(overrides),
            "config": str(config),
        }

    @pytest.mark.parametrize("name", HOSTILE)
    def test_a_variable_lets_no_stranger_in(self, attacked, places, monkeypatch, name):
        monkeypatch.setenv(name, HOSTILE[name].format(**places))
        lock = resolve(attacked.wanted("skill-a", "public"))
        assert origins(lock)["skill-b"] == ("main", "1.0")

    @pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "HOME"])
    def test_a_settings_file_of_the_user_lets_no_stranger_in(
        self, attacked, places, monkeypatch, tmp_path, variable
    ):
        home = tmp_path / "home"
        for folder in (home / "uv", home / ".config" / "uv"):
            folder.mkdir(parents=True)
            (folder / "uv.toml").write_text(Path(places["config"]).read_text())
        monkeypatch.setenv(variable, str(home))
        lock = resolve(attacked.wanted("skill-a", "public"))
        assert origins(lock)["skill-b"] == ("main", "1.0")

    @pytest.mark.parametrize("name", ["uv.toml", "pyproject.toml"])
    def test_nor_does_one_above_the_folder_of_temporary_files(
        self, attacked, places, monkeypatch, tmp_path, name
    ):
        shared = tmp_path / "shared"
        shared.mkdir()
        text = Path(places["config"]).read_text()
        if name == "pyproject.toml":
            text = (
                '[tool.uv.workspace]\nmembers = ["*"]\n[tool.uv]\n'
                'override-dependencies = ["skill-b==9.9"]\n'
                + text.replace("[[index]]", "[[tool.uv.index]]")
            )
        (shared / name).write_text(text)
        monkeypatch.setattr("tempfile.tempdir", str(shared))
        wanted = attacked.wanted("skill-a", "public")
        lock = resolve(wanted)
        assert origins(lock)["skill-b"] == ("main", "1.0")
        assert [one.name for one in look_alikes(lock, wanted, ["skill-b"])] == ["skill-b"]


class TestACatalogueThatConfusesTheResolver:
    def test_two_wheels_of_one_digest_do_not_get_each_others_requirements(self, bench):
        """uv takes files of one digest for one file, and what one requires for the other's."""
        from dataclasses import replace

        bench.main.add("skill-a", "1.0", ("lib",))
        bench.main.add("skill-b", "1.0", ("absent>=9",))
        bench.index.add("lib", "1.0")
        first = bench.main.releases["skill-a", "1.0"].files[0]
        second = bench.main.releases["skill-b", "1.0"]
        copied = replace(second.files[0], sha256=first.sha256)
        bench.main.releases["skill-b", "1.0"] = replace(second, files=(copied,))
        for _ in range(4):  # it is a race
            with pytest.raises((ConflictError, LockError), match="absent"):
                resolve(bench.wanted("skill-a", "skill-b"))


class TestBindings:
    def test_a_name_bound_to_the_index_is_taken_from_there(self, attacked):
        lock = resolve(attacked.wanted("skill-b", bound={"skill-b": "index"}))
        assert origins(lock) == {"skill-b": ("index", "9.9")}

    def test_a_name_bound_to_a_registry_that_lacks_it_is_taken_from_nowhere(self, attacked):
        attacked.index.add("other", "1.0")
        with pytest.raises(ConflictError, match="other belongs to main, which has no such package"):
            resolve(attacked.wanted("other", bound={"other": "main"}))

    def test_a_name_in_two_registries_is_a_question(self, two_registries):
        bench = two_registries
        for one in bench.registries:
            one.add("skill-a", "1.0")
        with pytest.raises(ConflictError) as raised:
            resolve(bench.wanted("skill-a"))
        assert "skill-a is in several registries: main, other" in str(raised.value)
        assert '[tool.agents.sources] skill-a = "main"' in str(raised.value)

    def test_so_is_one_that_only_a_dependency_leads_to(self, two_registries):
        bench = two_registries
        bench.main.add("skill-a", "1.0", ("skill-b",))
        for one in bench.registries:
            one.add("skill-b", "1.0")
        with pytest.raises(ConflictError, match="skill-b is in several registries"):
            resolve(bench.wanted("skill-a"))

    def test_a_binding_answers_it(self, two_registries):
        bench = two_registries
        bench.main.add("skill-a", "9.9")
        bench.registries[1].add("skill-a", "1.0")
        wanted = bench.wanted("skill-a", bound={"skill-a": "other"})
        lock = resolve(wanted)
        assert origins(lock) == {"skill-a": ("other", "1.0")}
        (found,) = look_alikes(lock, wanted, ["skill-a"])
        assert (found.elsewhere, found.other_version) == ("main", "9.9")

    def test_names_that_nobody_asks_for_may_be_in_both(self, two_registries):
        bench = two_registries
        bench.main.add("skill-a", "1.0")
        for one in bench.registries:
            one.add("unrelated", "1.0")
        assert origins(resolve(bench.wanted("skill-a"))) == {"skill-a": ("main", "1.0")}


class TestWhatTheLockRemembers:
    def test_a_name_stays_with_the_registry_that_it_was_locked_from(self, two_registries):
        bench = two_registries
        bench.main.add("skill-a", "1.0")
        before = resolve(bench.wanted("skill-a"))
        bench.registries[1].add("skill-a", "9.9")
        after = resolve(bench.wanted("skill-a"), before=before)
        assert origins(after) == {"skill-a": ("main", "1.0")}

    def test_a_name_that_its_registry_lost_is_not_taken_from_the_index(self, bench):
        bench.main.add("skill-a", "1.0")
        before = resolve(bench.wanted("skill-a"))
        bench.main.releases.clear()
        bench.index.add("skill-a", "9.9")
        with pytest.raises(ConflictError, match="skill-a belongs to main"):
            resolve(bench.wanted("skill-a"), before=before)

    def test_a_registry_that_claims_a_name_of_the_index_does_not_get_it_unasked(self, bench):
        bench.index.add("lib", "1.0")
        before = resolve(bench.wanted("lib"))
        bench.main.add("lib", "9.9")
        with pytest.raises(ConflictError, match="lib was locked from the package index"):
            resolve(bench.wanted("lib"), before=before)

    def test_saying_so_settles_it(self, bench):
        bench.index.add("lib", "1.0")
        before = resolve(bench.wanted("lib"))
        bench.main.add("lib", "9.9")
        after = resolve(bench.wanted("lib", bound={"lib": "index"}), before=before)
        assert origins(after) == {"lib": ("index", "1.0")}
        after = resolve(bench.wanted("lib", bound={"lib": "main"}), before=before)
        assert origins(after) == {"lib": ("main", "9.9")}


class TestVendor:
    @pytest.fixture
    def own(self, bench, wheel):
        from headrace_registry.locking.wanted import file_sha256
        from headrace_registry.settings import Source

        path = wheel(bench.folder / "vendor", "skill-own", "1.0", ("lib",))
        bench.index.add("lib", "1.0")
        bench.index.add("skill-own", "9.9")
        source = Source("./skills/own", "sha256:" + file_sha256(path))
        more = {"bound": {"skill-own": "vendor"}, "sources": {"skill-own": source}}
        return bench, path, more

    def test_a_wheel_of_the_projects_own_is_locked_by_its_path(self, own):
        bench, path, more = own
        lock = resolve(bench.wanted("skill-own", **more))
        assert origins(lock) == {"skill-own": ("vendor", "1.0"), "lib": ("index", "1.0")}
        (locked,) = lock.package("skill-own").wheels
        assert (locked.path, locked.url) == (f"vendor/{path.name}", None)

    def test_one_that_was_changed_is_refused(self, own, wheel):
        bench, path, more = own
        wheel(path.parent, "skill-own", "1.0", content="# other")
        with pytest.raises(LockError, match="is not the one that was added"):
            resolve(bench.wanted("skill-own", **more))

    def test_one_that_is_gone_is_not_looked_for_elsewhere(self, own):
        bench, path, more = own
        path.unlink()
        with pytest.raises(LockError, match=r"skill-own in vendor/ is missing"):
            resolve(bench.wanted("skill-own", **more))
