"""The releases of Flink that agents run on, and in what they differ, each with the reason.

The engine is one code for all of them: of PyFlink it uses what each has, and of Flink's settings
the names that each knows. What is left stands here. Nothing but Python's own library is loaded,
for ``./dev`` reads this before there is an environment.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "NEWEST",
    "OLDEST",
    "RELEASES",
    "Release",
    "application_mode",
    "line_of",
    "release_of",
]


@dataclass(frozen=True, slots=True)
class Release:
    """A line of Flink's releases."""

    line: str
    """The line, such as ``2.3``."""
    version: str
    """The release of it that the tests are run with."""
    pythons: tuple[str, ...]
    """The Pythons that PyFlink has wheels for, of those that headrace runs on."""
    sources: tuple[str, ...] = ("crcmod==1.7", "dill==0.3.1.1", "docopt==0.6.2")
    """What PyFlink requires and the package index has as sources only: for ``build``."""
    application: str = "run"
    """The command of Flink's client that runs a job in application mode."""
    job_graph: bool = False
    """Whether Flink's client makes the job graph; else the cluster does, of the stream graph."""


RELEASES: tuple[Release, ...] = (
    Release(
        "1.20",
        "1.20.5",
        # No wheels for 3.12: its Beam, 2.48, is older than that Python.
        ("3.10", "3.11"),
        sources=(
            "apache-flink-libraries==1.20.5",  # Flink's jars; a wheel from 2.3 on
            "avro-python3==1.10.2",  # what came before the package avro, which 2.0 takes
            "crcmod==1.7",
            "dill==0.3.1.1",
            "docopt==0.6.2",
        ),
        # In Flink 2 `run` does both.
        application="run-application",
        # Flink 2 sends the stream graph, so that the cluster can plan a job anew as it runs.
        job_graph=True,
    ),
    Release(
        "2.0",
        "2.0.2",
        ("3.10", "3.11"),  # PyFlink takes Python 3.12 from 2.1 on
        sources=("apache-flink-libraries==2.0.2", "crcmod==1.7", "dill==0.3.1.1", "docopt==0.6.2"),
    ),
    Release(
        "2.1",
        "2.1.3",
        ("3.10", "3.11", "3.12"),
        sources=("apache-flink-libraries==2.1.3", "crcmod==1.7", "dill==0.3.1.1", "docopt==0.6.2"),
    ),
    Release(
        "2.2",
        "2.2.1",
        ("3.10", "3.11", "3.12"),
        sources=("apache-flink-libraries==2.2.1", "crcmod==1.7", "dill==0.3.1.1", "docopt==0.6.2"),
    ),
    Release("2.3", "2.3.0", ("3.10", "3.11", "3.12")),
)
"""All of them, the oldest first."""
OLDEST = RELEASES[0]
"""The oldest, which has long-term support."""
NEWEST = RELEASES[-1]
"""The newest: what is installed where nobody asks for another."""


def line_of(version: str) -> str:
    """The line of a version: ``2.3`` of ``2.3.0``."""
    return ".".join(version.split(".")[:2])


def release_of(version: str) -> Release | None:
    """What is known of the line of a version, or of a line; ``None``: nothing."""
    return next((one for one in RELEASES if one.line == line_of(version)), None)


def application_mode(version: str) -> str:
    """The command of Flink's client that runs a job in application mode."""
    release = release_of(version) or NEWEST
    return release.application
