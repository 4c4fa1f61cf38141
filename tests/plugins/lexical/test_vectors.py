"""The vectors, to the last bit, and the same wherever they are made."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from fractions import Fraction

import pytest


def place_and_sign(feature: str, dimensions: int) -> tuple[int, int]:
    """What the README says of features, written here once more."""
    digest = hashlib.blake2b(feature.encode(), digest_size=8).hexdigest()
    bits = f"{int(digest, 16):064b}"
    return int(bits[1:], 2) % dimensions, -1 if bits[0] == "1" else 1


class TestGolden:
    def test_one_word_is_itself_and_its_parts(self, embed):
        # "rain" has four letters of the eight that count fully, and nine parts.
        parts = ["<ra", "rai", "ain", "in>", "<rai", "rain", "ain>", "<rain", "rain>"]
        expected = [Fraction(0)] * 64
        place, sign = place_and_sign("word rain", 64)
        expected[place] += sign * Fraction(1, 2)
        for part in parts:
            place, sign = place_and_sign(f"part {part}", 64)
            expected[place] += sign * Fraction(1, 2) / 3  # the root of nine

        [vector] = embed("Rain", dimensions=64)

        length = math.sqrt(sum(value * value for value in expected))
        assert vector == pytest.approx([float(value) / length for value in expected], abs=1e-15)

    def test_what_is_said_four_times_counts_twice(self, embed):
        digits = {}
        for word in ("42", "77"):
            place, sign = place_and_sign(f"word {word}", 4096)
            digits[place] = sign * (2.0 if word == "42" else 1.0)
            parts = [f"<{word}", f"{word}>", f"<{word}>"]
            for part in parts:
                place, sign = place_and_sign(f"part {part}", 4096)
                digits[place] = sign * (2.0 if word == "42" else 1.0) / math.sqrt(3)

        [vector] = embed("42 42 77 42 42", dimensions=4096)

        length = math.sqrt(sum(value * value for value in digits.values()))
        found = {place: value for place, value in enumerate(vector) if value}
        assert found == pytest.approx({place: value / length for place, value in digits.items()})

    def test_writings_without_spaces_count_characters_and_pairs(self, embed):
        expected = {}
        for feature, weight in (("雨", 0.25), ("港", 0.25), ("雨港", 1.0)):
            place, sign = place_and_sign(f"word {feature}", 4096)
            expected[place] = sign * weight

        [vector] = embed("雨港", dimensions=4096)

        length = math.sqrt(0.25**2 + 0.25**2 + 1)
        found = {place: value for place, value in enumerate(vector) if value}
        assert found == pytest.approx({place: value / length for place, value in expected.items()})

    def test_every_process_gives_the_same_bits(self, embed):
        texts = ["The harbour of Zürich", "雨が港に降る", "", "x" * 100, "42 42 77"]
        code = (
            "import asyncio, json, sys\n"
            "from headrace_lexical import LexicalEmbeddingModel\n"
            "texts = json.loads(sys.argv[1])\n"
            "print(json.dumps(asyncio.run(LexicalEmbeddingModel().embed(texts))))"
        )
        environment = {**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C", "PYTHONUTF8": "1"}

        run = subprocess.run(
            [sys.executable, "-c", code, json.dumps(texts)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )

        assert json.loads(run.stdout) == embed(*texts)


class TestLength:
    @pytest.mark.parametrize("dimensions", [16, 512, 65_536])
    def test_is_as_asked_for_and_the_vectors_is_one(self, embed, dimensions):
        [vector] = embed("Rain falls on the harbour.", dimensions=dimensions)

        assert len(vector) == dimensions
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-12)


class TestTextsWithoutWords:
    def test_all_have_one_vector_which_points_somewhere(self, embed):
        empty, spaces, points = embed("", " \n\t", "... !? --")

        assert empty == spaces == points
        assert sorted(empty)[-2:] == [0.0, 1.0]

    def test_are_not_near_a_text_with_words(self, alike):
        assert alike("", "Rain falls on the harbour.") < 0.2

    def test_words_that_cancel_each_other_out_give_that_vector_too(self, embed):
        # Found by trying numbers: at 16 places, all features of the two cancel out.
        pair = next(
            (one, other)
            for one in map(chr, range(0x4E00, 0x5200))
            for other in map(chr, range(0x4E00, 0x4E40))
            if opposite(one, other)
        )

        assert embed(" ".join(pair), dimensions=16) == embed("", dimensions=16)


def opposite(one: str, other: str) -> bool:
    (first, plus), (second, minus) = (place_and_sign(f"word {c}", 16) for c in (one, other))
    return first == second and plus == -minus
