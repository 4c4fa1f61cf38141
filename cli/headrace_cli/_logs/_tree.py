"""The tree of a run: what caused what, put together of its records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headrace_cli._logs._costs import Cost

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Node", "Run", "runs_of"]


@dataclass(slots=True)
class Node:
    """One thing that happened: its last record, and what it caused."""

    record: Mapping[str, Any]
    """The record of its end, or of its start where it has not ended."""
    children: list[Node] = field(default_factory=list)
    """What it caused, in the order of time."""
    replayed: int = 0
    """How often a replay wrote it again."""

    @property
    def begin(self) -> float:
        """When it began: seconds since the epoch."""
        start = self.record.get("start")
        return _number(start if _is_number(start) else self.record.get("time"))

    @property
    def end(self) -> float:
        """When it ended, or happened."""
        return _number(self.record.get("time"))


@dataclass(slots=True)
class Run:
    """A run, put together."""

    id: str
    """Its id."""
    root: Node
    """The run itself; below it all that happened."""
    ended: bool
    """Whether its end is in the log."""
    tokens_in: int = 0
    """Tokens that its models read."""
    tokens_out: int = 0
    """Tokens that they wrote."""
    cost: Cost = field(default_factory=Cost)
    """What they cost."""

    def walk(self) -> Iterator[tuple[int, Node]]:
        """All of it, each with how deep it lies, what comes first above."""
        left = [(0, self.root)]
        while left:
            depth, node = left.pop()
            yield depth, node
            left += [(depth + 1, child) for child in reversed(node.children)]

    @property
    def begin(self) -> float:
        """When the first thing of it happened."""
        return min(node.begin for _, node in self.walk())

    @property
    def end(self) -> float:
        """When the last did."""
        return max(node.end for _, node in self.walk())


def runs_of(records: Iterable[Mapping[str, Any]]) -> list[Run]:
    """The runs that some records are of, in the order in which they began."""
    by_run: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        run = record.get("run")
        if type(run) is str and run:
            by_run.setdefault(run, []).append(record)
    made = [_put_together(run, own) for run, own in by_run.items()]
    return sorted(made, key=lambda run: run.begin)


def _put_together(run: str, records: list[Mapping[str, Any]]) -> Run:
    nodes: dict[tuple[str, str, int], Node] = {}
    loose: list[Node] = []
    for record in sorted(records, key=lambda one: _number(one.get("time"))):
        if record.get("kind") == "run":
            name: tuple[str, str, int] = ("run", "", 1)
        else:
            id_, attempt = record.get("id"), record.get("attempt", 1)
            if type(id_) is not str or type(attempt) is not int:
                loose.append(Node(record))
                continue
            name = (str(record.get("kind")), id_, attempt)
        known = nodes.get(name)
        if known is None:
            nodes[name] = Node(record)
        else:
            _again(known, record)
    root = nodes.pop(("run", "", 1), None)
    ended = root is not None and root.record.get("what") != "started"
    if root is None:
        first = {name: records[0][name] for name in ("agent", "key", "run") if name in records[0]}
        root = Node({**first, "kind": "run", "what": "unfinished", "time": records[0].get("time")})
    made = Run(run, root, ended)
    _hang(root, nodes, loose)
    for _, node in made.walk():
        usage = node.record.get("usage")
        if type(usage) is dict and node.record.get("what") != "reused":
            made.tokens_in += int(_number(usage.get("input_tokens")))
            made.tokens_out += int(_number(usage.get("output_tokens")))
            made.cost.add(usage)
    return made


def _again(node: Node, record: Mapping[str, Any]) -> None:
    """Takes another record of the same thing: its end, or what a replay wrote."""
    before, now = node.record.get("what"), record.get("what")
    if now == "started":
        return
    if before != "started":
        node.replayed += 1
        if now in {"reused", "handed_back"}:
            return  # the first one tells more
    node.record = record


def _hang(root: Node, nodes: Mapping[tuple[str, str, int], Node], loose: list[Node]) -> None:
    """Hangs each below what caused it; what is nobody's, and a circle, below the run."""
    by_id: dict[tuple[str, int], Node] = {}
    for (kind, id_, attempt), node in nodes.items():
        if kind not in {"retry", "memory", "parse"}:
            by_id[id_, attempt] = node
            by_id.setdefault((id_, 0), node)  # whichever attempt
    parents: dict[int, Node] = {}
    everything = [*nodes.values(), *loose]
    for node in everything:
        cause = node.record.get("cause")
        attempt = node.record.get("attempt", 1)
        above = None
        if type(cause) is str and cause:
            above = by_id.get((cause, attempt)) or by_id.get((cause, 0))
        parents[id(node)] = root if above is None or above is node else above
    sound = {id(root)}
    for node in everything:
        way, at = dict[int, None](), node  # in the order in which it leads up
        while id(at) not in sound and id(at) not in way:
            way[id(at)] = None
            at = parents[id(at)]
        if id(at) not in sound:
            parents[next(reversed(way))] = root  # a circle, which no log of ours has
        sound.update(way)
    for node in sorted(everything, key=lambda one: one.begin):
        parents[id(node)].children.append(node)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0
