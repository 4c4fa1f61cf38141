"""Server-sent events, however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace_openai._events import EventReader


def read(*chunks):
    reader = EventReader()
    return [data for chunk in chunks for data in reader.feed(chunk)], reader


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r\n", [b"a", b"b"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"event: x\nid: 1\nretry: 5\ndata: a\n\n", [b"a"]),
        (b": a comment\n\ndata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a: b\n\n", [b"a: b"]),
        (b"data\n\ndata:\n\n", []),
        (b"\n\n\n", []),
        (b"data: unfinished\n", []),
        (b"dataset: a\n\n", []),
        ("data: \u2028\u0085\x0b\x0c\x1c\n\n".encode(), ["\u2028\u0085\x0b\x0c\x1c".encode()]),
    ],
)
def test_events_are_read_as_the_standard_says(text, data):
    assert read(text)[0] == data


EVENTS = st.lists(st.binary(min_size=1).filter(lambda b: not set(b) & set(b"\r\n")), max_size=6)


@given(EVENTS, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.data())
def test_events_are_the_same_however_the_bytes_are_cut(events, end, data):
    text = b"".join(b"data: " + event + end + end for event in events) + b": end" + end
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=8).map(sorted))
    cuts = [0, *places, len(text)]

    # What follows shows that a last "\r" was no half of an "\r\n".
    found, _ = read(*(text[a:b] for a, b in pairwise(cuts)), b":\n")

    assert found == events


def test_what_is_no_stream_of_events_has_not_begun():
    _, reader = read(b"<html>\n\n<p>Welcome</p>\n\n")

    assert not reader.begun
    assert reader.head.startswith(b"<html>")


def test_a_line_in_ten_thousand_parts_is_whole():
    part = b"x" * 1000

    found, _ = read(b"data: ", *[part] * 10_000, b"\n\n")

    assert found == [part * 10_000]
