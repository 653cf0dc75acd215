"""E-mail and IP addresses, passports, number plates and messenger accounts."""

import ipaddress
import re
from collections.abc import Iterator

from cxnlp.privacy.cues import is_reference
from cxnlp.privacy.spans import Span, spans_of

_LOCAL = r"a-z0-9._%+\-\u00c0-\u024f"
_DOMAIN = r"(?:[a-z0-9\u00c0-\u024f][a-z0-9\-\u00c0-\u024f]{0,62}+\.){1,8}[a-z]{2,24}+"
# The last part takes addresses that are run together, for the first would hide the beginning of the second.
_EMAIL = re.compile(
    rf"(?<![{_LOCAL}])(?=[{_LOCAL}]{{1,128}}+(?:@|[ ]?[(\[]at[)\]]))[{_LOCAL}]++(?:@|[ ]?[(\[]at[)\]][ ]?)"
    rf"{_DOMAIN}(?:[{_LOCAL}]{{0,128}}+@{_DOMAIN})*+"
)
_IPV4 = re.compile(r"\d(?<![a-z0-9_.].)\d{0,2}(?:\.\d{1,3}){3}(?![a-z0-9_]|\.\d)")
_IPV6 = re.compile(r"(?<![a-z0-9_:.])(?:[0-9a-f]{1,4}:|::)[0-9a-f:]{1,37}+(?:(?<=[:\d])\d{0,3}(?:\.\d{1,3}){3})?(?![a-z0-9_:])")
_VERSION_CUE = re.compile(
    r"(?:(?<![a-z])(?:v|ver|version|build|release|firmware|ios|android|chrome|app|update[ds]?(?: to)?|upgrade[ds]?(?: to)?)"
    r"|版本号?|版|固件|系统|升级[到至]?|更新[到至]?)"
    r"[ ]?(?:[:=]|是|为|is)?[ ]?v?\Z"
)
_IP_CUE = re.compile(r"(?:(?<![a-z])(?:ip|ipv4|dns|host|server|gateway|ping|from)|地址|网关|服务器)[ ]?(?:address)?[ ]?(?:[:=]|是|为|is)?[ ]?\Z")

_PASSPORT = re.compile(r"[eg](?<![a-z0-9].)(?:(?<=e)(?:\d{8}|[a-hj-np-z]\d{7})|(?<=g)\d{8})(?![a-z0-9])")
_TRAVEL_WORDS = ("护照", "護照", "通行", "台胞", "回乡")
_NAMED_PASSPORT = re.compile(
    r"(?:(?:护照|護照|通行证|通行證|台胞证|回乡证)(?:号|號)?(?:码|碼)?|(?<![a-z])passport(?: (?:number|num|no\b))?)"
    r"[ ]?\.?(?:[:#]|是|为|為|is)?[ ]?:?[ ]?(?P<value>(?=[a-z]{0,3}\d{5})[a-z0-9]{6,12})(?![a-z0-9])"
)

_PLATE = re.compile(
    r"[京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊使][a-hj-np-z][·•. \-]?"
    r"(?=[a-z]{0,2}\d)(?P<serial>[df][a-hj-np-z0-9]\d{4}|\d{5}[df]|[a-hj-np-z0-9]{4}[a-hj-np-z0-9挂學学警港澳])(?![a-z0-9])"
)
_NAMED_PLATE = re.compile(
    r"(?:车牌号?码?|車牌號?碼?|车号|(?<![a-z])(?:licen[cs]e|number|registration|vehicle|car) plates?(?: (?:number|no\b))?"
    r"|(?<![a-z])plate (?:number|no\b)"
    r"|(?<![a-z])(?:vehicle|car) reg(?:istration)?(?: (?:number|no\b))?)"
    r"[ ]?\.?(?:[:#]|是|为|為|is)?[ ]?:?[ ]?"
    r"(?P<value>(?=[a-z \-]{0,6}\d)(?=(?:[ \-]?[a-z0-9]){5})[a-z0-9]{1,4}(?:[ \-]?[a-z0-9]{2,4}){1,2})(?![a-z0-9])"
)

NETWORKS = (
    *("微信", "威信", "薇信", "支付", "抖音", "小红书", "扣扣", "企鹅"),
    *("加v", "+v", "wx", "vx", "v信", "chat", "xin", "qq", "line ", "telegram", "skype"),
)
"""One of these is in every text that names an account, in lower case."""


_HAS_FIGURE = r"(?=[a-z_\-]{0,18}\d)"
_NOT_STATE = (
    r"(?!(?:wrong|invalid|incorrect|blocked|hacked|banned|frozen|locked|disabled|suspended|still|already|working|showing|linked|missing|broken"
    r"|being|unable|always|never|really|great|terrible|useless|required|needed|available|supported|there|where|which|correct)(?![a-z]))"
)
_ACCOUNT = re.compile(
    r"(?:(?:微信|威信|薇信|支付宝|支付寶|抖音|小红书)[ ]?(?:号|號|帳號|账号|帐号|账户|id)码?[ ]?(?:[:=#]|是|为|為)?[ ]?:?[ ]?(?=[a-z_]|\d{5})"
    r"|(?<![a-z])(?:we ?chat|wei ?xin|line|telegram|skype) (?:id|username)[ ]?(?:[:=#][ ]?|is[ ]"
    rf"{_NOT_STATE}|{_HAS_FIGURE})"
    r"|(?:微信|威信|薇信|[加+]v信?|(?<![a-z])(?:wx|vx|v信|we ?chat|wei ?xin|telegram|skype))号?[ ]?(?:[:=][ ]?|(?:是|is|account)?[ ]?"
    rf"{_HAS_FIGURE})"
    r"|(?:(?<![a-z])qq|扣扣|企鹅)群?(?:号码?|號碼?|帐号|账号|[ ]?(?:number|no\b|id))?[ ]?(?:[:=#]|是|为|is)?[ ]?:?[ ]?(?=[1-9]\d{4,11}(?!\d)))"
    r"@?(?P<value>[a-z0-9][a-z0-9_\-]{4,19}+)(?![a-z0-9_.]|[ ]?[元块人年版])"
)


def find_emails(text: str) -> Iterator[Span]:
    """Yields e-mail addresses, also written with (at), of folded text in lower case."""
    if "@" in text or "at)" in text or "at]" in text:
        yield from spans_of("EMAIL", _EMAIL, text)


def find_ips(text: str) -> Iterator[Span]:
    """Yields IPv4 and IPv6 addresses of folded text in lower case; version numbers, and four single figures without a cue, stay."""
    if text.count(".") >= 3:
        for match in _IPV4.finditer(text):
            if _is_ipv4(text, match):
                yield match.start(), match.end(), "IP"
    if text.count(":") >= 2:
        for match in _IPV6.finditer(text):
            if _is_ipv6(match.group()):
                yield match.start(), match.end(), "IP"


def _is_ipv4(text: str, match: re.Match[str]) -> bool:
    parts = match.group().split(".")
    if any(int(part) > 255 or (len(part) > 1 and part[0] == "0") for part in parts):
        return False
    window = max(0, match.start() - 24), match.start()
    if _IP_CUE.search(text, *window):
        return True
    are_days = list(map(int, parts)) == sorted({int(part) for part in parts if int(part) <= 31}) or text[match.start() - 1 : match.start()] == "月"
    return len(match.group()) > 7 and not are_days and not _VERSION_CUE.search(text, *window)


def _is_ipv6(address: str) -> bool:
    if not any(len(group) >= 3 for group in address.split(":")):
        return False  # "12::30" and the like are times
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def find_documents(text: str) -> Iterator[Span]:
    """Yields passports (Chinese by shape, others where named) and number plates of folded text in lower case."""
    for match in _PASSPORT.finditer(text):
        if not is_reference(text, match.start()):
            yield match.start(), match.end(), "PASSPORT"
    if "passport" in text or any(word in text for word in _TRAVEL_WORDS):
        yield from spans_of("PASSPORT", _NAMED_PASSPORT, text)
    for match in _PLATE.finditer(text):
        if sum(map(str.isdigit, match["serial"])) >= 3:
            yield match.start(), match.end(), "PLATE"
    if "plate" in text or "reg" in text or "车" in text or "車" in text:
        yield from spans_of("PLATE", _NAMED_PLATE, text)


def find_accounts(text: str) -> Iterator[Span]:
    """Yields WeChat, QQ and like accounts of folded text in lower case, where a word before them says so."""
    if any(word in text for word in NETWORKS):
        yield from spans_of("ACCOUNT", _ACCOUNT, text)
