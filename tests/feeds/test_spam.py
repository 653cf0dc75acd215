import pytest

from cxnlp.feeds.spam import is_spam


@pytest.mark.parametrize(
    "text",
    [
        "高薪兼职，在家日结三百，加微信 abc888 了解",
        "代开发票，税点低，联系 [PHONE]",
        "刷单返利天天有，点链接 https://t.cn/xyz 领红包",
        "Make $500 a day and work from home! WhatsApp me now: [PHONE]",
        "Click here for a free gift http://win.example.top/claim",
        "Crypto investment plan with guaranteed profit, telegram [ACCOUNT]",
        "宝贝超级好看大家快来买！" * 3 + "进群有优惠",
    ],
)
def test_advertising_is_spam(text):
    assert is_spam([text])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "等了一个星期还没到，客服也没人理，请回电 [PHONE]",
        "The tracking page https://example.com/t/1 shows nothing, call me at [PHONE] or [EMAIL]",
        "你们APP里全是刷单广告，恶心",
        "I was charged twice. I was told to click here and nothing happened.",
        "退款！退款！退款！",
        "请给我开发票，催了三次了，电话 [PHONE]",
        "贷款早还清了还在扣款，招商银行客服 [PHONE] 打不通",
        "你们代理商骗我充值，加微信聊的，要求退款",
        "The free trial was charged anyway, I want my money back",
    ],
)
def test_complaints_with_one_of_the_signs_are_not(text):
    assert not is_spam([text])


def test_a_link_and_a_number_alone_are_no_advertising_and_turns_are_read_together():
    assert not is_spam(["see www.example.com", "[PHONE]"])
    assert is_spam(["兼职日结三百", "加V详聊"])


def test_a_very_long_text_is_read_in_part():
    assert not is_spam(["好" * 200_000 + " 兼职 加微信 https://t.cn/x"])
