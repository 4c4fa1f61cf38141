"""Jobs: an agent with its streams, and the zip that it travels in."""

from headrace.jobs._job import Job, job

__all__ = ["Job", "job"]
