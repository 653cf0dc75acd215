"""Words and stop words."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from cxnlp.text.spacy_tokens import cutter, spacy_words
from cxnlp.text.tokens import segment, stop_words, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("快递太慢了！", ["快递", "太慢", "了"]),
        ("价格1,299元，重3.5公斤", ["价格", "1,299", "元", "重", "3.5", "公斤"]),
        ("U盘和iPhone15的WIN10系统", ["u盘", "和", "iphone15", "的", "win10", "系统"]),
        ("请打[PHONE]联系", ["请", "打", "[PHONE]", "联系"]),
        ("I don't like AT&T's e-mail, C++ or wi-fi; 50% off", ["i", "don't", "like", "at&t's", "e-mail", "c++", "or", "wi-fi", "50%", "off"]),
        ("café naïve", ["café", "naïve"]),
        ("😀！？…", []),
        ("", []),
    ],
)
def test_words_of_both_languages(text, expected):
    assert words(text) == expected


def test_a_user_dictionary_keeps_its_words_whole_and_changes_no_other_tokenizer(tmp_path):
    dictionary = tmp_path / "words.txt"
    dictionary.write_text("星芒续航版 100 n\n", encoding="utf-8")
    assert words("星芒续航版很好用", dictionary)[0] == "星芒续航版"
    assert words("星芒续航版很好用")[0] != "星芒续航版"


def test_segments_join_to_the_text_however_long():
    text = "这家店的服务态度很好 ok！" * 2000
    assert "".join(segment(text)) == text


def test_threads_may_share_the_tokenizer():
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(words, ["房间干净，服务员热情"] * 40))
    assert all(each == found[0] for each in found)


def test_stop_words_hold_function_words_and_no_touchpoints():
    assert {"的", "但是"} <= stop_words("zh")
    assert {"the", "don't"} <= stop_words("en")
    assert not {"快递", "客服", "价格", "质量"} & stop_words("zh")
    assert not {"delivery", "price", "slow", "support"} & stop_words("en")


def test_spacy_words_leave_out_marks_addresses_and_placeholders():
    assert list(spacy_words(["电池很好！[PHONE]"], "zh")) == [["电池", "很", "好"]]
    assert list(spacy_words(["It's slow. See https://a.example [PHONE]"], "en")) == [["it", "'s", "slow", "see"]]


def test_a_cutter_takes_spacy_for_english_and_jieba_where_there_is_chinese(tmp_path):
    dictionary = tmp_path / "words.txt"
    dictionary.write_text("云雀速运 100 n\n", encoding="utf-8")
    cut = cutter(dictionary)
    assert cut("云雀速运 app 闪退") == ["云雀速运", "app", "闪退"]
    assert cut("The check-in can't find my ID, see www.a.example") == ["the", "check-in", "can", "not", "find", "my", "id", "see"]
    assert cut("5G from $20 [PHONE]") == ["5g", "from", "$", "20"] and cut("") == []


def test_text_imports_neither_spacy_nor_torch_nor_jieba_until_needed():
    code = (
        "import sys; from cxnlp.text.cleaning import clean; from cxnlp.text.clauses import split; from cxnlp.text.language import detect;"
        "from cxnlp.text.tokens import words; split(clean('房间很好，服务也好').text); detect('ok');"
        "assert not {'spacy', 'torch', 'jieba'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
