"""Texts in pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.retrieval import split_text


def test_a_text_that_fits_is_one_piece():
    assert split_text("One.\n\nTwo.", 20, 5) == ["One.\n\nTwo."]


@pytest.mark.parametrize("text", ["", " \n\n \t"])
def test_of_nothing_there_are_no_pieces(text):
    assert split_text(text) == []


def test_paragraphs_are_kept_whole_as_long_as_they_fit():
    text = "The first one.\n\nThe second.\n \n\nThe third paragraph."

    assert split_text(text, 30, 0) == ["The first one.\n\nThe second.", "The third paragraph."]


def test_a_piece_begins_with_the_end_of_the_one_before_it():
    text = "The tide turns at noon.\n\nBread is baked."

    assert split_text(text, 30, 8) == ["The tide turns at noon.", "at noon.\n\nBread is baked."]


def test_a_long_paragraph_is_split_where_a_sentence_ends():
    text = "The tide turns at noon. Bread is baked in the morning. It is sold."

    assert split_text(text, 40, 0) == [
        "The tide turns at noon.",
        "Bread is baked in the morning.",
        "It is sold.",
    ]


def test_a_sentence_that_is_too_long_is_split_between_words():
    assert split_text("one two three four five", 10, 0) == ["one two", "three four", "five"]


def test_a_word_that_is_too_long_is_split_inside():
    assert split_text("abcdefghij", 4, 0) == ["abcd", "efgh", "ij"]


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (10, 10), (10, 8), (10, -1)])
def test_an_overlap_that_leaves_no_room_is_refused(size, overlap):
    with pytest.raises(ValueError, match="have no room for an overlap"):
        split_text("text", size, overlap)


texts = st.lists(
    st.sampled_from(["word ", "a ", "Long. ", "\n", "\n\n", "x" * 40, "é", "。", "\t", "! "])
).map("".join)


@given(text=texts, size=st.integers(10, 60), overlap=st.integers(0, 7))
def test_no_piece_is_longer_than_its_size_or_empty(text, size, overlap):
    pieces = split_text(text, size, overlap)

    assert all(0 < len(piece) <= size for piece in pieces)


@given(text=texts, size=st.integers(10, 60))
def test_without_overlap_all_that_is_no_white_space_is_there_once_and_in_order(text, size):
    pieces = split_text(text, size, 0)

    assert "".join("".join(pieces).split()) == "".join(text.split())


@given(text=texts, size=st.integers(20, 60), overlap=st.integers(1, 7))
def test_with_overlap_each_piece_goes_on_from_the_one_before_it(text, size, overlap):
    bare = ["".join(piece.split()) for piece in split_text(text, size, overlap)]
    joined = bare[0] if bare else ""

    for piece in bare[1:]:
        shared = next(n for n in range(overlap, -1, -1) if joined.endswith(piece[:n]))
        joined += piece[shared:]

    assert len(joined) <= len("".join(text.split()))
