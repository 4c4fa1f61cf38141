"""Server-sent events, read from bytes as they come (the HTML standard, section 9.2)."""

from __future__ import annotations

__all__ = ["EventReader"]

_HEAD = 256


class EventReader:
    """Takes the parts of a body; gives the data of each event that is whole.

    Names, ids and times of events are passed over: in these interfaces the data tell all. What
    stands at the end without an empty line after it is no event.

    Attributes:
        begun: Whether there was a line of an event.
        head: The first bytes.
    """

    __slots__ = ("_data", "_parts", "begun", "head")

    def __init__(self) -> None:
        self.begun = False
        self.head = b""
        self._parts: list[bytes] = []
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of the events that end in this part."""
        if len(self.head) < _HEAD:
            self.head = (self.head + chunk)[:_HEAD]
        # Joined only where a line ends, so that a long line costs no more than its length.
        self._parts.append(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            return []
        text = b"".join(self._parts)
        # A last "\r" may be half of an "\r\n".
        held = text[-1:] if text.endswith(b"\r") else b""
        lines = (text[: -len(held)] if held else text).splitlines(keepends=True)
        rest = b"" if not lines or lines[-1].endswith((b"\n", b"\r")) else lines.pop()
        self._parts = [rest + held] if rest or held else []
        return [data for line in lines if (data := self._take(line.rstrip(b"\r\n"))) is not None]

    def _take(self, line: bytes) -> bytes | None:
        """The data of the event that this line ends."""
        if not line:
            data, self._data = b"\n".join(self._data), []
            return data or None
        name, _, value = line.partition(b":")
        if name.removeprefix(b"\xef\xbb\xbf") == b"data":
            self.begun = True
            self._data.append(value.removeprefix(b" "))
        return None
