"""Words that say that the number after them names an order, a parcel or a thing, not a person."""

import re
from collections.abc import Iterator

from cxnlp.privacy.spans import Span, spans_of

_ORDER_WORDS = (
    r"(?:订单|訂單|运单|運單|快递|快遞|物流|流水|交易|工单|受理|案件|取件)(?:编?号|編?號)码?|订单|訂單|运单|單號|单号"
    r"|(?<![a-z])(?:orders?|tracking|waybill|awb|parcel|shipment|consignment|booking|reservation|confirmation|transaction|pnr|rma)"
    r"(?:[ _-]?(?:number|num|nr|no|ids?|code|ref(?:erence)?))?\.?"
)
_THING_WORDS = (
    r"(?:编|編|货|貨|批|批次|条形?|序列|凭证|合同|发票|商品|参考|故障|障碍|保单|票|款|型)(?:号|號)码?|条形?码|时间戳"
    r"|(?<![a-z])(?:invoice|reference|ref|ticket|case|txn|receipt|serial|imei|isbn|ean|upc|sku|s/n|sn|item|product|model|barcode|timestamp|ts"
    r"|policy|claim|contract|batch|lot)(?:[ _-]?(?:number|num|nr|no|ids?|code))?\.?"
)
_LINK = r"[ ]?(?:[:=#(【]|是|为|為|is|was)?[ ]?[:#]?[ ]?"

_FIRST = "订訂运運快物流交工受案取單单编編货貨批条序凭合发商参故障保票款型时aotwpscbrimeuldtn"
_REFERENCE = re.compile(rf"(?=[{_FIRST}])(?:{_ORDER_WORDS}|{_THING_WORDS}){_LINK}\Z")
_CUED_ORDER = re.compile(
    rf"(?=[{_FIRST}])(?:{_ORDER_WORDS}){_LINK}(?P<value>(?=[a-z\-]{{0,8}}\d)[a-z\d](?:-?[a-z\d]){{4,31}}+)(?![a-z\d])", re.IGNORECASE
)
_PLAIN_ORDER = re.compile(r"(?<![a-z\d-])(?:[a-z]{2,3}\d{9,15}(?:[a-z]{2})?|[a-z]{0,4}20\d{6}-\d{4,8}|1z[a-z\d]{16})(?![a-z\d-])")
_CUE_LENGTH = 32
_TIME_KEY = re.compile(r"(?:_at|_on|time|timestamp|date|_ms|_ts|seconds|时间|日期)$|^(?:ts|at)$")
_WHOLE_PART = re.compile(r"(?<![\d.])(?:0|\d{2,5})\.\Z")


def is_reference(text: str, start: int) -> bool:
    """Says whether an order cue, or another word for the number of a thing, stands right before an offset of folded text in lower case."""
    return bool(_REFERENCE.search(text, max(0, start - _CUE_LENGTH), start))


def is_decimal(text: str, start: int) -> bool:
    """Says whether the digits at `start` are the decimals of a number; after one figure ("1.138...") they are an item of a list."""
    return text[start - 1 : start] == "." and bool(_WHOLE_PART.search(text, max(0, start - 7), start))


def is_of_time(key: str) -> bool:
    """Says whether the key of an attribute names a time, a date or a duration, so that a whole number under it is no card."""
    return bool(_TIME_KEY.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()))


def find_orders(text: str) -> Iterator[Span]:
    """Yields order and tracking numbers: what follows an order cue, and the plain forms (letters and 9 to 15 digits, a date and a number)."""
    yield from spans_of("ORDER", _CUED_ORDER, text)
    yield from spans_of("ORDER", _PLAIN_ORDER, text)
