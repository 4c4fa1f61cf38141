"""The few questions that a cluster's own JobManager is asked."""

from __future__ import annotations

from typing import Any

__all__ = ["ask", "registered"]

_WAIT = 5  # seconds for an answer


def ask(address: str, path: str) -> Any:
    """The answer of a JobManager on this machine; ``None`` where there is none yet.

    Args:
        address: Host and port.
        path: What is asked for, such as ``/overview``.
    """
    import requests

    with requests.Session() as session:
        session.trust_env = False  # no proxy stands between this machine and itself
        try:
            answer = session.get(f"http://{address}{path}", timeout=_WAIT)
            return answer.json() if answer.ok else None
        except (requests.RequestException, ValueError):
            return None


def registered(address: str) -> set[str]:
    """The TaskManagers whose slots the JobManager knows, by Flink's names."""
    said = ask(address, "/taskmanagers")
    known = said.get("taskmanagers", ()) if isinstance(said, dict) else ()
    # One that has just come tells its slots a moment later.
    return {str(one.get("id")) for one in known if isinstance(one, dict) and one.get("slotsNumber")}
