"""The image of a job: Flink with Python, the engine as one layer, the job as a small one."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from headrace_registry.deploying._engine import bundled_engine, engine_requirements
from headrace_registry.deploying.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Collection

    from headrace_registry.deploying.subject import Subject

__all__ = ["HOME", "PYTHON_JAR", "flink_image", "image_files"]

HOME = "/opt/job"
"""Where the image has the job."""
PYTHON_JAR = "/opt/flink/opt/flink-python-{version}.jar"
"""Flink's own jar for Python, where its images have it."""
_WORKER = "pyflink.fn_execution.beam.beam_sdk_worker_main"
"""The module that Flink starts in each worker."""
_ZIP = "job.zip"
_ENGINE = "engine.txt"
_REQUIREMENTS = "requirements.txt"
_UNPACK = "unpack.py"


def flink_image(subject: Subject) -> str:
    """The stock image of the job's Flink."""
    return f"flink:{subject.manifest.engine.version}-java17"


def image_files(
    subject: Subject, plugins: Collection[str], *, base: str | None, lock: Path | None
) -> tuple[dict[str, str], dict[str, Path]]:
    """What an image is built from.

    Args:
        subject: The job.
        plugins: Flink's plugins that it takes.
        base: An image with Flink and the job's Python in it (and its engine, where the zip
            brings none); ``None``: it is put together from stock images.
        lock: The lock of the job's project: for a zip without its engine.

    Returns:
        Files by name as texts, and files by name that are copied.

    Raises:
        DeployError: The zip brings no engine, and nothing says where it comes from.
        LockError: The lock cannot be read.
    """
    texts = {_UNPACK: Path(__file__).with_name(_UNPACK).read_text(encoding="utf-8")}
    copies = {_ZIP: subject.zip}
    install: tuple[str, ...] = ()
    if subject.manifest.engine.mode == "bundled":
        packages = bundled_engine(subject)
    elif lock is not None:
        packages = ()
        texts[_REQUIREMENTS], wheels = engine_requirements(subject, lock)
        copies |= {one.name: one for one in wheels}
        install = tuple(sorted(one.name for one in wheels))
    elif base is not None:
        packages = ()
    else:
        needs = "".join(f"\n           {one}" for one in subject.manifest.engine.requires)
        raise DeployError(
            "the zip brings no engine, and a stock image of Flink has no Python packages\n"
            f"  why:   it needs apache-flink {subject.manifest.engine.version}{needs}\n"
            "  next: --lock pylock.toml (the project's: its hashes go into the image), or --base "
            "with an image that has them, or: agents build --engine bundled"
        )
    texts[_ENGINE] = "".join(f"{one}\n" for one in packages)
    texts["Dockerfile"] = _dockerfile(
        subject, plugins, base, install if _REQUIREMENTS in texts else None
    )
    sent = sorted([_ZIP, _ENGINE, _UNPACK, *install, *({_REQUIREMENTS} & texts.keys())])
    texts[".dockerignore"] = "\n".join(["*", *(f"!{one}" for one in sent)]) + "\n"
    return texts, copies


def _dockerfile(
    subject: Subject, plugins: Collection[str], base: str | None, install: tuple[str, ...] | None
) -> str:
    manifest = subject.manifest
    python = f"python{manifest.python}"
    fetched = " and the packages of requirements.txt" if install is not None else ""
    head = (
        f"# A job's image, for {manifest.platform}. job.zip holds the job, with its digest\n"
        f"# {subject.digest}.\n"
        f"# Building it fetches the stock images that are named here{fetched};\n"
        "# running it fetches nothing. To pin a stock image for good, give its digest:\n"
        "#   docker build --build-arg FLINK_IMAGE=flink@sha256:... .\n"
        f"ARG FLINK_IMAGE={base or flink_image(subject)}\n"
    )
    parts = [head]
    if base is None:
        parts[0] += f"ARG PYTHON_IMAGE=python:{manifest.python}-slim-bookworm\n"
        parts.append("FROM ${PYTHON_IMAGE} AS python\n")
    parts.append(_base_stage(subject, plugins, python, stock=base is None))
    if install is not None:
        parts.append(_install(python, install))
    parts.append(
        "FROM base AS unpacked\n"
        f"COPY {_ZIP} {_ENGINE} {_UNPACK} /build/\n"
        f"RUN {python} -S /build/{_UNPACK} /build/{_ZIP} /build/{_ENGINE} /build/out\n"
    )
    parts.append(
        "FROM base\n"
        "# The engine's layer is the same for all jobs of one engine: it is pushed and pulled\n"
        "# once. The job's own is small. Both are root's: a job cannot change itself.\n"
        f"COPY --from=unpacked /build/out/engine/ {HOME}/\n"
        f"COPY --from=unpacked /build/out/job/ {HOME}/\n"
        f'LABEL headrace.job.digest="{subject.digest}"\n'
        "USER flink\n"
        "# What a worker loads first is loaded here: what is missing is found out now.\n"
        f'RUN {HOME}/bin/python -c "import headrace.flink._function, {_WORKER}"\n'
    )
    return "\n".join(parts)


def _base_stage(subject: Subject, plugins: Collection[str], python: str, *, stock: bool) -> str:
    version = subject.manifest.engine.version
    lines = ["FROM ${FLINK_IMAGE} AS base", "USER root"]
    jar = PYTHON_JAR.format(version=version)
    # In lib it is loaded once; brought by the job, anew at each restart, and part of it stays.
    checks = [f"test -f {jar}", f"ln -sf {jar} /opt/flink/lib/"]
    if stock:
        lines += [
            f"# A stock Flink has no Python. {python} comes from Python's own image, which may be",
            "# of another system: what it needs of this one is tried at once.",
            f"COPY --from=python /usr/local/bin/{python} /usr/local/bin/{python}",
            "COPY --from=python /usr/local/lib/ /usr/local/lib/",
        ]
        checks[:0] = ["ldconfig", f'{python} -c "import bz2, ctypes, lzma, sqlite3, ssl, zlib"']
    else:
        checks[:0] = [f'{python} -c "import ctypes, sqlite3, ssl, zlib"']
    lines.append("RUN " + " \\\n    && ".join(checks))
    if plugins:
        lines.append("# Flink has the plugins that reach the job's files and state in opt/, off.")
    for one in sorted(plugins):
        lines += [
            f"RUN mkdir -p /opt/flink/plugins/{one} \\",
            f"    && cp /opt/flink/opt/{one}-{version}.jar /opt/flink/plugins/{one}/",
        ]
    if subject.commands:
        lines += [
            "# The skills' scripts run these programs: install them above where this fails.",
            "RUN " + " \\\n    && ".join(f"command -v {quote(one)}" for one in subject.commands),
        ]
    return "\n".join(lines) + "\n"


def _install(python: str, wheels: tuple[str, ...]) -> str:
    links = " --find-links /build" if wheels else ""
    files = " ".join([_REQUIREMENTS, *wheels])
    return (
        "# The engine, each wheel by its hash: a layer that jobs of one engine share. Flink's\n"
        "# jars are the image's own, so that nothing else that these packages name comes in.\n"
        f"COPY {files} /build/\n"
        f"RUN {python} -m pip install --no-cache-dir --no-deps --require-hashes \\\n"
        f"        --only-binary :all:{links} -r /build/{_REQUIREMENTS} \\\n"
        "    && rm -r /build\n"
    )
