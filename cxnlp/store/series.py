"""Daily counts of what is analysed, by everything that a series can be: one grouped statement a dimension."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Integer, Select, Subquery, and_, case, func, literal, literal_column, select, true

from cxnlp.errors import InvalidQuery, shorten
from cxnlp.records import NEGATIVE_FROM
from cxnlp.store import dialect
from cxnlp.store.database import Database
from cxnlp.store.events import ANALYZED
from cxnlp.store.schema import analyses, events, feedback, observations
from cxnlp.store.topics.tables import topic_members

DIMENSIONS: Final = ("all", "channel", "stage", "touchpoint", "cause", "pair", "topic", "segment")
ATTRIBUTE: Final = "attributes."
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_SECONDS: Final = 86_400
_FEW: Final = ("all", "channel", "stage")
_GOOD_CSAT: Final = 4
_PROMOTES, _DETRACTS = 9, 6


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of days of a time zone, by number (`date.toordinal`), both ends included."""

    first: int
    last: int
    zone: ZoneInfo

    @property
    def start(self) -> float:
        """The beginning of the first day, POSIX seconds."""
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> float:
        """The end of the last day, POSIX seconds."""
        return _midnight(self.last + 1, self.zone)

    def offsets(self) -> list[tuple[float, float]]:
        """Return (until, seconds east of UTC) of each stretch without a change of the clocks, in order."""
        found, start = [], self.start
        for day in range(self.first, self.last + 1):
            end = _midnight(day + 1, self.zone)
            if _offset(end, self.zone) != _offset(start, self.zone):
                seconds = range(int(start), int(end) + 1)
                turn = seconds[bisect_left(seconds, True, key=lambda at: _offset(at, self.zone) != _offset(start, self.zone))]
                found.append((float(turn), _offset(start, self.zone)))
                start = float(turn)
        return [*found, (self.end, _offset(start, self.zone))]


@dataclass(frozen=True, slots=True)
class Told:
    """What one record adds to one series: `weight` is 1 by the number of values that the record has in the dimension."""

    value: str
    seq: int
    day: int
    weight: float
    counts: tuple[float, ...]


class SeriesTable:
    """Series, counted anew from the records each time, so that they are exact after updates and deletions.

    Counts are, in this order: records, negative ones, complaints, sum of sentiment, sum of its squares; CSAT answers of 4 or 5 and all CSAT answers;
    NPS promoters (9, 10), detractors (0 to 6) and all NPS answers. Of a touchpoint, cause, stage or pair, sentiment is that of the observations.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def daily(
        self, dimension: str, days: Days, most_values: int = 200, within: tuple[str, str] | None = None, weighted: bool = False
    ) -> list[tuple[str, int, tuple[float, ...]]]:
        """Return (value, day, counts) for each day on which a series has records.

        Args:
            dimension: One of `DIMENSIONS`, or `attributes.NAME`.
            days: Of the records.
            most_values: Only the so many values with the most records.
            within: (dimension, value) of a series; only its records are counted.
            weighted: Let a record count for each of its values only in part, so that the values sum up to the records that have any.

        Raises:
            InvalidQuery: There is no such dimension.
        """
        with self._database.read() as connection:
            facts = _facts(connection, dimension, days, within)
            part = facts.c.weight if weighted else literal(1.0)
            sums = [func.sum(facts.c[f"c{i}"] * part) for i in range(_N_COUNTS)]
            query = select(facts.c.value, facts.c.day, *sums).group_by(facts.c.value, facts.c.day)
            if dimension not in _FEW:
                largest = select(facts.c.value).group_by(facts.c.value).order_by(func.count().desc(), facts.c.value).limit(most_values)
                query = query.where(facts.c.value.in_(largest))
            rows = connection.execute(query.order_by(facts.c.value, facts.c.day)).all()
        return [(row[0], row[1], tuple(float(value) for value in row[2:])) for row in rows]

    def told(self, dimension: str, days: Days, within: tuple[str, str] | None = None) -> list[Told]:
        """Return what each record adds to which series of a dimension; arguments as `daily`.

        Raises:
            InvalidQuery: There is no such dimension.
        """
        with self._database.read() as connection:
            facts = _facts(connection, dimension, days, within)
            columns = (facts.c.value, facts.c.seq, facts.c.day, facts.c.weight, *(facts.c[f"c{i}"] for i in range(_N_COUNTS)))
            rows = connection.execute(select(*columns).order_by(facts.c.seq, facts.c.value)).all()
        return [Told(row[0], row[1], row[2], float(row[3]), tuple(float(value) for value in row[4:])) for row in rows]

    def touched(self, after: int, upto: int, zone: ZoneInfo, limit: int = 4_000) -> list[int]:
        """Return the numbers of the days of which records were analysed by events numbered above `after` and up to `upto`, ascending."""
        found: set[int] = set()
        query = select(feedback.c.created_at).distinct().join(events, events.c.record_id == feedback.c.id)
        with self._database.read() as connection:
            for low in range(after, upto, limit):
                part = (events.c.seq > low) & (events.c.seq <= min(upto, low + limit)) & (events.c.type == ANALYZED)
                found |= {day_of(at, zone) for at in connection.execute(query.where(part)).scalars()}
        return sorted(found)

    def bounds(self, zone: ZoneInfo) -> tuple[int, int] | None:
        """Return the numbers of the days of the oldest and the newest record; None where there is none."""
        with self._database.read() as connection:
            low, high = connection.execute(select(func.min(feedback.c.created_at), func.max(feedback.c.created_at))).one()
        return None if low is None else (day_of(low, zone), day_of(high, zone))

    def ids(self, seqs: Sequence[int]) -> list[str]:
        """Return the public ids of records by their numbers, in that order; those that are gone are left out."""
        with self._database.read() as connection:
            known = dict(connection.execute(select(feedback.c.seq, feedback.c.id).where(feedback.c.seq.in_(list(seqs)))).all())
        return [known[seq] for seq in seqs if seq in known]


def day_of(at: float, zone: ZoneInfo) -> int:
    """Return the number of the day of a time zone in which a time lies, POSIX seconds."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).toordinal()


def _midnight(day: int, zone: ZoneInfo) -> float:
    return datetime.combine(date.fromordinal(day), time(), zone).timestamp()


def _offset(at: float, zone: ZoneInfo) -> float:
    offset = datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset() or timedelta()
    return offset.total_seconds()


def _counts(sentiment: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    scale, value = feedback.c.rating_scale, feedback.c.rating_value

    def told(condition: ColumnElement[bool]) -> ColumnElement[Any]:
        return case((condition, 1.0), else_=0.0)

    csat, nps = scale == "csat", scale == "nps"
    said = [literal(1.0), told(sentiment <= NEGATIVE_FROM), told(analyses.c.intent == "complaint"), sentiment, sentiment * sentiment]
    return [*said, told(csat & (value >= _GOOD_CSAT)), told(csat), told(nps & (value >= _PROMOTES)), told(nps & (value <= _DETRACTS)), told(nps)]


_N_COUNTS: Final = len(_counts(literal(0.0)))
_VALUES: Final[dict[str, ColumnElement[Any]]] = {
    "stage": observations.c.stage,
    "touchpoint": observations.c.touchpoint,
    "cause": observations.c.cause,
    "pair": observations.c.touchpoint + literal_column("'/'") + observations.c.cause,
}


def _facts(connection: Connection, dimension: str, days: Days, within: tuple[str, str] | None) -> Subquery:
    """Return one row for each record and value: value, seq, day, weight, and the counts c0, c1, ..."""
    inside = [feedback.c.created_at >= days.start, feedback.c.created_at < days.end]
    if within is not None and within[0] != "all":
        inside.append(feedback.c.seq.in_(_seqs(connection, *within, days)))
    shown = feedback.join(analyses, (analyses.c.seq == feedback.c.seq) & (analyses.c.version == feedback.c.version))
    if dimension in _VALUES:
        value = _VALUES[dimension]
        feeling = func.avg(observations.c.sentiment).label("feeling")
        seen = select(observations.c.seq, value.label("value"), feeling).join(feedback, feedback.c.seq == observations.c.seq)
        said = seen.where(value.is_not(None), *inside).group_by(observations.c.seq, value).subquery()
        weight = (1.0 / func.count().over(partition_by=said.c.seq)).label("weight")
        columns, source = [said.c.value, weight, *_labelled(_counts(said.c.feeling))], shown.join(said, said.c.seq == feedback.c.seq)
        condition: ColumnElement[bool] = true()
    else:
        named, source = _value(connection, dimension, shown)
        columns = [named.label("value"), literal(1.0).label("weight"), *_labelled(_counts(analyses.c.sentiment))]
        condition = and_(named.is_not(None), *inside)
    query: Select[Any] = select(feedback.c.seq, _day(connection, days).label("day"), *columns).select_from(source).where(condition)
    return query.subquery()


def _value(connection: Connection, dimension: str, shown: Any) -> tuple[ColumnElement[Any], Any]:
    if dimension == "all":
        return literal(""), shown
    if dimension in ("channel", "segment"):
        return feedback.c[dimension], shown
    if dimension == "topic":
        mine = (topic_members.c.seq == feedback.c.seq) & (topic_members.c.kind == "documents")
        return topic_members.c.topic_id, shown.join(topic_members, mine)
    if dimension.startswith(ATTRIBUTE) and len(dimension) > len(ATTRIBUTE):
        return dialect.attribute_text(connection, feedback.c.attributes, dimension.removeprefix(ATTRIBUTE)), shown
    raise InvalidQuery(f"dimension is {shorten(dimension)!r}; write one of {', '.join(DIMENSIONS)} or attributes.NAME")


def _seqs(connection: Connection, dimension: str, value: str, days: Days) -> Select[Any]:
    """Return the numbers of the records of a series."""
    if dimension in _VALUES:
        return select(observations.c.seq).where(_VALUES[dimension] == value)
    named, source = _value(connection, dimension, feedback)
    inside = (feedback.c.created_at >= days.start) & (feedback.c.created_at < days.end)
    return select(feedback.c.seq).select_from(source).where(named == value, inside)


def _labelled(counts: Sequence[ColumnElement[Any]]) -> Iterator[ColumnElement[Any]]:
    for i, count in enumerate(counts):
        yield count.label(f"c{i}")


def _day(connection: Connection, days: Days) -> ColumnElement[int]:
    """Return the number of the day of a record's `created_at`, in the zone of the days."""
    offsets = days.offsets()
    east: ColumnElement[Any] = literal(offsets[-1][1])
    if len(offsets) > 1:
        east = case(*((feedback.c.created_at < until, offset) for until, offset in offsets[:-1]), else_=offsets[-1][1])
    return dialect.whole_part(connection, (feedback.c.created_at + east) / _DAY_SECONDS) + literal(_EPOCH, Integer)
