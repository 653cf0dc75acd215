"""Groups: records that say the same in the same words, and records that speak of the same issue in a window of time."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from cxnlp.errors import Conflict, InvalidQuery
from cxnlp.filters import Filter, Range
from cxnlp.likeness import to_cosine
from cxnlp.lines import to_iso
from cxnlp.pipeline import Encoder
from cxnlp.records import Record
from cxnlp.service.copies import MOST_IDS, Copies, OnProgress, find_copies
from cxnlp.service.issues import Case, Issue, cases_of, complains, find_issues
from cxnlp.store import Store

MOST_GROUPS: Final = 1_000
MOST_DAYS: Final = 3_650
MOST_OF_A_WINDOW: Final = 20_000
"""How many records of a window are grouped by issue."""
_ALIKE: Final = 0.25
_ALIKE_UNNAMED: Final = 0.36
_PAGE: Final = 1_000
_DAY_SECONDS: Final = 86_400
_PATIENCE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Issues:
    """The issues of a window of time.

    Attributes:
        groups: The largest first.
        n_groups: How many there are in all.
        since: Where the window begins, UTC; later than asked for if it is cut.
        until: Where it ends, UTC.
        n_records: Records in the window.
        n_before: Records that were read of the window of the same length before.
        cut: Whether the window asked for has more than `MOST_OF_A_WINDOW` records: it is shortened to the newest then.
    """

    groups: tuple[Issue, ...]
    n_groups: int
    since: datetime
    until: datetime
    n_records: int
    n_before: int
    cut: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        window = {"since": to_iso(self.since), "until": to_iso(self.until), "records": self.n_records, "records_before": self.n_before}
        groups = [issue.to_json(MOST_IDS) for issue in self.groups]
        return {"by": "issues", **window, "groups": groups, "total": self.n_groups, "cut": self.cut}


@dataclass(frozen=True, slots=True)
class _Window:
    cases: list[Case]
    n_records: int
    since: float
    cut: bool


class Groups:
    """Groups of the records in a store. They are found anew for each question, and one question at a time, since each takes a whole core."""

    def __init__(self, store: Store, encoder: Callable[[], Encoder]) -> None:
        """Begin with nothing.

        Args:
            store: Whose records.
            encoder: Gives the encoder, of which `likeness` is read; it encodes nothing here, and copies need none.
        """
        self._store = store
        self._encoder = encoder
        self._working = threading.Lock()

    def copies(
        self, filter: Filter, least: int = 2, *, limit: int = 50, most: int | None = None, on_progress: OnProgress = lambda done, total: None
    ) -> Copies:
        """Return groups of copies (templates, retweets, what was sent twice) and near-copies, the largest first.

        Records of one `copy_key` are always in one group; those whose texts share four fifths of their shingles join them.

        Args:
            filter: Which records are compared.
            least: Members of a group, 2 or more.
            limit: How many groups are returned, 1 to 1,000; the others are counted.
            most: How many records are compared, those last received; None for all.
            on_progress: Called with the number of records read and of those to read.

        Raises:
            InvalidQuery: `least` or `limit` is out of range.
            Conflict: Another question takes more than 10 seconds.
        """
        _check(least, limit)
        with self._alone():
            return find_copies(self._store, filter, least, limit, most, on_progress)

    def issues(
        self, filter: Filter, days: int = 30, least: int = 2, *, limit: int = 50, on_progress: OnProgress = lambda done, total: None
    ) -> Issues:
        """Return what customers complained of in a window of time, grouped by meaning and (touchpoint, cause), and what becomes more.

        Records of one pair are of one issue from a likeness of 0.25 to the record in the middle of the group on; one that names no cause joins
        them from 0.36 on. Records that name no cause count only if they are negative.

        Args:
            filter: Which records; an upper bound of `created_at` ends the window, else it ends now.
            days: Length of the window, 1 to 3,650; it is compared with as many days before.
            least: Records in the window that a group has, 2 or more.
            limit: How many groups are returned, 1 to 1,000; the others are counted.
            on_progress: Called with the number of records read, and at most how many will be.

        Raises:
            InvalidQuery: `days`, `least` or `limit` is out of range, or the filter says when the window begins.
            Conflict: Another question takes more than 10 seconds.
        """
        _check(least, limit)
        if not 1 <= days <= MOST_DAYS:
            raise InvalidQuery(f"days is {days}; write 1 to {MOST_DAYS}")
        last = _end(filter)
        end = last.lt if last.lt is not None else last.lte
        assert end is not None
        with self._alone():
            now = self._read(filter, replace(last, gte=end - days * _DAY_SECONDS), is_now=True, on_progress=on_progress, n_read=0)
            length = end - now.since
            before = self._read(filter, Range(gte=now.since - length, lt=now.since), is_now=False, on_progress=on_progress, n_read=now.n_records)
            exposure = (now.since - self._known_since(filter, before, now.since - length)) / length if length > 0 else 0.0
            curve = self._encoder().likeness
            cosines = to_cosine(_ALIKE, curve), to_cosine(_ALIKE_UNNAMED, curve)
            found = find_issues([*now.cases, *before.cases], cosines, least, exposure)
        since, until = (datetime.fromtimestamp(at, UTC) for at in (now.since, end))
        return Issues(tuple(found[:limit]), len(found), since, until, now.n_records, before.n_records, now.cut)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._working.acquire(timeout=_PATIENCE_SECONDS):
            raise Conflict("groups are being found for somebody else; try again in a minute")
        try:
            yield
        finally:
            self._working.release()

    def _read(self, filter: Filter, bounds: Range, *, is_now: bool, on_progress: OnProgress, n_read: int) -> _Window:
        """Return the cases of the newest records of a window; it begins at the oldest that was read if it has more."""
        wanted, cases, n, cursor = replace(filter, created_at=bounds), [], 0, None
        oldest = since = bounds.gte or 0.0
        while n < MOST_OF_A_WINDOW:
            page = self._store.feedback.page(wanted, cursor, min(_PAGE, MOST_OF_A_WINDOW - n))
            cases += self._cases([record for record in page.records if complains(record)], is_now=is_now)
            n += len(page.records)
            on_progress(n_read + n, 2 * MOST_OF_A_WINDOW)
            if page.records:
                oldest = page.records[-1].feedback.created_at.timestamp()
            cursor = page.next_cursor
            if cursor is None:
                break
        return _Window(cases, n, since if cursor is None else oldest, cursor is not None)

    def _cases(self, records: list[Record], *, is_now: bool) -> list[Case]:
        vectors = self._store.vectors.get_many([record.feedback.id for record in records])
        return [
            case
            for record in records
            if (own := vectors.get(record.feedback.id)) is not None
            for case in cases_of(record, own.document, is_now=is_now)
        ]

    def _known_since(self, filter: Filter, before: _Window, asked: float) -> float:
        """Return since when, in the time before the window, there are records to compare with: what began last week cannot have grown."""
        if before.cut:
            return before.since
        older = self._store.feedback.page(replace(filter, created_at=Range(lt=asked)), limit=1)
        if older.records:
            return asked
        first = self._store.feedback.page(replace(filter, created_at=Range(gte=asked)), limit=1, newest_first=False).records
        return first[0].feedback.created_at.timestamp() if first else asked


def _end(filter: Filter) -> Range:
    given = filter.created_at or Range()
    if given.gte is not None or given.gt is not None:
        raise InvalidQuery("created_at.gte: the window begins `days` before its end; give created_at.lte to say where it ends, and days")
    return given if given.lt is not None or given.lte is not None else Range(lte=datetime.now(UTC).timestamp())


def _check(least: int, limit: int) -> None:
    if least < 2:
        raise InvalidQuery(f"least is {least}; write 2 or more")
    if not 1 <= limit <= MOST_GROUPS:
        raise InvalidQuery(f"limit is {limit}; write 1 to {MOST_GROUPS}")
