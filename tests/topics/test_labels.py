from functools import partial

import pytest

from cxnlp.text.spacy_tokens import cutter
from cxnlp.text.tokens import stop_words, words
from cxnlp.topics.labels import label, terms_of

from .samples import COURIER, MIXED, REFUND


def assert_sound(labels):
    stops = stop_words("zh") | stop_words("en")
    for found in labels:
        assert found.name.strip() and found.words and all(word.strip() for word in found.words)
        assert len(found.words) <= 10
        assert found.quotes and len(set(found.quotes)) == len(found.quotes) <= 3
        for term in (*found.words, found.name):
            assert not stops & {term, *term.split()}, term
            assert "PHONE" not in term.upper() and "ORDER]" not in term.upper()


def test_english_chinese_and_mixed_topics_are_named_by_what_they_are_about():
    refund, courier, mixed = label([REFUND, COURIER, MIXED])
    assert {"refund", "late"} <= set(refund.name.split())
    assert {"快递", "延误"} <= set(courier.name.split())
    assert "闪退" in mixed.name
    assert_sound([refund, courier, mixed])


def test_phrases_of_two_words_are_among_the_words():
    assert "快递 延误" in label([REFUND, COURIER])[1].words


def test_a_word_said_in_every_topic_names_none():
    topics = [[f"lumo {subject} {i}" for i in range(8)] for subject in ("refund", "courier", "jacket", "coffee", "invoice")]
    for subject, found in zip(("refund", "courier", "jacket", "coffee", "invoice"), label(topics), strict=True):
        assert found.words[0].split()[-1] == subject


def test_one_long_text_does_not_name_its_topic():
    found = label([(*REFUND, "banana " * 500), COURIER])[0]
    assert not any("banana" in word for word in found.words)


def test_a_name_does_not_repeat_itself():
    found = label([["refund refunds refunded, invoice wrong"] * 8, COURIER])[0]
    assert len({word[:6] for word in found.name.split()}) == len(found.name.split())


def test_placeholders_never_show():
    texts = ["[PHONE] [PHONE] 快递 [EMAIL]", "[PHONE] 快递延误", "[NAME] 快递 [PHONE]"] * 4
    assert_sound(label([texts]))


def test_traditional_and_simplified_are_one_word():
    found = label([["快遞延誤", "快递延误"] * 4, REFUND])[0]
    assert "快递" in found.name and "快遞" not in "".join(found.words)


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["的了吗"], "*"),
        (["the and of"], "*"),
        ([""], "*"),
        (["[PHONE]"], "*"),
        (["12345678"], "*"),
        (["👍👍👍👍👍"], "👍👍👍"),
        (["the the", "courier"], "courier"),
    ],
)
def test_texts_without_telling_words_still_get_a_label(texts, name):
    found = label([texts, REFUND])[0]
    assert found.name == name
    assert found.words == (name,)


def test_a_topic_with_no_common_word_is_named_after_its_most_typical_text():
    texts = ["espresso machine", "projector", "绘本", "牙刷", "scarf", "滤芯", "ladder"]
    assert "espresso" in label([texts, REFUND])[0].name


def test_words_of_the_user_dictionary_stay_whole(tmp_path):
    dictionary = tmp_path / "words.txt"
    dictionary.write_text("云雀速运 100 n\n", encoding="utf-8")
    assert "云雀速运" in set(terms_of("云雀速运很慢", cutter(dictionary)))
    assert "云雀速运" in set(terms_of("云雀速运很慢", partial(words, user_dictionary=dictionary)))


def test_labels_of_spacy_words_hold_no_parts_of_contractions():
    texts = [
        "I can't sign in, the app won't load",
        "can't sign-in, it doesn't load",
        "My sign-in won't load and I'll leave",
        "The app's sign-in can't load",
    ]
    (found,) = label([texts], cutter())
    assert {"load", "sign-in"} <= set(found.words)
    assert not {"ca", "wo", "n't", "not", "'s", "'ll", "does"} & {word for term in found.words for word in term.split()}


def test_a_phrase_does_not_reach_across_a_placeholder_or_punctuation():
    for cut in (words, cutter()):
        assert "refund call" not in set(terms_of("refund [PHONE] call, jacket", cut)) and "call jacket" not in set(terms_of("call, jacket", cut))
    assert "延误 包裹" not in set(terms_of("快递延误，包裹坏了"))


def test_no_topics_give_no_labels():
    assert label([]) == []


def test_a_short_typical_clause_names_a_topic_in_its_own_order():
    texts = ["Where can I download the invoice?", "I need to download an invoice please", "download invoice button missing", *["the invoice"] * 5]
    assert label([texts, REFUND])[0].name == "download invoice"
    assert label([["请问怎么开具发票，谢谢", "想开具发票", "开具发票的入口在哪里", *["发票"] * 5], COURIER])[0].name == "开具 发票"


def test_a_clause_with_a_negation_does_not_name_its_contrary():
    for negated in ("The parcel has not arrived", "parcel hasn't arrived", "parcel never arrived"):
        assert label([[negated] * 3 + ["parcel tracking frozen"] * 2, REFUND])[0].name == "parcel tracking frozen"
    assert label([["包裹没收到"] * 3 + ["包裹物流停滞"] * 2, COURIER])[0].name == "包裹 物流 停滞"


def test_quotes_are_the_most_typical_text_and_two_that_differ_from_it():
    texts = ["refund late", "refund late!", "refund late again", "the amount of the refund is wrong", "refund of the jacket to another card"]
    quotes = label([texts, COURIER])[0].quotes
    assert quotes[0] == 0
    assert set(quotes[1:]) == {3, 4}


@pytest.mark.parametrize("texts", [["[PHONE]", "courier late"], ["", "的", "courier late"]])
def test_a_text_without_words_is_not_quoted_while_others_have_some(texts):
    assert label([texts, REFUND])[0].quotes == (len(texts) - 1,)


def test_texts_without_words_are_quoted_where_there_is_nothing_else():
    assert label([["👍👍", "👍"], REFUND])[0].quotes == (0,)


def test_a_short_clause_about_something_else_names_no_topic():
    places = ("Leeds", "Bath", "York", "Kent", "Hull", "Bristol", "Dover", "Derby")
    late = [f"{place} parcel {place}ville driver {place}shire depot {place}ford street {place}wick door {place}ton late" for place in places]
    late = [f"{text}. Cold rainy Monday." if n < 3 else text for n, text in enumerate(late)]
    (of_late, _) = label([late, ["The coffee is sour", "Sour, bitter coffee"]])
    assert "rainy monday" in of_late.words
    assert not {"cold", "rainy", "monday"} & set(of_late.name.split())
