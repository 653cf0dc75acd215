"""What moved, in a sentence, in English and Chinese."""

from collections.abc import Mapping, Sequence
from typing import Final

from cxnlp.insight.explain import Part
from cxnlp.insight.series import ALL, ATTRIBUTE, PAIR_SIGN, Key
from cxnlp.taxonomy import Taxonomy

LANGUAGES: Final = ("en", "zh")
_MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "volume": ("records", "条数"),
    "negative_share": ("share negative", "负面占比"),
    "complaint_share": ("share of complaints", "投诉占比"),
    "sentiment": ("mean sentiment", "平均情感"),
    "csat": ("CSAT", "满意度（CSAT）"),
    "nps": ("NPS", "净推荐值（NPS）"),
}
_DIMENSIONS: Final[Mapping[str, tuple[str, str]]] = {
    "channel": ("channel", "渠道"),
    "stage": ("stage", "阶段"),
    "touchpoint": ("touchpoint", "触点"),
    "cause": ("cause", "原因"),
    "pair": ("problem", "问题"),
    "topic": ("topic", "话题"),
    "segment": ("segment", "客群"),
    "product": ("product", "产品"),
    "region": ("region", "地区"),
    "app_version": ("app version", "APP版本"),
}
_SHARES: Final = ("negative_share", "complaint_share", "csat")
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "stage": ("stages",), "touchpoint": ("touchpoints",), "cause": ("causes",), "pair": ("touchpoints", "causes"),
}  # fmt: skip


def name_series(key: Key, taxonomy: Taxonomy, language: str) -> str:
    """Return the name of a series for people."""
    at = LANGUAGES.index(language)
    if key.dimension == ALL:
        return ("all feedback", "全部反馈")[at]
    kind = key.dimension.removeprefix(ATTRIBUTE)
    named = _DIMENSIONS.get(kind, (kind, kind))[at]
    kinds = _KINDS.get(key.dimension, ())
    ids = key.value.split(PAIR_SIGN, 1) if key.dimension == "pair" else [key.value]
    value = " / ".join(_name(taxonomy, kinds, i, part, language) for i, part in enumerate(ids))
    return f"{named} {value}" if language == "en" else f"{named}「{value}」"


def describe_movement(key: Key, measure: str, values: tuple[float, float], window: int, parts: Sequence[Part], taxonomy: Taxonomy) -> dict[str, str]:
    """Return what moved, by how much and what explains it, by language.

    Args:
        key: The series.
        measure: One of `MEASURES`.
        values: Observed, and expected or the limit.
        window: Days.
        parts: What explains it, that which explains most first.
        taxonomy: Whose names are used.
    """
    said = {}
    for at, language in enumerate(LANGUAGES):
        observed, expected = (_number(measure, value) for value in values)
        named = [f"{name_series(part.key, taxonomy, language)} {min(part.share, 1):.0%}" for part in parts]
        series, what = name_series(key, taxonomy, language), _MEASURES[measure][at]
        if language == "en":
            days = "1 day" if window == 1 else f"{window} days"
            said[language] = f"{series}: {what} {observed} in {days}, {expected} expected" + (f"; of the change: {', '.join(named)}" if named else "")
        else:
            said[language] = f"{series}：{window}天{what} {observed}，预期 {expected}" + (f"；变化来自：{'、'.join(named)}" if named else "")
    return said


def describe_breach(key: Key, measure: str, values: tuple[float, float], window: int, taxonomy: Taxonomy) -> dict[str, str]:
    """Return which limit was passed, by language; arguments as `describe_movement`."""
    observed, limit = (_number(measure, value) for value in values)
    english = f"{name_series(key, taxonomy, 'en')}: {_MEASURES[measure][0]} {observed} over {window} days, limit {limit}"
    return {"en": english, "zh": f"{name_series(key, taxonomy, 'zh')}：{window}天{_MEASURES[measure][1]} {observed}，界限 {limit}"}


def describe_change(measure: str, value: float, before: float | None) -> dict[str, str]:
    """Return a measure and what it was a week before, None where nobody answered then, by language."""
    english, chinese = (f"{name}{sign}{_number(measure, value)}" for name, sign in zip(_MEASURES[measure], (": ", "："), strict=True))
    if before is None:
        return {"en": english, "zh": chinese}
    was, by = _number(measure, before), f"{value / before - 1:+.0%}" if measure == "volume" and before else ""
    return {"en": f"{english} ({was} a week before{by and f', {by}'})", "zh": f"{chinese}（一周前 {was}{by and f'，{by}'}）"}


def _name(taxonomy: Taxonomy, kinds: Sequence[str], at: int, value: str, language: str) -> str:
    if at < len(kinds):
        for label in getattr(taxonomy, kinds[at]):
            if label.id == value:
                return str(getattr(label, language) or value)
    return value


def _number(measure: str, value: float) -> str:
    if measure in _SHARES:
        return f"{value:.1%}"
    if measure == "sentiment":
        return f"{value:+.2f}"
    return f"{value:,.0f}" if measure == "volume" and value >= 10 else f"{value:,.1f}".removesuffix(".0")
