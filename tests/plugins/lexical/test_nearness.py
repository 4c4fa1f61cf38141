"""What is near what: words and their parts, in any writing; and nothing that must be understood."""

# ruff: noqa: RUF001 - characters that look alike are what it is about

from __future__ import annotations

import pytest


class TestFolding:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("RAIN", "rain"),
            ("Zürich", "zurich"),
            ("façade", "facade"),
            ("Straße", "strasse"),
            ("e\u0301tude", "\u00e9tude"),
            ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
            ("ﬁnd", "find"),
            ("İstanbul", "istanbul"),
            ("Ёлка", "елка"),
            ("Ὀδυσσεύς", "οδυσσευς"),
            ("the harbour's edge", "the harbour’s edge"),
            ("soft\u00adhyphen", "softhyphen"),
            ("ﾄｳｷｮｳ", "トウキョウ"),
            ("rain, rain!", "rain (rain)"),
        ],
    )
    def test_makes_these_the_same(self, embed, one, other):
        first, second = embed(one, other)

        assert first == second

    @pytest.mark.parametrize(
        ("one", "other"),
        [("कि", "की"), ("が", "か"), ("5 bar", "6 bar"), ("🌧", "☀"), ("ab c", "a bc")],
    )
    def test_keeps_these_apart(self, alike, one, other):
        assert alike(one, other) < 0.9


class TestNearness:
    @pytest.mark.parametrize(
        ("text", "near", "far"),
        [
            ("repairing the roof", "roofs are repaired in spring", "the soup contains celery"),
            ("Donaudampfschiff", "Dampfschiffahrt auf der Donau", "Steuererklärung"),
            ("東京の天気", "明日の東京は雨です", "請求書が届きました"),
            ("北京天气", "今天北京下雨", "发票已经付款"),
            ("สภาพอากาศในกรุงเทพ", "กรุงเทพมีฝนตก", "ใบแจ้งหนี้"),
            ("مدرسة", "المدرسة", "فاتورة"),
            ("нагревание подшипника", "подшипник нагрелся", "счёт оплачен"),
            ("error E1047", "the job failed with E1047", "error E2210"),
            ("recieve the invoice", "receive invoices", "relieve the pain"),
        ],
    )
    def test_follows_words_and_their_parts(self, alike, text, near, far):
        assert alike(text, near) > alike(text, far)

    def test_knows_no_meaning(self, alike):
        # A fact that the README states; if this changes, so must it.
        assert alike("the physician is away", "a doctor on leave") < 0.2

    def test_hardly_sees_the_commonest_words(self, alike):
        assert alike("what is it in the end of a day", "the oil of a gearbox is in it") < 0.5

    def test_is_not_seen_between_texts_without_a_common_word(self, alike):
        assert abs(alike("Pressure in the boiler", "Snow expected from Thursday")) < 0.2


class TestSize:
    def test_a_word_without_end_is_taken_in_pieces(self, alike):
        blob = "0123456789abcdef" * 4096

        assert alike(blob, f"{blob} ") == pytest.approx(1)

    def test_half_a_character_is_taken_as_it_is(self, embed):
        [vector] = embed("\ud800 rain")

        assert len(vector) == 512
