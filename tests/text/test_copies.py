import pytest

from cxnlp.text.copies import copy_key

_ZH = "快递太慢了，客服不理人"
_EN = "The parcel never came and nobody answers"


@pytest.mark.parametrize(
    "copied",
    [
        "快遞太慢了，客服不理人！！",
        "快递太慢了 客服\n不理人😡😡",
        "RT @bob: 快递太慢了，客服不理人",
        "RT @李四：快递太慢了，客服不理人 👨‍👩‍👧 1️⃣",
        "转发微博//@张三:快递太慢了，客服不理人",
        "轉發：快递太慢了，客服不理人",
        "//@A:转发//@B:快递太慢了，客服不理人",
        "【转发】快递太慢了，客服不理人 http://t.cn/A6xyz",
        "@客服 快递太慢了，客服不理人 [PHONE] 20261101",
        "快递太慢了，客服不理人 @品牌官方",
    ],
)
def test_copies_of_a_chinese_text_share_a_key(copied):
    assert copy_key(copied) == copy_key(_ZH)


@pytest.mark.parametrize(
    "copied",
    [
        _EN.upper() + "!!!",
        "ＴＨＥ ｐａｒｃｅｌ never came, and nobody answers",
        "RT @shop_help: the parcel never came and nobody answers https://t.co/x9",
        "the parcel never came and nobody answers. www.example.com/a?b=1 bit.ly/9",
        "@shop the parcel never came and nobody answers [EMAIL] 4711",
    ],
)
def test_copies_of_an_english_text_share_a_key(copied):
    assert copy_key(copied) == copy_key(_EN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_ZH, "快递很快，客服不错"),
        (_EN, "The parcel came and somebody answers"),
        ("转发给朋友也没用", "给朋友也没用"),
        ("RT-100 broke", "broke"),
        ("write to a@example.com", "write to a"),
        ("@客服我要退款，谢谢", "@客服什么时候发货，谢谢"),
        ("हिंदी", "हद"),
        ("caf\u00e9", "cafe"),
        ("👍", "👎"),
        ("10086", "10010"),
        ("ok 👍", "👍"),
    ],
)
def test_different_texts_have_different_keys(one, other):
    assert copy_key(one) != copy_key(other)


def test_composed_and_decomposed_letters_share_a_key():
    assert copy_key("caf\u00e9") == copy_key("CAFE\u0301")


def test_text_without_letters_still_has_a_key_of_its_own():
    assert copy_key("👍 👍") == copy_key("👍👍") != 0
    assert copy_key("[PHONE]") == copy_key(" [PHONE] ") != 0


@pytest.mark.parametrize("blank", ["", "  \n", "\u3000"])
def test_blank_text_has_none(blank):
    assert copy_key(blank) == 0


def test_keys_stay_what_they_are_since_stores_keep_them():
    assert [copy_key("abc"), copy_key("快递")] == [-2829645022057097895, -321161298886346029]
    assert all(-(2**63) <= copy_key(str(n)) < 2**63 for n in range(100))
