"""Addresses down to the house: a Chinese or English street with a number, an estate with a flat."""

import re
from collections.abc import Iterator

from cxnlp.privacy.spans import Span, spans_of

_NUMBER = r"[附甲乙]?(?:\d{1,5}(?:[\-/]\d{1,5})?|[一二三四五六七八九十百零〇]{1,6})"
_STREET = r"(?:路|街|大道|道|巷|弄|胡同|里|村|组|組|庄|屯|坊|段|社区|小区|花园|公寓|苑|新村|家园|大厦|广场|[东西南北中東])"
_UNIT = r"(?:号楼|號樓|号院|號院|栋|棟|幢|座|单元|單元|楼|樓|层|層|室|房(?!间)|户|戶|门牌|弄|院|号|號)"
_HOUSE = re.compile(r"[号號栋棟幢座弄]")
_BUILDING = r"(?:号楼|號樓|栋|棟|幢|座|单元|單元)"
_NOT_HOUSE = r"(?![线線口店馆館厅廳台窗机機车車桌])"
_ON_STREET = re.compile(rf"{_STREET}[ ]?{_NUMBER}[ ]?(?:(?<=\d)弄|(?<=\d[ ])弄|[号號]{_NOT_HOUSE}(?![包柜下上])|{_BUILDING}(?=[ ]?[A-Za-z\d]))")
_IN_ESTATE = re.compile(rf"\d(?<![\d.].)\d{{0,2}}(?:号楼|號樓|栋|棟|幢|座)[ ]?{_NUMBER}(?:单元|單元)")
_BETWEEN = r"(?:[ ,]|之)?[^\s,.，。；;:!?、的在了我是有和与住\0\[\]\d]{0,9}?(?:[A-Za-z][ ]?)?"
_MORE = re.compile(
    rf"(?:{_BETWEEN}(?:{_NUMBER}|(?<![A-Za-z])[A-Za-z]|[东西南北])[ ]?{_UNIT}{_NOT_HOUSE}(?:之\d)?){{0,8}}+"
    r"(?:[ ]?[A-Z]?\d{3,4}(?:室|房|户)?(?![\d.年月日元块分米分号个万多平人]))?"
)
_LEFT = re.compile(r"[㐀-鿿A-Za-z0-9 ]{0,40}\Z")
_PLACE = re.compile(
    r"中国|北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|内蒙古|广西|西藏|宁夏|新疆"
    r"|香港|澳门|台湾|臺灣|台北|臺北|九龙|九龍|新界|高雄|台中|臺中|深圳|广州|杭州|南京|武汉|成都|西安|苏州|长沙|青岛|厦门"
)
_BREAK = re.compile(
    r".*(?:[在住到至于於址是我你他她的了寄送去叫从從离離往就把给给到位们将由]|收货|反映|反应|投诉|查下|麻烦|藏身|落户|附近|旁边|关于|对面|来自"
    r"|[ ](?=[㐀-鿿]))",
    re.DOTALL,
)
_ADMIN = re.compile(r"[省市区區县縣镇鎮乡鄉州旗]")
_LOOSE = re.compile(r"(?:道|里|组|組|庄|段|村|[东西南北中東])\Z")
_NOT_STREET = re.compile(rf"(?:[逛上]街|一路|线路|[这那哪家心手店车夜城里]里|[知味频渠报通]道|公里|[们个本该此]小区|^{_STREET})\Z")

_WORD = r"(?:[A-Z][A-Za-z'.\-]{0,20}|\d{1,3}(?:st|nd|rd|th))"
_SURE = r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Boulevard|Blvd|Highway|Hwy|Parkway|Pkwy|Crescent|Terrace)"
_LIKELY = r"(?:Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Way|Close|Gardens|Grove|Mews|Circle|Cir|Trail|Quay)"
_FLAT = r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Building|Bldg|Block|Blk)"
_SUFFIX = rf"(?:{_SURE}|{_LIKELY}|{_SURE.upper()}|{_LIKELY.upper()})"
_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}"
_ENGLISH = re.compile(
    r"\d(?<![A-Za-z0-9.,:$£€¥#/\-].)\d{0,4}[A-Za-z]?(?:[\-/]\d{1,4})?,?[ ](?:[NSEW]{1,2}\.?[ ])?"
    rf"(?:(?:{_WORD}[ ]){{1,4}}?{_SUFFIX}|(?:[a-z][a-z']{{2,20}}[ ]){{1,2}}?(?:street|road|avenue|lane|boulevard|rd|ave|blvd|st))"
    r"(?![A-Za-z])(?:\.(?=,))?"
    r"(?:[ ](?:North|South|East|West|NW|NE|SW|SE|N|S|E|W)(?![A-Za-z]))?"
    rf"(?:,?[ ](?:{_FLAT}\.?[ ]?#?[ ]?|#[ ]?)[A-Za-z]?\d{{0,4}}[A-Za-z]?(?![A-Za-z0-9])){{0,2}}"
    rf"(?:,?[ ](?:[A-Z][a-z]+[ ]?){{1,3}},?[ ](?:[A-Z]{{2}}[ ]\d{{5}}(?:-\d{{4}})?|{_POSTCODE})(?![A-Za-z0-9])|,?[ ]{_POSTCODE}(?![A-Za-z0-9]))?"
)
_FLAT_FIRST = re.compile(rf"(?:{_FLAT}\.?|#)[ ]?#?\d{{1,4}}[A-Za-z]?,?[ ]\Z", re.IGNORECASE)
_NOT_NAMES = re.compile(
    r"(?:^|[ ])(?:minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|nights?|stars?|times?|people|blocks?|miles?|km|meters?|metres?"
    r"|the|this|that|these|those|down|off|on|of|in|from|to|at|an?|and|or|for|with|across|along|up|out|my|your|his|her|our|more|am|pm"
    r"|different|other|way|lane|busy|major|narrow|long|short|small|big|large|great|good|nice|dead)(?=[ .])",
    re.IGNORECASE,
)
_PO_BOX = re.compile(r"(?<![A-Za-z])P\.?[ ]?O\.?[ ]?Box[ ]?\d{1,6}(?!\d)", re.IGNORECASE)


def find_addresses(text: str) -> Iterator[Span]:
    """Yields addresses of folded text, from the widest part of the place (province, city) to the flat.

    A street, a district or a city alone is a public place and stays.
    """
    if _HOUSE.search(text):
        for pattern in (_ON_STREET, _IN_ESTATE):
            done = 0
            for match in pattern.finditer(text):
                span = _chinese_address(text, match) if match.start() >= done else None
                if span:
                    done = span[1]
                    yield span
    for match in _ENGLISH.finditer(text):
        words = match.group()
        if not _NOT_NAMES.search(words):
            before = _FLAT_FIRST.search(text, max(0, match.start() - 16), match.start())
            yield before.start() if before else match.start(), match.end(), "ADDRESS"
    if "ox" in text or "OX" in text:
        yield from spans_of("ADDRESS", _PO_BOX, text)


def _chinese_address(text: str, core: re.Match[str]) -> Span | None:
    """Widens the part "street and number" to both sides; None where it is no address after all."""
    name_end = next((i for i in range(core.start(), core.end()) if text[i] in " 附甲乙一二三四五六七八九十百零〇" or text[i].isdigit()), core.end())
    start = _left_end(text, name_end) if name_end > core.start() else core.start()
    name = text[start:name_end]
    more = _MORE.match(text, core.end())
    end = more.end() if more else core.end()
    number = re.search(r"\d+", core.group())
    may_be_date = number is None or int(number.group()) <= 31
    if name_end > core.start() and (len(name) < 2 or _NOT_STREET.search(name)):
        return None
    if _LOOSE.search(name) and not _ADMIN.search(name) and end == core.end() and may_be_date:
        return None
    return start, end, "ADDRESS"


def _left_end(text: str, end: int) -> int:
    """Finds where the name of the place that ends at `end` begins: at a province or city, else after a verb or preposition."""
    left = _LEFT.search(text, max(0, end - 40), end)
    start = left.start() if left else end
    broken = _BREAK.match(text, start, end)
    begin = broken.end() if broken else start
    place = _PLACE.search(text, begin, end)
    if place:
        return place.start()
    admin = _ADMIN.search(text, begin, end)
    return max(begin, admin.start() - 6) if admin else max(begin, end - 8)
