"""What was done about a record, and about all that are alike: pure functions on records."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from statistics import median
from typing import Any, Final

from cxnlp.lines import to_iso
from cxnlp.records import NEGATIVE_FROM, Feedback, Record, Turn, rounded
from cxnlp.taxonomy import Taxonomy
from cxnlp.text.graphemes import widen

ALIKE_FROM: Final = 0.4
"""Records of at least this likeness count as alike: where precision and recall are best balanced on judged questions (docs/search.md)."""

_MOST_CHARACTERS: Final = 500
_YEARS: Final = (1970, 2100)
_TIME_OF_DAY: Final = re.compile(r"\d[T ]\d")
_THANKS: Final = re.compile(r"谢谢|謝謝|感谢|感謝|多谢|多謝|谢了|谢啦|\b(?:thanks?|thank you|thx|ty|cheers)\b(?! for nothing)", re.IGNORECASE)
_UNSETTLED: Final = re.compile(
    r"(?:pending|unresolved|unsolved|not resolved|escalated|in progress|on hold|waiting|rejected|refused|declined|won't fix"
    r"|no (?:action|fix|refund|remedy|reply|response))\b.*|.*\b(?:pending|no fix)|(?:case )?(?:re)?open(?:ed)?(?: with .*)?"
    r"|(?:尚?未|没有?|待)(?:解决|处理|回复|退款).*|.*(?:解决|处理|跟进|退款|换货|核实|审核)中|转.*核实|不予.*|拒绝.*|无法.*|已?升级.*|挂起"
)
_DONE: Final = frozenset({"resolved", "solved", "closed", "done", "fixed", "completed", "已解决", "已处理", "已完成", "解决", "已关闭"})
_DAY_SECONDS: Final = 86_400
_LEAST_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done about a record; None where unknown.

    Attributes:
        resolution: How it ended, in the words of the source.
        reply: What the customer was told, at most 500 characters.
        hours: From the record's beginning to its resolution, 0 or more.
        rating: The customer's rating, in [-1, 1].
    """

    resolution: str | None = None
    reply: str | None = None
    hours: float | None = None
    rating: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        hours, rating = (None if value is None else rounded(value) for value in (self.hours, self.rating))
        return {"resolution": self.resolution, "reply": self.reply, "hours": hours, "rating": rating}


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of all records that are alike.

    Attributes:
        n: How many there are.
        days: Length of the window, at least 1.
        about: The commonest (touchpoint, cause or None); None if nothing was observed.
        about_share: Share of the records in which it was observed.
        resolution: The commonest resolution, in lower case; None if none is known.
        resolution_share: Its share among the records whose resolution is known.
        median_hours: Of those whose time to resolve is known.
        first_at: The earliest `created_at`; None without records.
        last_at: The latest.
        growth: Records in the later half of the window over those in the earlier half, less 1: 0.5 is half as many again; None if the earlier
            half has none.
    """

    n: int
    days: int
    about: tuple[str, str | None] | None = None
    about_share: float = 0.0
    resolution: str | None = None
    resolution_share: float = 0.0
    median_hours: float | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    growth: float | None = None

    def line(self, language: str, taxonomy: Taxonomy | None = None) -> str:
        """Return it as one line for people; what is not known, or holds for fewer than one in ten, is left out.

        Args:
            language: `zh`, else English.
            taxonomy: Where to read the names of touchpoint and cause; without, their ids are shown.
        """
        chinese = language == "zh"
        parts = [self._counted(chinese)]
        if self.about and self.about_share >= _LEAST_SHARE:
            name = "/".join(_name(taxonomy, kind, i, language) for kind, i in zip(("touchpoints", "causes"), self.about, strict=True) if i)
            parts.append(f"{self.about_share:.0%} 关于 {name}" if chinese else f"{100 * self.about_share:.0f} % about {name}")
        if self.resolution and self.resolution_share >= _LEAST_SHARE:
            parts.append(_ended(self.resolution, self.resolution_share, chinese))
        if self.median_hours is not None:
            parts.append(("用时中位数 " if chinese else "median ") + _duration(self.median_hours, chinese))
        return ("，" if chinese else ", ").join(parts)

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        about = {"touchpoint": self.about[0], "cause": self.about[1], "share": rounded(self.about_share)} if self.about else None
        ended = {"text": self.resolution, "share": rounded(self.resolution_share)} if self.resolution else None
        return {
            "n": self.n,
            "days": self.days,
            "about": about,
            "resolution": ended,
            "median_hours": None if self.median_hours is None else rounded(self.median_hours),
            "first_at": to_iso(self.first_at) if self.first_at else None,
            "last_at": to_iso(self.last_at) if self.last_at else None,
            "growth": None if self.growth is None else rounded(self.growth),
        }

    def _counted(self, chinese: bool) -> str:
        if self.n == 0:
            return f"{self.days} 天内没有相似的反馈" if chinese else f"none alike in {_days(self.days)}"
        return f"{self.days} 天内 {self.n} 条相似" if chinese else f"{self.n} alike in {_days(self.days)}"


def outcome_of(record: Record, zone: tzinfo = UTC) -> Outcome:
    """Return what was done about a record.

    The resolution is `attributes.resolution`. The reply is `attributes.reply`, else the last words of an agent in a conversation.

    The time to resolve ends at `attributes.resolved_at`, where that is an ISO 8601 time of the years 1970 to 2100; a date without time of day says
    nothing in hours. Without that attribute, it ends with the last turn of a conversation, where that turn has a time and either an agent spoke it
    or a customer said thanks in it without being negative; but never where the resolution says that the matter is open or was refused. It is None
    where it would be negative.

    Args:
        record: Its attributes may hold any JSON values; what cannot be used counts as unknown.
        zone: In which a `resolved_at` without zone is read.
    """
    feedback = record.feedback
    resolution = _text(feedback.attributes.get("resolution"))
    resolved_at = _time(feedback.attributes["resolved_at"], zone) if "resolved_at" in feedback.attributes else _ended_at(record, resolution)
    hours = None if resolved_at is None else (resolved_at - feedback.created_at) / timedelta(hours=1)
    reply = _text(feedback.attributes.get("reply")) or _text(next((t.text for t in reversed(feedback.turns) if _says(t, "agent")), None))
    return Outcome(resolution, reply, hours if hours is not None and hours >= 0 else None, _rating(feedback))


def summarise(alike: Sequence[tuple[float, Record]], now: datetime, days: int | None = None, zone: tzinfo = UTC) -> Summary:
    """Return what is known of the records that are alike.

    Args:
        alike: (likeness in [0, 1], record), in any order; those under `ALIKE_FROM` are left out.
        now: End of the window, UTC.
        days: Length of the window, at least 1: older records are left out. None for all, from the first one on.
        zone: See `outcome_of`.
    """
    start = None if days is None else now - timedelta(days=days)
    records = [record for score, record in alike if score >= ALIKE_FROM and (start is None or record.feedback.created_at >= start)]
    if not records:
        return Summary(0, days or 1)
    times = [record.feedback.created_at for record in records]
    begin = start or min(times)
    outcomes = [outcome_of(record, zone) for record in records]
    about, about_share = _commonest([_observed(record) for record in records])
    resolution, resolution_share = _commonest([{_plain(o.resolution)} for o in outcomes if o.resolution])
    hours = [o.hours for o in outcomes if o.hours is not None]
    return Summary(
        len(records),
        days or max(1, math.ceil((now - begin).total_seconds() / _DAY_SECONDS)),
        about,
        about_share,
        resolution,
        resolution_share,
        median(hours) if hours else None,
        min(times),
        max(times),
        _growth(times, begin, now),
    )


def _text(value: object) -> str | None:
    """Return text of at most 500 characters, cut at no grapheme and no placeholder; None for anything else."""
    if not isinstance(value, str) or not (text := value.strip()):
        return None
    if len(text) <= _MOST_CHARACTERS:
        return text
    start, _ = widen(text, _MOST_CHARACTERS - 1, _MOST_CHARACTERS)
    return text[:start].rstrip() + "…"


def _time(value: object, zone: tzinfo) -> datetime | None:
    if not isinstance(value, str) or not _TIME_OF_DAY.search(value):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if _YEARS[0] <= at.year <= _YEARS[1] else None


def _ended_at(record: Record, resolution: str | None) -> datetime | None:
    """Return when a conversation ended well, as far as its turns tell; turns of systems are passed over."""
    turns = record.feedback.turns
    number = next((i for i in reversed(range(len(turns))) if turns[i].speaker != "system"), None)
    if number is None or (resolution and _UNSETTLED.fullmatch(_plain(resolution))):
        return None
    is_settled = _says(turns[number], "agent") or (_THANKS.search(turns[number].text) and not _is_negative(record, number))
    return turns[number].at if is_settled else None


def _says(turn: Turn, speaker: str) -> bool:
    return turn.speaker == speaker and bool(turn.text.strip())


def _is_negative(record: Record, turn: int) -> bool:
    felt = record.analysis.trajectory if record.analysis else ()
    return any(t.turn == turn and t.sentiment <= NEGATIVE_FROM for t in felt)


def _rating(feedback: Feedback) -> float | None:
    value = feedback.rating.satisfaction if feedback.rating else math.nan
    return value if -1 <= value <= 1 else None


def _observed(record: Record) -> set[tuple[str, str | None]]:
    return {(o.touchpoint, o.cause) for o in record.analysis.observations} if record.analysis else set()


def _commonest(values: Sequence[Iterable[Any]]) -> tuple[Any, float]:
    """Return (the value that most of the sets have, their share); the first by name among equals, (None, 0) without any."""
    counts = Counter(value for several in values for value in several)
    if not counts:
        return None, 0.0
    value, n = min(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return value, n / len(values)


def _growth(times: Sequence[datetime], begin: datetime, now: datetime) -> float | None:
    middle = begin + (now - begin) / 2
    n_before = sum(at < middle for at in times)
    return (len(times) - n_before) / n_before - 1 if n_before else None


def _plain(text: str | None) -> str:
    return " ".join(unicodedata.normalize("NFKC", text or "").lower().replace("_", " ").split())


def _ended(resolution: str, share: float, chinese: bool) -> str:
    how = ("多数" if share > 0.5 else "最常见：") if chinese else ("mostly" if share > 0.5 else "most often")
    if _UNSETTLED.fullmatch(resolution):
        return f"{how}未解决（{resolution}）" if chinese else f"{how} not resolved ({resolution})"
    if resolution in _DONE:
        return f"{how}已解决" if chinese else f"{how} resolved"
    return f"{how}以 {resolution} 解决" if chinese else f"{how} resolved by {resolution}"


def _duration(hours: float, chinese: bool) -> str:
    if hours < 1:
        return f"{60 * hours:.0f} 分钟" if chinese else f"{60 * hours:.0f} min"
    return f"{hours:.0f} 小时" if chinese else f"{hours:.0f} h"


def _days(n: int) -> str:
    return f"{n} day" if n == 1 else f"{n} days"


def _name(taxonomy: Taxonomy | None, kind: str, label_id: str, language: str) -> str:
    labels = () if taxonomy is None else getattr(taxonomy, kind)
    return next((label.zh if language == "zh" else label.en for label in labels if label.id == label_id), "") or label_id
