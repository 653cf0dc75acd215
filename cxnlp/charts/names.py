"""What people call dimensions and their values, and which figures there are."""

from collections.abc import Mapping
from typing import Final

from cxnlp.charts.look import LANGUAGES

_ATTRIBUTE: Final = "attributes."
_DIMENSIONS: Final[Mapping[str, tuple[str, str]]] = {
    "all": ("All feedback", "全部反馈"),
    "attributes.product": ("Product", "产品"),
    "attributes.region": ("Region", "地区"),
    "cause": ("Cause", "原因"),
    "channel": ("Channel", "渠道"),
    "intent": ("Intent", "意图"),
    "label": ("Sentiment", "情感"),
    "language": ("Language", "语言"),
    "pair": ("Problem", "问题"),
    "risk": ("Risk", "风险"),
    "segment": ("Customer segment", "客户分群"),
    "source": ("Source", "来源"),
    "stage": ("Journey stage", "旅程阶段"),
    "topic": ("Topic", "主题"),
    "touchpoint": ("Touchpoint", "触点"),
}
_VALUES: Final[Mapping[str, tuple[str, str]]] = {
    "call": ("Call", "电话"),
    "chat": ("Chat", "在线会话"),
    "en": ("English", "英文"),
    "mixed": ("Chinese and English", "中英混合"),
    "negative": ("Negative", "负面"),
    "neutral": ("Neutral", "中性"),
    "positive": ("Positive", "正面"),
    "review": ("Review", "评价"),
    "social": ("Social post", "社交媒体"),
    "survey": ("Survey", "问卷"),
    "ticket": ("Ticket", "工单"),
    "zh": ("Chinese", "中文"),
}
_NAMED: Final = ("channel", "label", "language")


def name_dimension(dimension: str, language: str) -> str:
    """Return what people call a dimension; an attribute that cxnlp does not know is called as it is."""
    plain = dimension.removeprefix(_ATTRIBUTE)
    return _DIMENSIONS.get(dimension, (plain, plain))[LANGUAGES.index(language)]


def name_value(dimension: str, value: str, language: str) -> str:
    """Return what people call a value of a dimension, as far as neither taxonomy nor topics name it."""
    return _VALUES.get(value, (value, value))[LANGUAGES.index(language)] if dimension in _NAMED else value
