"""A job over files: what it reads and writes where it is deployed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from headrace.jobs.manifest import FilesIO
from headrace_registry.deploying._storage import plugin_of
from headrace_registry.deploying.errors import OptionError

if TYPE_CHECKING:
    from headrace_registry.deploying.subject import Subject

__all__ = ["Files"]

_PLACES = {
    "input": "--input",
    "output": "--output",
    "dead_letters": "--dead-letters",
    "approvals": "--approvals",
}


@dataclass(frozen=True, slots=True)
class Files:
    """What is said of a job over files, beside what its zip says."""

    io: FilesIO = field(default_factory=FilesIO)
    """Where it reads and writes."""
    follow: bool = False
    """Whether it waits for more files, for ever."""

    @property
    def order(self) -> dict[str, Any]:
        """What the job's driver is told; nothing where nothing was said."""
        said = self.io.model_dump(exclude_none=True)
        found: dict[str, Any] = {"files": said} if said else {}
        return found | ({"follow": True} if self.follow else {})

    def plugins(self, subject: Subject, system: Literal["kubernetes", "yarn"]) -> frozenset[str]:
        """The plugins of Flink's that its files take.

        Args:
            subject: The job.
            system: What it runs on.

        Raises:
            OptionError: The job is not over files, or it is not said which; or nothing on the
                system reads them.
        """
        if subject.manifest.pipeline is not None:
            if self.order:
                raise OptionError(
                    "the job has sources and sinks of its own: --input, --output, --dead-letters, "
                    "--approvals, --key and --follow are for jobs over files"
                )
            return frozenset()
        own = subject.manifest.files or FilesIO()
        io = own.model_copy(update=self.io.model_dump(exclude_none=True))
        lacking = [_PLACES[name] for name in ("input", "output") if getattr(io, name) is None]
        if lacking:
            raise OptionError(
                "the job reads and writes files, and it is not said which\n"
                f"  next: {' '.join(f'{one} URI' for one in lacking)}"
            )
        places = {_PLACES[name]: getattr(io, name) for name in _PLACES}
        found = {
            plugin_of(option, _address(text), system, local=True)
            for option, text in places.items()
            if text is not None
        }
        return frozenset(one for one in found if one is not None)


def _address(text: str) -> str:
    return f"file://{text}" if text.startswith("/") else text
