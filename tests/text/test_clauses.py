"""Clauses: where a text is cut, and what no cut may break."""

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxnlp.text.clauses import MOST_CLAUSES, split
from cxnlp.text.graphemes import PLACEHOLDER

PIECES = [
    "[PHONE]", "[PERSON]", "👩‍👩‍👧", "🇨🇳", "👍🏽", "e\u0301", "\u0301", "但是", "，", "。", "！", "…", "~", " ", "\n", "(", "）",
    "很好吃", "下次还来",
    "Mr. ", "3.5", "but ", " - ", "the room was clean ", "买了一个新的手机用了三天就坏了客服也不理人",
]  # fmt: skip
texts = st.lists(st.one_of(st.text(max_size=20), st.sampled_from(PIECES)), max_size=25).map("".join)


def clauses(text):
    return [text[start:end] for start, end in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("酒店位置很好，只是有点旧。服务周到！", ["酒店位置很好", "只是有点旧", "服务周到！"]),
        ("房间小，早餐差，位置好", ["房间小", "早餐差", "位置好"]),
        ("很不错，下次还来", ["很不错，下次还来"]),
        ("总之，不错的一次体验", ["总之，不错的一次体验"]),
        ("房间很大但是隔音特别差", ["房间很大", "但是隔音特别差"]),
        ("东西还行就是快递太慢了", ["东西还行", "就是快递太慢了"]),
        ("唯一的缺点就是快递太慢了", ["唯一的缺点就是快递太慢了"]),
        ("价格不但便宜还送了小礼物", ["价格不但便宜还送了小礼物"]),
        ("东西不错 送货很快 下次再来", ["东西不错", "送货很快", "下次再来"]),
        ("太好吃了😋😋下次还来", ["太好吃了😋😋下次还来"]),
        ("太好吃了！😋😋 下次还要再来", ["太好吃了！😋😋", "下次还要再来"]),
        ("买了3~5件，每件1,299元，重2.5公斤", ["买了3~5件", "每件1,299元", "重2.5公斤"]),
        ("1、房间小。2、早餐差。", ["1、房间小", "2、早餐差"]),
        ("质量很好.下次再来.", ["质量很好", "下次再来"]),
        ("套餐（米饭，青菜，汤）分量很足，味道一般", ["套餐（米饭，青菜，汤）分量很足", "味道一般"]),
    ],
)
def test_chinese_is_cut_where_the_subject_changes(text, expected):
    assert clauses(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I paid $3.50 to Mr. Smith in the U.S. yesterday. It was great!", ["I paid $3.50 to Mr. Smith in the U.S. yesterday", "It was great!"]),
        ("The room was clean, the staff were friendly, and breakfast was good.",
         ["The room was clean", "the staff were friendly", "and breakfast was good"]),
        ("Great location, friendly staff, clean rooms.", ["Great location", "friendly staff", "clean rooms"]),
        ("I ordered a burger, fries, and a coke.", ["I ordered a burger, fries, and a coke"]),
        ("The food was really good but nobody came to take our order", ["The food was really good", "but nobody came to take our order"]),
        ("The bed was soft and I slept well, however, it was noisy", ["The bed was soft", "and I slept well", "however, it was noisy"]),
        ("It works...sort of! :) Will not buy it again", ["It works...sort of! :)", "Will not buy it again"]),
        ("1. Room small. 2. Staff rude.", ["1. Room small", "2. Staff rude"]),
        ("It stopped working after a week - the shop did not answer", ["It stopped working after a week", "the shop did not answer"]),
        ("See booking.com for version 2.1.3 of it.", ["See booking.com for version 2.1.3 of it"]),
        ("The parcel was late.Nobody told me why", ["The parcel was late", "Nobody told me why"]),
    ],
)  # fmt: skip
def test_english_is_cut_where_the_subject_changes(text, expected):
    assert clauses(text) == expected


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_a_blank_text_has_no_clause(text):
    assert split(text) == []


@pytest.mark.parametrize("text", ["?!", "😀😀", "。", "a", "[PHONE]", "...", "👩‍👩‍👧"])
def test_a_text_of_marks_or_emoji_is_one_clause(text):
    assert clauses(f" {text} ") == [text]


def test_a_chinese_runon_is_cut_at_words_into_readable_pieces():
    text = (
        "这个手机买来用了不到两个星期就开始自动关机我打电话给客服他们说要寄回去检测结果等了一个月还是没有消息"
        "我觉得这种售后服务实在是太让人失望了以后不会再买了"
    )
    found = clauses(text)
    assert "".join(found) == text
    assert all(6 <= len(clause) <= 40 for clause in found)
    assert any(clause.startswith(("我打电话", "结果")) for clause in found)


def test_an_english_runon_is_cut_between_words():
    text = "the driver told me he would be at my house before noon " * 6
    found = clauses(text)
    assert " ".join(found) == text.strip()
    assert all(3 <= len(clause.split()) <= 30 for clause in found)


def test_a_runon_of_placeholders_is_cut_between_them():
    found = clauses("[PHONE][PERSON]" * 60)
    assert len(found) > 1
    assert all(set(PLACEHOLDER.sub("", clause)) == set() for clause in found)


@settings(max_examples=150, deadline=None)
@given(texts)
@example(".\u0301a")
@example("!\u200d!")
@example("🇨🇳" * 50)
def test_clauses_are_in_order_and_cut_neither_graphemes_nor_placeholders(text):
    spans = split(text)
    assert bool(spans) == bool(text.strip())
    borders = {cluster.start() for cluster in regex.finditer(r"\X", text)} | {len(text)}
    inside = {position for found in PLACEHOLDER.finditer(text) for position in range(found.start() + 1, found.end())}
    last = 0
    for start, end in spans:
        assert last <= start < end <= len(text)
        assert text[start:end].strip()
        assert {start, end} <= borders
        assert not {start, end} & inside
        last = end


@settings(max_examples=100, deadline=None)
@given(texts)
def test_no_word_is_lost(text):
    kept = "".join(clauses(text))
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]


@pytest.mark.parametrize(
    "unit", ["a", "a,", "好", "房间很好但是", "ab ", "a. ", "1. ", "。😀", "a\u0301", "🇨", "[PHONE]", " and i", "好—", "(", ":)", "x.y", "ก"]
)
def test_200_kb_of_anything_gives_at_most_2000_clauses(unit):
    spans = split(unit * (200_000 // len(unit.encode())))
    assert 1 <= len(spans) <= MOST_CLAUSES


def test_beyond_2000_clauses_neighbours_are_joined_evenly():
    text = "送货很快。" * 5000
    spans = split(text)
    assert len(spans) == 5000 // 3 + 1
    assert {end - start for start, end in spans[:-1]} == {14}
    assert spans[-1][1] == len(text) - 1
