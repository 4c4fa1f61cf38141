"""Which locked packages go into a zip, and what is told of those that do not."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from headrace.plan import ResourceProvider
from headrace_registry.errors import BundleError, LockError

from .made import AMD64, ARM64, Project, Target, content, entries, plan

TOOLS = b"[headrace.tools]\nclock = acme_clock:Clock\n"
HOOKS = b"[headrace.hooks]\nwatch = acme_watch:hooks\n"
NATIVE = "cp311-cp311-manylinux_2_17_x86_64"


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path / "project")


def why(built):
    return {one.name: one.why for one in built.manifest.packages}


def left(built):
    return {one.name: one.why for one in built.left_out}


def requires(*texts):
    return tuple(Requirement(text) for text in texts)


def tool_of(distribution, version="1.0"):
    return ResourceProvider(
        kind="tools",
        name="clock",
        plugin="clock",
        target=f"{distribution.replace('-', '_')}:Clock",
        distribution=distribution,
        version=version,
    )


# ---------------------------------------------------------------- what goes in
def test_a_plugin_that_the_plan_names_goes_in_with_all_that_it_requires(project):
    project.add("acme-clock", "1.0", "deep", files={"{info}/entry_points.txt": TOOLS})
    project.add("deep", "1.0", "deeper")
    project.add("deeper")
    built = project.build(plans={"echo": plan(tools={"clock": tool_of("acme-clock")})})
    assert why(built) == {
        "acme-clock": "plan: tools clock",
        "deep": "acme-clock requires it",
        "deeper": "deep requires it",
        "headrace-core": "every job needs it",
    }
    assert "site-packages/deeper/__init__.py" in entries(built.path)


def test_a_plugin_that_is_locked_and_not_named_stays_out_with_what_only_it_requires(project):
    project.add("acme-clock", "1.0", "deep", files={"{info}/entry_points.txt": TOOLS})
    project.add("deep")
    built = project.build(requirements=requires("acme-clock"))
    assert set(why(built)) == {"headrace-core"}
    assert left(built) == {
        "acme-clock": "its plugins and skills are not in the plan, and nothing imports it",
        "deep": "nothing that the plan names needs it",
    }
    assert not any("acme" in name or "deep" in name for name in entries(built.path))


def test_a_plugin_that_the_code_imports_goes_in(project):
    project.add(
        "acme-clock", files={"{info}/entry_points.txt": TOOLS, "acme_clock/__init__.py": b""}
    )
    project.agent("import acme_clock")
    built = project.build(requirements=requires("acme-clock"))
    assert why(built)["acme-clock"] == "the project requires it"


def test_hooks_go_in_since_nothing_names_them(project):
    project.add("acme-watch", files={"{info}/entry_points.txt": HOOKS})
    assert "acme-watch" in why(project.build(requirements=requires("acme-watch")))


def test_what_the_project_requires_goes_in_with_the_extras_that_it_asks_for(project):
    project.add("colours", "1.0", 'quick; extra == "fast"', 'shown; extra == "show"')
    project.add("quick")
    project.add("shown")
    built = project.build(requirements=requires("colours[fast]"))
    assert why(built)["quick"] == "colours requires it"
    assert left(built) == {"shown": "nothing that the plan names needs it"}


def test_an_extra_that_a_package_asks_of_another_counts(project):
    project.add("top", "1.0", "colours[fast]", "colours")
    project.add("colours", "1.0", 'quick; extra == "fast"')
    project.add("quick")
    assert "quick" in why(project.build(requirements=requires("top")))


def test_a_locked_package_that_only_the_code_names_goes_in(project):
    project.add("colours", "1.0", "deep")
    project.add("deep")
    project.agent("import colours")
    built = project.build()
    assert why(built)["colours"] == "the code imports colours"
    assert why(built)["deep"] == "colours requires it"


def test_a_package_that_the_project_names_goes_in(project):
    project.add("driver")
    built = project.build(packages=["Driver"])
    assert why(built)["driver"] == "the project says so"


# ---------------------------------------------------------------- what stays out
def test_a_package_that_the_project_wants_left_out_stays_out(project):
    project.add("colours", "1.0", "heavy")
    project.add("heavy")
    built = project.build(requirements=requires("colours"), without=["heavy"])
    assert left(built)["heavy"] == "the project says so ([tool.agents.bundle] without)"


def test_the_command_line_and_the_resolver_are_never_in_a_zip(project):
    project.add("headrace", "1.0", "headrace-core", "headrace-cli")
    project.add("headrace-cli", "1.0", "headrace-registry")
    project.add("headrace-registry", "1.0", "uv")
    project.add("uv")
    built = project.build(requirements=requires("headrace"))
    assert set(why(built)) == {"headrace-core"}
    assert {name: left(built)[name] for name in ("headrace", "headrace-cli")} == {
        "headrace": "it builds jobs, and workers do not",
        "headrace-cli": "it builds jobs, and workers do not",
    }
    assert "uv" in left(built)


def test_types_for_a_checker_stay_out(project):
    project.add("types-colours")
    built = project.build(requirements=requires("types-colours"))
    assert left(built)["types-colours"] == "types for a checker"


# ---------------------------------------------------------------- the engine
def with_engine(project):
    project.add(
        "apache-flink",
        "2.3.0",
        *("apache-beam", "numpy", "protobuf", "pandas", "apache-flink-libraries"),
        files={"pyflink/__init__.py": b"", "pyflink/fast.pyx": b""},
    )
    project.add("apache-beam", "2.61.0")
    project.add("apache-flink-libraries", files={"pyflink/lib/flink-dist.jar": b"PK"})
    project.add("numpy", "2.1.3", tag=NATIVE)
    project.add("pandas", "2.2.3", tag=NATIVE)
    project.add("protobuf")
    return project


def test_bundled_the_engine_goes_in_without_its_jars_and_what_workers_do_without(project):
    built = with_engine(project).build(mode="bundled")
    engine = {"apache-beam", "apache-flink", "numpy", "protobuf"}
    assert set(why(built)) == {*engine, "headrace-core"}
    assert left(built)["apache-flink-libraries"].startswith("Flink's jars: the cluster has them")
    assert "pandas" in left(built)
    assert "site-packages/pyflink/fast.pyx" not in entries(built.path)
    assert {one.name for one in built.manifest.packages if one.engine} == engine


def test_provided_the_engine_stays_out(project):
    built = with_engine(project).build(mode="provided")
    assert set(why(built)) == {"headrace-core"}
    assert left(built)["apache-flink"] == "of the engine: the cluster has it (--engine provided)"
    assert built.manifest.engine.version == "2.3.0"


def test_provided_what_is_native_and_the_engines_too_is_the_clusters(project):
    with_engine(project).add("colours", "1.0", "numpy>=1.0,<3", "protobuf")
    built = project.build(mode="provided", requirements=requires("colours"))
    assert set(why(built)) == {"colours", "headrace-core", "protobuf"}
    assert built.manifest.engine.requires == ("numpy<3,>=1.0",)


def test_what_the_engine_drops_goes_in_where_a_package_requires_it(project):
    with_engine(project).add("colours", "1.0", "pandas")
    built = project.build(mode="bundled", requirements=requires("colours"))
    assert why(built)["pandas"] == "colours requires it"
    assert not next(one for one in built.manifest.packages if one.name == "pandas").engine


def test_bundling_an_engine_that_is_not_locked_is_refused_with_both_ways_out(project):
    with pytest.raises(BundleError, match="not locked") as caught:
        project.build(mode="bundled")
    assert "headrace-core[flink]" in str(caught.value)
    assert "--engine provided" in str(caught.value)


def test_of_an_unknown_flink_all_goes_in_and_that_is_said(project):
    project.add("apache-flink", "9.9.0", "pandas", files={"pyflink/x.pyx": b""})
    project.add("pandas", tag=NATIVE)
    built = project.build(mode="bundled")
    assert "pandas" in why(built)
    assert "site-packages/pyflink/x.pyx" in entries(built.path)
    assert any("nothing is known of what Flink 9.9.0" in note for note in built.notes)


# ---------------------------------------------------------------- the target
def test_the_wheel_of_the_target_is_taken(project):
    for tag, text in ((NATIVE, b"amd"), ("cp311-cp311-manylinux_2_17_aarch64", b"arm")):
        project.add("fast", files={"fast.so": text}, tag=tag)
    lock = project.lock(AMD64, ARM64)
    built = project.build(target=ARM64, lock=lock, packages=["fast"])
    assert content(built.path, "site-packages/fast.so") == b"arm"
    assert built.manifest.platform == "linux/arm64"


def test_the_version_of_the_target_is_taken(project):
    project.add("colours", "1.0")
    project.add("colours", "2.0")
    old = Target("3.10", "linux/amd64")
    lock = project.lock(
        old,
        AMD64,
        markers={
            "colours==1.0": 'python_version < "3.11"',
            "colours==2.0": 'python_version >= "3.11"',
        },
    )
    some = {
        target.python: project.build(target=target, lock=lock, packages=["colours"])
        for target in (old, AMD64)
    }
    versions = {
        python: {one.name: one.version for one in built.manifest.packages}["colours"]
        for python, built in some.items()
    }
    assert versions == {"3.10": "1.0", "3.11": "2.0"}


def test_the_engine_of_the_target_is_the_one_that_counts(project):
    for version in ("2.2.0", "2.3.0"):
        project.add("apache-flink", version, files={"pyflink/__init__.py": b""})
    old = Target("3.10", "linux/amd64")
    markers = {
        "apache-flink==2.2.0": 'python_version < "3.11"',
        "apache-flink==2.3.0": 'python_version >= "3.11"',
    }
    built = project.build(mode="bundled", lock=project.lock(old, AMD64, markers=markers))
    assert built.manifest.engine.version == "2.3.0"


def test_a_requirement_of_another_platform_or_python_does_not_count(project):
    project.add(
        "colours",
        "1.0",
        'winonly; sys_platform == "win32"',
        'old; python_version < "3.11"',
        'arm; platform_machine == "aarch64"',
    )
    assert set(why(project.build(requirements=requires("colours")))) == {
        "colours",
        "headrace-core",
    }


def test_a_package_without_a_wheel_for_the_target_is_refused(project):
    project.add("fast", tag=NATIVE)
    lock = project.lock(AMD64, ARM64)
    with pytest.raises(LockError, match=r"no wheel of fast 1\.0 for Python 3\.11 on linux/arm64"):
        project.build(target=ARM64, lock=lock)


# ---------------------------------------------------------------- what is not locked
def test_a_plugin_of_the_plan_that_is_not_locked_is_refused(project):
    with pytest.raises(BundleError, match=r"the job needs acme-clock \(plan: tools clock\)") as e:
        project.build(plans={"echo": plan(tools={"clock": tool_of("acme-clock")})})
    assert "put acme-clock into the project's dependencies, then: agents lock" in str(e.value)


def test_a_requirement_that_the_lock_lacks_is_refused(project):
    project.add("colours", "1.0", "deep>=2")
    with pytest.raises(BundleError, match=r"colours requires deep>=2, and the lock has no deep"):
        project.build(requirements=requires("colours"))


def test_an_import_of_something_installed_and_not_locked_is_refused(project):
    project.agent("import pytest")
    with pytest.raises(BundleError, match=r"imports pytest \(of pytest\), which is not locked"):
        project.build()


def test_leaving_out_what_the_plan_needs_is_refused(project):
    project.add("acme-clock", files={"{info}/entry_points.txt": TOOLS})
    named = {"echo": plan(tools={"clock": tool_of("acme-clock")})}
    with pytest.raises(BundleError, match=r"without names acme-clock.*plan: tools clock"):
        project.build(plans=named, without=["acme-clock"])
