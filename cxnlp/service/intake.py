"""Receiving: validate, mask, store, acknowledge, row by row; and forgetting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Final, Literal

from cxnlp.errors import InvalidFeedback, InvalidInput, shorten
from cxnlp.ingest.jsontext import parse_record
from cxnlp.ingest.lines import MOST_LINE_BYTES
from cxnlp.ingest.loading import Loaded, load
from cxnlp.ingest.readers import Reading
from cxnlp.ingest.rows import Rejection
from cxnlp.ingest.validation import Defaults, parse
from cxnlp.privacy import Masker
from cxnlp.records import Feedback

if TYPE_CHECKING:
    from cxnlp.store import Store

Status = Literal["accepted", "duplicate", "updated", "rejected"]
ROWS_A_TRANSACTION: Final = 500
HTTP_SOURCE: Final = "api"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row.

    Attributes:
        status: accepted, duplicate, updated or rejected.
        id: Public id of the record; None when rejected.
        rejection: Why, when rejected; its value is masked.
        row: Number of the row, from 1; 0 for a file or a part of one.
        origin: Name of the file, or empty.
    """

    status: Status
    id: str | None = None
    rejection: Rejection | None = None
    row: int = 0
    origin: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as the API and rejects files show it."""
        line: dict[str, Any] = {"status": self.status}
        if self.id:
            line["id"] = self.id
        if self.origin:
            line["file"] = self.origin
        if self.row:
            line["row"] = self.row
        if self.rejection:
            names = ("field", "value", "problem", "remedy")
            line["error"] = {name: getattr(self.rejection, name) for name in names}
        return line


def count(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return the four counts, which add up to the number of outcomes."""
    found = Counter(outcome.status for outcome in outcomes)
    return {status: found[status] for status in ("accepted", "duplicate", "updated", "rejected")}


@dataclass(frozen=True)
class Intake:
    """Takes feedback in.

    Attributes:
        masker: What is masked.
        key: Secret of the hashes.
        timezone: Zone of times without one.
    """

    masker: Masker
    key: bytes
    timezone: tzinfo

    def receive(self, store: Store, rows: Sequence[object], *, first_row: int = 1) -> list[Outcome]:
        """Store rows of an HTTP body in one transaction; when this returns, the accepted ones are durable.

        Args:
            store: Where to.
            rows: JSON objects in the record format; anything else is rejected.
            first_row: Number of the first one.
        """
        defaults = self.begin()
        parsed = [self._parse(row, number, defaults) for number, row in enumerate(rows, first_row)]
        return self._add(store, parsed, defaults.received_at)

    def begin(self) -> Defaults:
        """Return what holds for the rows of one HTTP request; it also remembers which rows without an id have come already."""
        return Defaults(HTTP_SOURCE, datetime.now(UTC), self.key, timezone=self.timezone)

    def receive_lines(self, store: Store, lines: Sequence[tuple[int, bytes | None]], defaults: Defaults) -> list[Outcome]:
        """Store part of an NDJSON stream in one transaction; as `receive`, for lines.

        Args:
            store: Where to.
            lines: Their numbers, from 1, and contents; None for one that was too long to be read.
            defaults: As `begin` returned it for this stream.
        """
        return self._add(store, [self._parse_line(line, number, defaults) for number, line in lines], datetime.now(UTC))

    def load(self, store: Store, items: Iterable[Loaded | Rejection]) -> Iterator[Outcome]:
        """Store what a reading yields in transactions of 500 rows; yield an outcome a row, in order, once it is durable."""
        held: list[Loaded | Rejection] = []
        for item in items:
            held.append(item)
            if len(held) >= ROWS_A_TRANSACTION:
                yield from self._add(store, held, datetime.now(UTC))
                held = []
        yield from self._add(store, held, datetime.now(UTC))

    def read(
        self, reading: Reading, overrides: Mapping[str, str], change: Callable[[Feedback], Feedback] | None = None, **defaults: Any
    ) -> Iterator[Loaded | Rejection]:
        """Yield the masked records and the rejections of a reading.

        Args:
            reading: As `cxnlp.ingest.readers.read` returns it.
            overrides: Field -> column.
            change: Applied to each record.
            defaults: `source` or `channel` of rows that name none.
        """
        start = Defaults(defaults.pop("source", "") or "", datetime.now(UTC), self.key, timezone=self.timezone, **defaults)
        for item in load(reading, start, overrides):
            if isinstance(item, Rejection):
                yield replace(item, value=self.masker.mask(item.value))
            else:
                masked = self.mask(item.feedback)
                yield replace(item, feedback=change(masked) if change else masked)

    def parse(self, row: Mapping[str, object]) -> Feedback:
        """Return one validated and masked record of an HTTP body.

        Raises:
            InvalidFeedback: It cannot be used; the value is masked.
        """
        parsed = self._parse(row, 1, self.begin())
        if isinstance(parsed, Rejection):
            raise InvalidFeedback(parsed.field, parsed.value, parsed.problem, parsed.remedy)
        return parsed.feedback

    def mask(self, feedback: Feedback) -> Feedback:
        """Return a record whose every free text is masked."""
        mask = self.masker.mask
        turns = tuple(replace(turn, text=mask(turn.text)) for turn in feedback.turns)
        attributes = {name: self.masker.mask_value(value) for name, value in feedback.attributes.items()}
        return replace(feedback, text=mask(feedback.text), turns=turns, attributes=attributes)

    def _parse_line(self, line: bytes | None, number: int, defaults: Defaults) -> Loaded | Rejection:
        if line is None:
            return Rejection(number, "line", "", f"is longer than {MOST_LINE_BYTES >> 20} MB", "split it", "")
        try:
            row = parse_record(line)
        except InvalidFeedback as error:
            return Rejection(number, error.field, self.masker.mask(error.value), error.problem, error.remedy, "")
        return self._parse(row, number, defaults)

    def _parse(self, row: object, number: int, defaults: Defaults) -> Loaded | Rejection:
        if not isinstance(row, Mapping):
            value = self.masker.mask(shorten(row))
            return Rejection(number, "record", value, "is not a JSON object", 'send {"text": "..."} with the fields of the record format', "")
        try:
            return Loaded(number, "", self.mask(parse(row, defaults)))
        except InvalidFeedback as error:
            return Rejection(number, error.field, self.masker.mask(error.value), error.problem, error.remedy, "")
        except InvalidInput as error:
            return Rejection(number, "record", "", str(error), "send it in the record format", "")

    def _add(self, store: Store, items: Sequence[Loaded | Rejection], now: datetime) -> list[Outcome]:
        receipts = iter(store.feedback.add([item.feedback for item in items if isinstance(item, Loaded)], now))
        outcomes = []
        for item in items:
            if isinstance(item, Rejection):
                outcomes.append(Outcome("rejected", None, item, item.number, item.origin))
            else:
                receipt = next(receipts)
                outcomes.append(Outcome(receipt.status, receipt.id, None, item.number, item.origin))
        return outcomes
