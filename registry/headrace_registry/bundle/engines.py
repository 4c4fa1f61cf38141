"""What of Flink's Python side travels in a job's zip, by experiment.

``apache-flink`` requires some fifty distributions. A job's driver and the workers that Flink starts
for it do with half of them, and of those not with every file. What stays behind is data here, each
with the reason. It was found by running jobs of every kind of Python operator from a folder that
held nothing but the rest, and it is true of the versions that it was proven with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from headrace.flink import releases

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NEWEST", "Engine", "StandIn", "Trim", "engine_for"]

NEWEST = releases.NEWEST.version
"""The newest release of Flink that jobs are known to run on."""


@dataclass(frozen=True, slots=True)
class Trim:
    """Files of a distribution that stay behind."""

    glob: str
    """Their paths in site-packages, as ``fnmatch`` reads it: ``*`` crosses slashes."""
    why: str
    """What they are, and who would need them."""
    harmless: bool = False
    """No program needs them at run time: they stay behind also where packages other than the
    engine use the distribution."""

    def __contains__(self, path: str) -> bool:
        return fnmatchcase(path, self.glob)


@dataclass(frozen=True, slots=True)
class StandIn:
    """A file that goes in instead of a distribution's own."""

    path: str
    """Its path in site-packages."""
    text: str
    """What is in it."""
    why: str
    """What the distribution's own file would need."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What is known of one line of Flink's releases."""

    line: str
    """The line, such as ``2.3``."""
    distribution: str
    """The distribution that brings it, normalised."""
    left_out: Mapping[str, str]
    """Normalised names of distributions that only the engine requires and that it does without,
    with the reason. One that other packages of a job need goes in."""
    trimmed: Mapping[str, tuple[Trim, ...]]
    """By normalised distribution, what of it stays behind."""
    stand_ins: Mapping[str, tuple[StandIn, ...]]
    """By normalised distribution, what goes in instead of files of it."""
    proven: Mapping[str, SpecifierSet]
    """The versions that all this was proven with, for each distribution that it names."""
    base: tuple[str, ...]
    """The distributions that what is left out depends on: with other versions of these, only what
    nobody needs at run time stays behind."""
    jars: frozenset[str]
    """Distributions without any Python, which stay behind with every version."""

    def trims(self, distribution: str, version: str, *, shared: bool = False) -> tuple[Trim, ...]:
        """What stays behind of a distribution.

        Args:
            distribution: Its normalised name.
            version: Its version. Nothing is known of those it was not proven with.
            shared: Whether other packages of the job need it too.
        """
        if not self._holds(distribution, version):
            return ()
        found = self.trimmed.get(distribution, ())
        return tuple(one for one in found if one.harmless) if shared else found

    def instead(
        self, distribution: str, version: str, *, shared: bool = False
    ) -> tuple[StandIn, ...]:
        """What goes in instead of files of a distribution; arguments as in :meth:`trims`."""
        if shared or not self._holds(distribution, version):
            return ()
        return self.stand_ins.get(distribution, ())

    def held_to(self, locked: Mapping[str, str]) -> Engine:
        """This, as far as it holds for locked versions.

        Args:
            locked: The versions, by normalised name.
        """
        if all(self._holds(name, locked.get(name, "")) for name in self.base):
            return self
        return replace(
            self,
            left_out={name: why for name, why in self.left_out.items() if name in self.jars},
            trimmed={
                name: tuple(one for one in trims if one.harmless)
                for name, trims in self.trimmed.items()
            },
            stand_ins={},
        )

    def unproven(self, locked: Mapping[str, str]) -> tuple[str, ...]:
        """Tells which locked distributions go in whole for their version alone.

        Args:
            locked: The versions, by normalised name.
        """
        told = []
        for name in sorted(self.proven):
            version = locked.get(name)
            if version is None or name in self.left_out or self._holds(name, version):
                continue
            told.append(
                f"{name} {version} goes in whole: leaving files out was proven with "
                f"{self.proven[name]}"
                + (", and so do the packages that it requires" if name in self.base else "")
            )
        return tuple(told)

    def _holds(self, distribution: str, version: str) -> bool:
        wanted = self.proven.get(distribution)
        try:
            return wanted is not None and wanted.contains(Version(version), prereleases=True)
        except InvalidVersion:
            return False


def engine_for(version: str) -> Engine | None:
    """What is known of a version of Flink; ``None``: nothing, so all of it goes in.

    Args:
        version: The version of ``apache-flink``, such as ``2.3.0``.
    """
    try:
        release = Version(version).release
    except InvalidVersion:
        return None
    return _ENGINES.get(".".join(map(str, (*release, 0)[:2])))


_TESTS = "its tests"
_SOURCES = "sources and headers that extensions are compiled from"
_TYPES = "types for a checker"
_EXAMPLES = "examples"

_PANDAS = "vectorised (pandas) functions and Table.to_pandas need it, streams do not"
_GUARDED = "a file format or service of Beam's I/O needs it, Flink's workers do not"
_RUNNER = "runners of Beam that are not Flink's need it"

_STREAM_IO = '''\
"""Beam's sources and sinks, as far as its worker needs them.

This file is not Beam's own: headrace put it here in place of it. Beam's loads every file format and
service that Beam can read, with the libraries of each; Flink has connectors of its own.
"""

from apache_beam.io.iobase import Read, Sink, Write, Writer
from apache_beam.io.range_trackers import *
'''

_OF_NEWEST = Engine(
    line=releases.NEWEST.line,
    distribution="apache-flink",
    left_out=MappingProxyType(
        {
            "apache-flink-libraries": "Flink's jars: the cluster has them",
            "pandas": _PANDAS,
            "tzdata": "only pandas requires it: pytz, which stays, has its own",
            "pyarrow": _PANDAS,
            "pyarrow-hotfix": "mends pyarrow, which is left out",
            "crcmod": _GUARDED,
            "pymongo": _GUARDED,
            "dnspython": "only pymongo requires it",
            "hdfs": _GUARDED,
            "docopt": "only hdfs requires it",
            "redis": _GUARDED,
            "pyjwt": "only redis requires it",
            "regex": _GUARDED,
            "orjson": _GUARDED,
            "requests": "PyFlink does not import it; of Beam, only hdfs and runners do",
            "urllib3": "only requests requires it",
            "charset-normalizer": "only requests requires it",
            "idna": "only requests requires it",
            "certifi": "only requests requires it; httplib2 has its own",
            "jsonschema": "Beam's pipelines in YAML need it",
            "jsonschema-specifications": "only jsonschema requires it",
            "referencing": "only jsonschema requires it",
            "rpds-py": "only jsonschema requires it",
            "attrs": "only jsonschema requires it",
            "pydot": _RUNNER,
            "jsonpickle": _RUNNER,
            "fasteners": "Beam's objects that several processes share need it",
        }
    ),
    trimmed=MappingProxyType(
        {
            "apache-flink": (
                Trim("pyflink/*.c", _SOURCES, harmless=True),
                Trim("pyflink/*.pyx", _SOURCES, harmless=True),
                Trim("pyflink/*.pxd", _SOURCES, harmless=True),
                Trim("pyflink/examples/*", _EXAMPLES, harmless=True),
                Trim("pyflink/testing/*", "PyFlink's own test cases", harmless=True),
                # pyflink-udf-runner.sh is what starts a worker.
                Trim("pyflink/bin/[!p]*", "scripts that start Flink's own processes"),
                Trim("pyflink/bin/pyflink-shell.sh", "an interactive shell"),
                Trim("pyflink/bin/*.bat", "for Windows"),
            ),
            "apache-beam": (
                Trim("apache_beam/*_test.py", _TESTS, harmless=True),
                Trim("apache_beam/*.pyx", _SOURCES, harmless=True),
                Trim("apache_beam/*.pxd", _SOURCES, harmless=True),
                Trim("apache_beam/examples/*", _EXAMPLES, harmless=True),
                Trim("apache_beam/*_microbenchmark.py", "measures Beam", harmless=True),
                Trim("apache_beam/testing/*", "helps to test pipelines of Beam"),
                Trim("apache_beam/ml/*", "models in pipelines of Beam"),
                Trim("apache_beam/yaml/*", "pipelines of Beam written in YAML"),
                Trim("apache_beam/dataframe/*", "pandas on Beam"),
                Trim("apache_beam/io/gcp/*", "a cloud's files and tables"),
                Trim("apache_beam/io/aws/*", "a cloud's files"),
                Trim("apache_beam/io/azure/*", "a cloud's files"),
                Trim("apache_beam/io/external/*", "sources of Beam that are written in Java"),
                Trim("apache_beam/io/avroio.py", "a file format of Beam"),
                Trim("apache_beam/io/mongodbio.py", "a database of Beam"),
                Trim("apache_beam/io/parquetio.py", "a file format of Beam; needs pyarrow"),
                Trim("apache_beam/io/textio.py", "a file format of Beam"),
                Trim("apache_beam/io/tfrecordio.py", "a file format of Beam; needs crcmod"),
                Trim("apache_beam/runners/interactive/*", "Beam in notebooks"),
                Trim(
                    "apache_beam/runners/portability/fn_api_runner/*",
                    "a runner that is not Flink's",
                ),
            ),
            "numpy": (
                Trim("numpy/tests/*", _TESTS, harmless=True),
                Trim("numpy/*/tests/*", _TESTS, harmless=True),
                Trim("numpy/_core/_*_tests.*", _TESTS, harmless=True),
                Trim("numpy/_core/_simd.*", "is used by its tests alone", harmless=True),
                Trim("numpy/*.pyi", _TYPES, harmless=True),
                Trim("numpy/*.pxd", _SOURCES, harmless=True),
                Trim("numpy/*.pyx", _SOURCES, harmless=True),
                Trim("numpy/*.a", _SOURCES, harmless=True),
                Trim("numpy/_core/include/*.h", _SOURCES, harmless=True),
                Trim("numpy/f2py/*", "compiles Fortran"),
            ),
            "fastavro": (
                Trim(
                    "fastavro/_*.so",
                    "its Python twins beside it serve: Flink's workers read no Avro",
                ),
                Trim("fastavro/*.pyi", _TYPES, harmless=True),
            ),
            "zstandard": (
                # The C backend is the one that CPython takes.
                Trim("zstandard/_cffi.*", "the second of two backends, for PyPy", harmless=True),
                Trim("zstandard/backend_cffi.py", "goes with that", harmless=True),
                Trim("zstandard/*.pyi", _TYPES, harmless=True),
            ),
            "avro": (Trim("avro/test/*", _TESTS, harmless=True),),
            # These go in only where other packages of the job need them.
            "pandas": (Trim("pandas/tests/*", _TESTS, harmless=True),),
            "pyarrow": (
                Trim("pyarrow/tests/*", _TESTS, harmless=True),
                Trim("pyarrow/_pyarrow_cpp_tests.*", _TESTS, harmless=True),
                Trim("pyarrow/include/*", _SOURCES, harmless=True),
                Trim("pyarrow/includes/*", _SOURCES, harmless=True),
                Trim("pyarrow/src/*", _SOURCES, harmless=True),
                Trim("pyarrow/*.pxi", _SOURCES, harmless=True),
                Trim("pyarrow/*.pxd", _SOURCES, harmless=True),
                Trim("pyarrow/*.pyx", _SOURCES, harmless=True),
            ),
        }
    ),
    stand_ins=MappingProxyType(
        {
            "apache-beam": (
                StandIn(
                    "apache_beam/io/__init__.py",
                    _STREAM_IO,
                    "it loads every file format of Beam, and will not do without pyarrow",
                ),
            ),
        }
    ),
    proven=MappingProxyType(
        {
            "apache-flink": SpecifierSet(f"=={NEWEST}"),
            "apache-beam": SpecifierSet("==2.61.0"),
            "numpy": SpecifierSet("==2.1.3"),
            "fastavro": SpecifierSet(">=1.12.2,<=1.13.1"),  # the older one is Python 3.10's
            "zstandard": SpecifierSet("==0.25.0"),
            "avro": SpecifierSet("==1.12.2"),
            "pandas": SpecifierSet("==2.2.3"),
            "pyarrow": SpecifierSet("==16.1.0"),
        }
    ),
    base=("apache-flink", "apache-beam"),
    jars=frozenset({"apache-flink-libraries"}),
)

_ALIKE = ("2.0", "2.1", "2.2")
"""Lines of which the same is true as of the newest."""
_MORE_LEFT_OUT = {"2.0": {"setuptools": "PyFlink 2.0 requires it, and does not import it"}}


def _as_newest(release: releases.Release) -> Engine:
    return replace(
        _OF_NEWEST,
        line=release.line,
        left_out=MappingProxyType({**_OF_NEWEST.left_out, **_MORE_LEFT_OUT.get(release.line, {})}),
        proven=MappingProxyType(
            {**_OF_NEWEST.proven, _OF_NEWEST.distribution: SpecifierSet(f"=={release.version}")}
        ),
    )


_ENGINES = {
    _OF_NEWEST.line: _OF_NEWEST,
    **{one.line: _as_newest(one) for one in releases.RELEASES if one.line in _ALIKE},
}
