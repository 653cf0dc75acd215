"""Cleaning: what is dropped, what stays, and the way back to the original."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxnlp.text.clauses import split
from cxnlp.text.cleaning import clean

PIECES = [
    "[PHONE]", "<br>", "<b>", "</p>", "<3", "&amp;", "&nbsp;", "&#128512;", "https://a.example/x?y=1", "www.a.example ",
    "\nOn 3 May 2024, Li wrote:\n",
    "> ", "\n-- \n", "\nBest regards,\n", "👩‍👩‍👧", "🇨🇳", "e\u0301", "\u200b",
    "但是", "，", "。", "哈", "很好吃下次还来", "Mr. ", "ok ", "\r\n", "  ", "１", "體",
]  # fmt: skip
texts = st.lists(st.one_of(st.text(max_size=20), st.sampled_from(PIECES)), max_size=25).map("".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("房间很干净，服务也好。", "房间很干净，服务也好。"),
        ("<p>Hello&nbsp;there<br/>I &amp; you</p>", "Hello there\nI & you"),
        ("<div>慢</div><script>if (a < b) { go() }</script><style>p{}</style>贵", "慢\n贵"),
        ("a <!-- hidden > text --> b", "a b"),
        ("I <3 it, 5 < 6 and c > d", "I <3 it, 5 < 6 and c > d"),
        ("escaped &lt;br&gt; tag", "escaped\ntag"),
        ("看这里 https://shop.example/a?b=1，坏的", "看这里 ，坏的"),
        ("see www.shop.example/a now", "see now"),
        ("好\u200b吃\ufeff的\x07店", "好吃的店"),
        ("太  慢\t了\u3000吧", "太 慢 了 吧"),
        ("第一行\r\n\r\n 第二行", "第一行\n第二行"),
        ("哈哈哈哈哈哈哈哈！！！！！！", "哈哈哈！！！"),
        ("hahahahahaha 呵呵呵呵", "hahaha 呵呵呵"),
        ("花了10000元，单号8888888", "花了10000元，单号8888888"),
        ("ＡＢＣ１２３％，好！", "ABC123%，好！"),
        ("這間餐廳的服務態度很差", "这间餐厅的服务态度很差"),
        ("请打[PHONE]或写[EMAIL]", "请打[PHONE]或写[EMAIL]"),
        ("慢_x000D_\n贵", "慢\n贵"),
        ("👩‍👩‍👧 很好 ❤️", "👩‍👩‍👧 很好 ❤️"),
    ],
)  # fmt: skip
def test_clean_drops_markup_and_noise_and_keeps_the_words(text, expected):
    assert clean(text).text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Still broken!\n\nOn Mon, 3 May 2021 at 10:11, Bo <b@x.example> wrote:\n> hello\n> there", "Still broken!"),
        ("On 3 May 2021, Bo wrote:\n> does it work?\nNo, it does not.", "No, it does not."),
        ("还没收到货\n\n发件人: 客服\n发送时间: 2021年5月3日\n主题: 回复\n\n您好，已发出", "还没收到货"),
        ("请退款\n在 2024年5月3日，客服 写道：\n您好", "请退款"),
        ("Broken again\n-----Original Message-----\nFrom: a\nold text", "Broken again"),
        ("It is slow.\n-- \nLi Lei\nAcme Ltd", "It is slow."),
        ("Please refund me.\n\nBest regards,\nJohn Smith\nAcme Ltd", "Please refund me."),
        ("Please refund me.\nKind regards, John", "Please refund me."),
        ("请尽快处理\n此致\n敬礼\n张三", "请尽快处理"),
        ("It does not start\nSent from my iPhone", "It does not start"),
        ("充不进电\n发自我的iPhone", "充不进电"),
        ("The courier called me, he was polite, and after that he\nleft it outside",
         "The courier called me, he was polite, and after that he left it outside"),
        ("slow\nrude", "slow\nrude"),
        ("On Monday my manager wrote:\nplease buy it", "On Monday my manager wrote:\nplease buy it"),
    ],
)  # fmt: skip
def test_clean_drops_quoted_replies_and_signatures_of_tickets(text, expected):
    assert clean(text).text == expected


def test_a_long_text_after_a_closing_formula_is_not_taken_for_a_signature():
    rest = "\n".join(f"Point {i} is that the room was not as it was described to us when we booked it." for i in range(9))
    assert "Point 8" in clean(f"Dear all\nBest regards,\n{rest}").text


@pytest.mark.parametrize("text", ["https://a.example/b", "<br><p></p>", "> only quoted\n> lines", "--\nLi Lei", "\u200b"])
def test_a_text_of_which_nothing_would_be_left_stays(text):
    assert clean(f" {text}\n").text == text


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_a_blank_text_is_cleaned_to_nothing(text):
    cleaned = clean(text)
    assert (cleaned.text, cleaned.offsets.tolist(), cleaned.ends.tolist()) == ("", [0], [])


@pytest.mark.parametrize(
    ("text", "words", "original"),
    [
        ("<p>I &amp; you</p>", "I & you", "I &amp; you"),
        ("服務<b>很</b>差", "服务很差", "服務<b>很</b>差"),
        ("哈哈哈哈哈哈哈好", "哈哈哈", "哈哈哈哈哈哈哈"),
        ("hahahahahaha!", "hahaha", "hahahahahaha"),
        ("a\u200b!  b", "a", "a"),
        ("slow.\n-- \nLi", "slow.", "slow."),
    ],
)
def test_original_gives_the_exact_words_of_the_customer(text, words, original):
    cleaned = clean(text)
    start = cleaned.text.index(words)
    assert text[slice(*cleaned.original(start, start + len(words)))] == original


@pytest.mark.parametrize(("start", "end"), [(0, 0), (2, 1), (-1, 2), (0, 9)])
def test_original_refuses_a_span_that_is_empty_or_outside(start, end):
    with pytest.raises(ValueError, match="span"):
        clean("hello").original(start, end)


@settings(max_examples=150, deadline=None)
@given(texts)
@example("\u200b")
@example(" &nbsp; ")
@example("<b>é\u0301</b>")
def test_every_code_point_and_every_clause_maps_back_in_order(text):
    cleaned = clean(text)
    assert cleaned.offsets.dtype == cleaned.ends.dtype == "int32"
    assert len(cleaned.offsets) == len(cleaned.text) + 1
    assert bool(cleaned.text) == bool(text.strip())
    assert cleaned.text == cleaned.text.strip()
    offsets = cleaned.offsets.tolist()
    assert offsets == sorted(offsets)
    assert all(0 <= offset <= len(text) for offset in offsets)
    last = 0
    for start, end in split(cleaned.text):
        first, end_there = cleaned.original(start, end)
        assert last <= first < end_there <= len(text)
        last = end_there


@settings(max_examples=50, deadline=None)
@given(texts)
def test_cleaning_is_repeatable(text):
    assert clean(text) == clean(text)


@pytest.mark.parametrize(
    "unit",
    ["<p ", "<script><", "<!--", "&amp;", "\n", "> a\n", "http://", "ab", "-- \n", " a  ", "Best regards,\n", "\u200b", "體"],
)  # fmt: skip
def test_cleaning_takes_linear_time_on_900_kb_of_anything(unit):
    text = unit * (900_000 // len(unit.encode()))
    cleaned = clean(text)
    assert len(cleaned.offsets) == len(cleaned.text) + 1
