"""AWS's binary framing of events (``application/vnd.amazon.eventstream``), written.

A frame is its length, that of its headers, a checksum of the two, the headers, the payload, and a
checksum of it all (AWS's reference "Event stream encoding").
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

TEXT = 7  # the type of a header that is a text


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame."""
    written = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", TEXT, len(value))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(written) + len(payload), len(written))
    checked = prelude + struct.pack("!I", zlib.crc32(prelude)) + written + payload
    return checked + struct.pack("!I", zlib.crc32(checked))


def event(name: str, body: Any) -> bytes:
    """An event of the answer."""
    headers = {
        ":event-type": name,
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return frame(headers, json.dumps(body).encode())


def exception(name: str, **body: Any) -> bytes:
    """An error that ends the answer."""
    headers = {
        ":exception-type": name,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return frame(headers, json.dumps(body).encode())
