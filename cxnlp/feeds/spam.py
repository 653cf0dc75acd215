"""Whether a text is advertising: a few plain signs, of which one alone never suffices."""

import re
from collections.abc import Sequence
from typing import Final

_LINK: Final = re.compile(
    r"https?://|www\.|\b(?:t|bit)\.(?:cn|ly|me|co)/|\b[a-z0-9-]{2,}\.(?:top|xyz|vip|shop|club|online|site|win)\b", re.IGNORECASE
)
_CONTACT: Final = re.compile(
    r"\[(?:PHONE|ACCOUNT|EMAIL)\]"
    r"|[加+➕]\s*(?:我|一下|下)?\s*(?:微信|威信|薇信|v信|vx|wx|v|qq|扣扣|群)(?![a-z])|(?:进|入)群|私信我|扫码"
    r"|\b(?:whats ?app|telegram|dm me|text me|message me|contact (?:me|us) (?:on|at|via))\b",
    re.IGNORECASE,
)
_OFFER: Final = re.compile(
    r"刷单返|刷单兼职|高额返利|返利群|高薪兼职|诚招兼职|招兼职|兼职日结|日结[一二三四五六七八九十百千\d]|日赚|月入[一二三四五六七八九十过\d]|躺赚"
    r"|代开.{0,4}发票|代办(?:证|卡|贷款)|诚招(?:代理|加盟)|招商加盟|无抵押|秒批|低息贷款|专业办证|博彩|彩金|棋牌|高仿|一手货源|厂家批发"
    r"|免费领取?|点击领取|限时抢购|进群有|福利群|福利码|涨粉|引流"
    r"|\b(?:earn|make) (?:up to )?\$?\d|\bwork from home\b|\bpassive income\b|\bcrypto\b|\bbitcoin\b|\binvest(?:ment)? (?:plan|opportunit)|\bcasino\b"
    r"|\bbetting\b|\bclick (?:here|the link|below)\b|\bfree (?:gift|trial|followers|money)\b|\bpromo code\b|\b\d{2,}% off\b|\bviagra\b"
    r"|\bloans?\b.{0,30}\bapproved\b"
    r"|\bguaranteed (?:returns?|profit)|\bbuy (?:cheap|followers|reviews)\b|\bseo services?\b",
    re.IGNORECASE,
)
_PART: Final = re.compile(r"[\n。！!？?；;]+")
_SHORTEST_PART: Final = 6
_REPEATED: Final = 3
_MOST_READ: Final = 20_000
_SIGNS: Final = 2


def is_spam(texts: Sequence[str]) -> bool:
    """Tell whether texts of one sender advertise something.

    At least two of these must come together: a link, a way to get in touch, an offer that spam makes, the same sentence three times. So a
    complaint that gives a telephone number or a link, or is about fake part-time jobs, is none. Masked texts do: placeholders count.

    Args:
        texts: What the customer said; of very long ones the beginning is read.
    """
    text = "\n".join(texts)[:_MOST_READ]
    parts = [part for part in map(str.strip, _PART.split(text)) if len(part) >= _SHORTEST_PART]
    repeated = max((parts.count(part) for part in set(parts[:200])), default=0) >= _REPEATED
    signs = [bool(sign.search(text)) for sign in (_LINK, _CONTACT, _OFFER)] + [repeated]
    return sum(signs) >= _SIGNS and (signs[2] or repeated)
