"""What people are told of an event, in their language: for chats and mail. What customers said comes as it is kept: masked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from cxnlp.errors import InvalidInput, shorten
from cxnlp.feeds.webhooks import PING, Message

LANGUAGES: Final = ("en", "zh")
_TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "record.received": ("Feedback received", "收到反馈"),
    "record.updated": ("Feedback updated", "反馈有更新"),
    "record.analyzed": ("Feedback analysed", "反馈已分析"),
    "record.deleted": ("Feedback deleted", "反馈已删除"),
    "flag.raised": ("Flag raised", "新标记"),
    "flag.changed": ("Flag changed", "标记变更"),
    "flag.repeated": ("Another contact about an open flag", "未处理标记的客户再次联系"),
    "flag.withdrawn": ("Flag withdrawn", "标记已撤回"),
    "flag.acknowledged": ("Flag acknowledged", "标记已受理"),
    "flag.resolved": ("Flag resolved", "标记已解决"),
    "flag.dismissed": ("Flag dismissed", "标记已驳回"),
    "flag.overdue": ("Flag overdue", "标记已超时"),
    "search.matched": ("Saved search matched", "已保存的搜索有新匹配"),
    "alert.opened": ("Alert opened", "新告警"),
    "alert.changed": ("Alert changed", "告警变更"),
    "alert.resolved": ("Alert resolved", "告警已解除"),
    "topic.fitted": ("Topics fitted anew", "主题已重新拟合"),
    "topic.activated": ("Topics activated", "主题已启用"),
    "topic.changed": ("Topic changed", "主题有变更"),
    "topic.emerging": ("Topic emerging", "新主题出现"),
    PING: ("Test message", "测试消息"),
}
_CHANNELS: Final[Mapping[str, tuple[str, str]]] = {
    "ticket": ("ticket", "工单"),
    "review": ("review", "评价"),
    "survey": ("survey", "问卷"),
    "social": ("social media", "社交媒体"),
    "chat": ("chat", "在线聊天"),
    "call": ("call", "电话"),
}
_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "level": ("level {}", "{} 级"),
    "why": ("Why", "原因"),
    "deadline": ("Answer by", "答复期限"),
    "owner": ("Owner", "负责人"),
    "channel": ("Channel", "渠道"),
    "sentiment": ("Sentiment", "情感"),
    "said_at": ("Said at", "时间"),
    "what": ("What moved", "变动"),
    "since": ("Since", "始于"),
    "score": ("Likeness", "相似度"),
    "ping": ("If you can read this, messages arrive.", "能看到这条消息，说明投递正常。"),
}
_MOST_QUOTED: Final = 500
_MOST_QUOTES: Final = 3
_MOST_TITLE: Final = 120
_WITH_FLAG: Final = ("flag.raised", "flag.changed", "flag.repeated", "flag.overdue")


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told.

    Attributes:
        title: One line.
        facts: (name, value) in order; the name is empty where the value is a sentence.
        quotes: What customers said, masked; up to three of up to 500 characters.
        reference: Ids to look it up by.
        is_urgent: Whether it should be seen first.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    quotes: tuple[str, ...]
    reference: str
    is_urgent: bool = False


def check_language(language: str) -> str:
    """Return the language if notices are written in it.

    Raises:
        InvalidInput: They are not.
    """
    if language not in LANGUAGES:
        raise InvalidInput(f"language is {shorten(language)!r}; write one of {', '.join(LANGUAGES)}")
    return language


def make_notice(message: Message, language: str, zone: ZoneInfo) -> Notice:
    """Return what people are told of an event.

    Args:
        message: As other systems are told of it.
        language: `en` or `zh`.
        zone: In which times are shown.
    """
    at = LANGUAGES.index(language)
    data: Mapping[str, Any] = message.body["data"]
    flag, alert, search, record = (data.get(name) or {} for name in ("flag", "alert", "search", "record"))
    known = _TITLES.get(message.type)
    title = known[at] if known else message.type
    facts: list[tuple[str, str]] = []
    if flag:
        level = _LABELS["level"][at].format(flag.get("level"))
        title += (", " if language == "en" else "，") + level
        facts += _flag_facts(flag, language, zone)
    if alert:
        facts += _alert_facts(alert, language)
    if search:
        title += (": " if language == "en" else "：") + str(search.get("name", ""))
        facts.append((_LABELS["score"][at], f"{data.get('score', 0):.2f}"))
    if message.type == PING:
        facts.append(("", _LABELS["ping"][at]))
    facts += _record_facts(record, at, zone)
    ids = [str(told["id"]) for told in (flag, alert, search, record) if told.get("id")]
    urgent = (message.type in _WITH_FLAG and flag.get("level") == 1) or message.type == "alert.opened"
    return Notice(" ".join(title.split())[:_MOST_TITLE], tuple(facts), _quotes(alert, record), " · ".join([*ids, f"#{message.seq}"]), urgent)


def _flag_facts(flag: Mapping[str, Any], language: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    at = LANGUAGES.index(language)
    reasons = [reason.get(language, "") if isinstance(reason, Mapping) else str(reason) for reason in flag.get("reasons", ())]
    facts = [(_LABELS["why"][at], ("; " if language == "en" else "；").join(reasons))]
    if flag.get("deadline"):
        facts.append((_LABELS["deadline"][at], _local(flag["deadline"], zone)))
    if isinstance(flag.get("owner"), str):
        facts.append((_LABELS["owner"][at], flag["owner"]))
    return facts


def _alert_facts(alert: Mapping[str, Any], language: str) -> list[tuple[str, str]]:
    at = LANGUAGES.index(language)
    summary = alert.get("summary") or {}
    series = alert.get("series") or {}
    plain = f"{series.get('dimension', '')} {series.get('value') or ''} {alert.get('measure', '')} {alert.get('direction', '')}"
    facts = [(_LABELS["what"][at], str(summary.get(language) or " ".join(plain.split())))]
    return facts + ([(_LABELS["since"][at], str(alert["since"]))] if alert.get("since") else [])


def _record_facts(record: Mapping[str, Any], at: int, zone: ZoneInfo) -> list[tuple[str, str]]:
    facts = []
    if channel := record.get("channel"):
        facts.append((_LABELS["channel"][at], _CHANNELS.get(channel, (channel, channel))[at]))
    if record.get("sentiment") is not None:
        facts.append((_LABELS["sentiment"][at], f"{record['sentiment']:+.2f}"))
    if record.get("created_at"):
        facts.append((_LABELS["said_at"][at], _local(record["created_at"], zone)))
    return facts


def _quotes(alert: Mapping[str, Any], record: Mapping[str, Any]) -> tuple[str, ...]:
    quoted: Sequence[str] = [quote["text"] for quote in alert.get("quotes", ())]
    turns = [turn["text"] for turn in record.get("turns", ()) if turn.get("speaker") == "customer"]
    if said := record.get("text") or " / ".join(turns):
        quoted = [said, *quoted]
    return tuple(_short(text) for text in quoted[:_MOST_QUOTES])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_QUOTED else line[: _MOST_QUOTED - 1] + "…"


def _local(at: str, zone: ZoneInfo) -> str:
    local = datetime.fromisoformat(at).astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
