"""What a rule asks of a record: the fields of `cxnlp.filters`, and what filters cannot say (trajectory, repeat contact, spam)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from cxnlp.errors import InvalidInput, InvalidQuery, shorten
from cxnlp.feeds.spam import is_spam
from cxnlp.filters import CHOICES, NUMBERS, TIMES, Filter, Range, as_text, filter_line, parse_filter
from cxnlp.records import CHANNELS, Analysis, Record, rounded
from cxnlp.taxonomy import Taxonomy

ENDS_LOW_FROM: Final = -0.3
LONGEST_REPEAT_DAYS: Final = 90
_OWN: Final = ("trajectory", "repeat_contact", "spam")
_NOT_IN_RULES: Final = (*TIMES, "customer")
_FIELDS: Final = (*(name for name in (*CHOICES, *NUMBERS) if name not in _NOT_IN_RULES), "attributes", *_OWN)
_LABELS: Final = ("negative", "neutral", "positive")
_NONE_KEPT: Final = Filter()
_KINDS: Final = {"touchpoint": "touchpoints", "stage": "stages", "cause": "causes", "intent": "intents", "risk": "risks"}
LABELLED: Final = tuple(_KINDS)
"""The fields whose values the taxonomy gives."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is asked of the trajectory of a conversation; None does not ask.

    Attributes:
        ends_low: Whether the last customer turn is at -0.3 or less.
        drop: How far the lowest turn is below the first, at least; in (0, 2].
        unanswered: Whether the customer spoke last.
    """

    ends_low: bool | None = None
    drop: float | None = None
    unanswered: bool | None = None


@dataclass(frozen=True, slots=True)
class RepeatContact:
    """At least `times` earlier records of the same customer about a touchpoint of this one, within so many days before it."""

    days: float
    times: int = 1


@dataclass(frozen=True, slots=True)
class Condition:
    """A conjunction; what is None or empty does not restrict."""

    filter: Filter = field(default_factory=Filter)
    course: Course | None = None
    repeat: RepeatContact | None = None
    spam: bool | None = None


def settle_condition(condition: Condition, settled: Callable[[Filter], Filter]) -> Condition:
    """Return the condition with its filter as `settled` gives it: with what became of topics that were merged since it was written."""
    return replace(condition, filter=settled(condition.filter))


def holds(condition: Condition, record: Record, contacts: Sequence[datetime]) -> bool:
    """Tell whether an analysed record fulfils a condition.

    Args:
        condition: Of a rule.
        record: With its analysis.
        contacts: When the same customer was in touch before about a touchpoint of this record.
    """
    return (
        passes(condition.filter, record)
        and (condition.course is None or _runs(condition.course, record))
        and (condition.repeat is None or n_contacts(condition.repeat, record, contacts) >= condition.repeat.times)
        and (condition.spam is None or condition.spam == is_spam([text for _, text in record.feedback.segments()]))
    )


def n_contacts(repeat: RepeatContact, record: Record, contacts: Sequence[datetime]) -> int:
    """Return how many of the earlier contacts count."""
    return sum(record.feedback.created_at - at <= timedelta(days=repeat.days) for at in contacts)


def passes(filter: Filter, record: Record) -> bool:
    """Tell whether an analysed record passes a filter, as search and lists would say."""
    feedback, analysis = record.feedback, record.analysis
    assert analysis is not None
    values: dict[str, str | None] = {name: getattr(feedback, name) for name in ("source", "channel")}
    values |= {name: getattr(analysis, name) for name in ("language", "label", "intent")}
    values["segment"] = feedback.customer.segment if feedback.customer else None
    values["topic"] = record.topic.id if record.topic else None
    numbers = {name: getattr(analysis, name) for name in ("sentiment", "confidence", "satisfaction")}
    numbers["rating"] = feedback.rating.satisfaction if feedback.rating else None
    return (
        all(not (wanted := getattr(filter, name)) or value in wanted for name, value in values.items())
        and all((bounds := getattr(filter, name)) is None or _within(bounds, value) for name, value in numbers.items())
        and (not filter.risk or any(risk.id in filter.risk for risk in analysis.risks))
        and _is_observed(filter, analysis)
        and all(_has(feedback.attributes.get(name), wanted) for name, wanted in filter.attributes.items())
    )


def _is_observed(filter: Filter, analysis: Analysis) -> bool:
    asked = [(name, wanted) for name in ("touchpoint", "stage", "cause") if (wanted := getattr(filter, name))]
    return not asked or any(all(getattr(o, name) in wanted for name, wanted in asked) for o in analysis.observations)


def _has(value: object, wanted: Sequence[str]) -> bool:
    return isinstance(value, str | int | float) and as_text(value) in wanted


def _within(bounds: Range, value: float | None) -> bool:
    if value is None:
        return False
    value = rounded(value)  # as the record shows it, so that nobody sees -0.3 unflagged
    return (
        (bounds.gte is None or value >= bounds.gte)
        and (bounds.gt is None or value > bounds.gt)
        and (bounds.lte is None or value <= bounds.lte)
        and (bounds.lt is None or value < bounds.lt)
    )


def _runs(course: Course, record: Record) -> bool:
    found = record.analysis.conversation if record.analysis else None
    if found is None:
        return False
    return (
        (course.ends_low is None or course.ends_low == (rounded(found.end) <= ENDS_LOW_FROM))
        and (course.drop is None or rounded(found.start - found.lowest) >= course.drop)
        and (course.unanswered is None or course.unanswered == found.unanswered)
    )


def parse_condition(value: object, where: str) -> Condition:
    """Return the condition that a JSON object describes.

    Args:
        value: As it was sent.
        where: Name of its place in the rule, for messages.

    Raises:
        InvalidInput: A field is unknown, or no record can fulfil it; the message names it and what to write.
    """
    if not isinstance(value, Mapping) or not value:
        raise InvalidInput(f"{where} is {shorten(value)!r}; write a condition such as {{sentiment: {{lte: -0.3}}, channel: [chat]}}")
    if unknown := [name for name in value if name not in _FIELDS]:
        raise InvalidInput(f"{where}.{shorten(unknown[0])} is no condition of a rule; known are {', '.join(_FIELDS)}")
    try:
        parsed = parse_filter({name: given for name, given in value.items() if name not in _OWN})
    except InvalidQuery as error:
        raise InvalidInput(f"{where}: {str(error).removeprefix('filter: ')}") from None
    _check_possible(parsed, where)
    return Condition(
        parsed,
        _parse_course(value["trajectory"], f"{where}.trajectory") if value.get("trajectory") is not None else None,
        _parse_repeat(value["repeat_contact"], f"{where}.repeat_contact") if value.get("repeat_contact") is not None else None,
        _flag(value["spam"], f"{where}.spam") if value.get("spam") is not None else None,
    )


def condition_line(condition: Condition) -> dict[str, Any]:
    """Return the JSON object that `parse_condition` reads as this condition."""
    line = filter_line(condition.filter)
    if condition.course:
        line["trajectory"] = {f.name: value for f in fields(Course) if (value := getattr(condition.course, f.name)) is not None}
    if condition.repeat:
        line["repeat_contact"] = {"days": condition.repeat.days, "times": condition.repeat.times}
    return line if condition.spam is None else line | {"spam": condition.spam}


def check_labels(filter: Filter, taxonomy: Taxonomy, where: str, kept: Filter = _NONE_KEPT) -> None:
    """See to it that the channels and labels that a filter names exist, for a misspelt one would never be met.

    Args:
        filter: As it was given.
        taxonomy: Whose labels exist.
        where: Name of its place, for messages.
        kept: Names labels that may be asked for besides, though the taxonomy has them no more.

    Raises:
        InvalidInput: One does not; the message names the one that is spelt most like it.
    """
    known = {name: taxonomy.ids(kind) for name, kind in _KINDS.items()} | {"channel": CHANNELS, "label": _LABELS}
    for name, ids in known.items():
        _check_known(f"{where}.{name}", [value for value in getattr(filter, name) if value not in getattr(kept, name)], ids)


def nearest(given: str, known: Sequence[str]) -> str:
    """Return `did you mean ...? ` with what is spelt most like it, for messages; empty if nothing is."""
    found = get_close_matches(shorten(given).lower(), known, n=1)
    return f"did you mean {found[0]!r}? " if found else ""


def _check_known(where: str, given: Sequence[str], known: Sequence[str]) -> None:
    if unknown := [value for value in given if value not in known]:
        told = f"{where} is {shorten(unknown[0])!r}, which no record can have; {nearest(unknown[0], known)}write one of {', '.join(known)}"
        raise InvalidInput(told)


def _check_possible(filter: Filter, where: str) -> None:
    for name, known in (("channel", CHANNELS), ("label", _LABELS)):
        _check_known(f"{where}.{name}", getattr(filter, name), known)
    for name in NUMBERS:
        low = 0.0 if name == "confidence" else -1.0
        bounds = getattr(filter, name)
        if bounds and not _has_room(bounds, low):
            given = filter_line(Filter(**{name: bounds}))[name]
            raise InvalidInput(f"{where}.{name} is {given}, which no record can meet; it lies between {low:g} and 1")


def _has_room(bounds: Range, low: float) -> bool:
    floor = max((bounds.gte if bounds.gte is not None else low, 0), (bounds.gt if bounds.gt is not None else low - 1, 1), (low, 0))
    ceiling = min((bounds.lte if bounds.lte is not None else 1.0, 0), (bounds.lt if bounds.lt is not None else 2.0, -1), (1.0, 0))
    return floor[0] < ceiling[0] or (floor[0] == ceiling[0] and floor[1] == ceiling[1] == 0)


def _parse_course(value: object, where: str) -> Course:
    names = [f.name for f in fields(Course)]
    if not isinstance(value, Mapping) or not value or not set(value) <= set(names):
        raise InvalidInput(f"{where} is {shorten(value)!r}; write {{ends_low: true, drop: 0.5, unanswered: true}}, at least one of them")
    drop = value.get("drop")
    if drop is not None and (isinstance(drop, bool) or not isinstance(drop, int | float) or not 0 < drop <= 2):
        raise InvalidInput(f"{where}.drop is {shorten(drop)!r}; write how far the feeling must fall, over 0 and at most 2")
    ends_low, unanswered = (None if value.get(n) is None else _flag(value[n], f"{where}.{n}") for n in ("ends_low", "unanswered"))
    return Course(ends_low, drop, unanswered)


def _parse_repeat(value: object, where: str) -> RepeatContact:
    if not isinstance(value, Mapping) or "days" not in value or not set(value) <= {"days", "times"}:
        raise InvalidInput(f"{where} is {shorten(value)!r}; write {{days: 7}}, or {{days: 7, times: 2}} for a third contact")
    days, times = value["days"], value.get("times", 1)
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 < days <= LONGEST_REPEAT_DAYS:
        raise InvalidInput(f"{where}.days is {shorten(days)!r}; write a number over 0, at most {LONGEST_REPEAT_DAYS}")
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= 10:
        raise InvalidInput(f"{where}.times is {shorten(times)!r}; write how many earlier contacts there must be, 1 to 10")
    return RepeatContact(days, times)


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{where} is {shorten(value)!r}; write true or false")
    return value
