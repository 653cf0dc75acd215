"""What moved in a day or a week, in one page for people: how much was said and how it felt, and which alerts came, stay and went."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, TypeAlias

import numpy as np

from cxnlp.feeds.notices import LANGUAGES, Notice
from cxnlp.insight import sums_over
from cxnlp.insight.series import ALL, MEASURES, measured
from cxnlp.insight.words import describe_change
from cxnlp.service.movements import Movements
from cxnlp.store import Alert, Store
from cxnlp.store.alerts import OPEN, RESOLVED

Period: TypeAlias = Literal["day", "week"]
DAYS: Final[Mapping[Period, int]] = {"day": 1, "week": 7}
_WEEK: Final = 7
_AT_ONCE: Final = 1_000
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "day": ("What moved on {last}", "{last} 变动日报"),
    "week": ("What moved from {first} to {last}", "{first} 至 {last} 变动周报"),
    "opened": ("New alerts", "新告警"),
    "staying": ("Still going on", "仍在持续"),
    "resolved": ("Resolved", "已解除"),
    "nothing": ("Nothing moved more than chance would have it.", "没有超出偶然范围的变动。"),
    "silence": ("No feedback came.", "没有收到反馈。"),
    "alert": ("- {summary} (since {since}, {state}, {id})", "- {summary}（始于 {since}，{state}，{id}）"),
    "look": ("More about each: cxnlp alerts show ID", "详情：cxnlp alerts show ID"),
}
_STATES: Final[Mapping[str, tuple[str, str]]] = {
    OPEN: ("open", "未处理"),
    "acknowledged": ("acknowledged", "已受理"),
    "snoozed": ("snoozed", "已推迟"),
    RESOLVED: ("resolved", "已解除"),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """What moved in a day or a week.

    Attributes:
        period: `day` or `week`.
        first: Its first day.
        last: Its last day, included.
        figures: Of all feedback, (measure, value, value on the same days a week before); those that nobody answered are left out, None before.
        opened: Alerts that came in the last 24 hours or 7 times 24 hours, the oldest first; historical ones are left out.
        staying: That came before and are not resolved.
        resolved: That were resolved since, and had come before.
    """

    period: Period
    first: date
    last: date
    figures: tuple[tuple[str, float, float | None], ...]
    opened: tuple[Alert, ...]
    staying: tuple[Alert, ...]
    resolved: tuple[Alert, ...]


def read_digest(movements: Movements, period: Period, now: datetime) -> Digest:
    """Return what moved in the last whole day, or the last seven, of the zone of the settings.

    Alerts are those since the same time a day or a week ago, so that each is new once if this is asked for at the same time every day or week:
    a day is looked at once more when it is over.

    Args:
        movements: The series of a store.
        period: How long.
        now: The time, with a zone.
    """
    last = now.astimezone(movements.zone).date() - timedelta(days=1)
    first, begin = last - timedelta(days=DAYS[period] - 1), now - timedelta(days=DAYS[period])
    alerts = sorted(_alerts(movements.store), key=lambda a: a.opened_at)
    earlier = [a for a in alerts if a.opened_at < begin]
    return Digest(
        period=period,
        first=first,
        last=last,
        figures=tuple(_figures(movements, first.toordinal(), last.toordinal())),
        opened=tuple(a for a in alerts if a.opened_at >= begin),
        staying=tuple(a for a in earlier if a.resolved_at is None),
        resolved=tuple(a for a in earlier if a.resolved_at is not None and a.resolved_at >= begin),
    )


def make_notice(digest: Digest, language: str) -> Notice:
    """Return a digest as people are told of it.

    Args:
        digest: What moved.
        language: `en` or `zh`.
    """
    at = LANGUAGES.index(language)
    facts = [("", describe_change(*figure)[language]) for figure in digest.figures] or [("", _WORDS["silence"][at])]
    for name in ("opened", "staying", "resolved"):
        alerts: Sequence[Alert] = getattr(digest, name)
        if alerts:
            facts.append((_WORDS[name][at], str(len(alerts))))
            facts += [("", _line(alert, language)) for alert in alerts]
    has_moved = bool(digest.opened or digest.staying or digest.resolved)
    if not has_moved:
        facts.append(("", _WORDS["nothing"][at]))
    title = _WORDS[digest.period][at].format(first=digest.first, last=digest.last)
    return Notice(title, tuple(facts), (), _WORDS["look"][at] if has_moved else "")


def _figures(movements: Movements, first: int, last: int) -> Iterator[tuple[str, float, float | None]]:
    panel = movements.panel(first - _WEEK, last, (ALL,))
    if not panel.keys:
        return
    now, before = (sums_over(panel, range(first - ago, last - ago + 1))[0] for ago in (0, _WEEK))
    for measure in MEASURES:
        value, value_before = (float(measured(measure, sums)) for sums in (now, before))
        if not np.isnan(value) and now[0]:
            yield measure, value, None if np.isnan(value_before) else value_before


def _alerts(store: Store) -> Iterator[Alert]:
    cursor = None
    while True:
        page = store.alerts.page(None, False, cursor, _AT_ONCE)
        yield from page.alerts
        if (cursor := page.next_cursor) is None:
            return


def _line(alert: Alert, language: str) -> str:
    at = LANGUAGES.index(language)
    line = alert.to_line()
    told = {"summary": line.get("summary", {}).get(language, alert.moved.measure), "since": line["since"], "id": alert.id}
    return _WORDS["alert"][at].format(state=_STATES[alert.state][at], **told)
