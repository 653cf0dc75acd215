"""Reading, mapping and validating in a row: from a file to `Feedback`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cxnlp.errors import InvalidFeedback, InvalidInput
from cxnlp.ingest.columns import ColumnMapping, complete_record, guess
from cxnlp.ingest.formats import stem_of
from cxnlp.ingest.readers import Reading
from cxnlp.ingest.rows import WHOLE_FILE, Rejection, Row
from cxnlp.ingest.tally import Tally
from cxnlp.ingest.validation import Defaults, parse
from cxnlp.records import Feedback


@dataclass(frozen=True, slots=True)
class Loaded:
    """A row that became a record; number and origin as in `Row`."""

    number: int
    origin: str
    feedback: Feedback


@dataclass(frozen=True, slots=True)
class _File:
    """What holds for one file; without a mapping its rows are in the record format or name their fields themselves."""

    origin: str
    defaults: Defaults
    mapping: ColumnMapping | None
    is_usable: bool = True


def load(reading: Reading, defaults: Defaults, overrides: Mapping[str, str] | None = None) -> Iterator[Loaded | Rejection]:
    """Yield a record or a rejection for everything that `reading` yields, in order.

    How the columns of each file are read, and warnings, join `reading.notices`.

    Args:
        reading: As `readers.read` returns it.
        defaults: An empty source stands for the stem of each file's name; the tally is renewed for each file.
        overrides: Field -> column.

    Raises:
        InvalidInput: The columns of the one file cannot be mapped; in a folder that is a rejection of the file instead.
    """
    file: _File | None = None
    for item in reading:
        if isinstance(item, Rejection):
            yield item
            continue
        if file is None or file.origin != item.origin:
            opened = _open(reading, item, defaults, overrides or {})
            if isinstance(opened, Rejection):
                yield opened
            file = opened if isinstance(opened, _File) else _File(item.origin, defaults, None, is_usable=False)
        if file.is_usable:
            n_warnings = len(file.defaults.tally.warnings)
            yield _load_row(item, file, overrides or {})
            reading.notices.extend(file.defaults.tally.warnings[n_warnings:])


def _open(reading: Reading, first: Row, defaults: Defaults, overrides: Mapping[str, str]) -> _File | Rejection:
    own = replace(defaults, source=defaults.source or stem_of(first.origin), tally=Tally())
    if first.columns is None:
        return _File(first.origin, own, None)
    try:
        mapping = guess(first.columns, overrides, first.origin)
    except InvalidInput as error:
        if not reading.is_folder:
            raise
        return Rejection(WHOLE_FILE, "file", first.origin, str(error), "read it by itself with --map", first.origin)
    reading.notices.append(f"{first.origin}: its columns are read as\n{mapping}")
    return _File(first.origin, own, mapping)


def _load_row(row: Row, file: _File, overrides: Mapping[str, str]) -> Loaded | Rejection:
    try:
        values = file.mapping.apply(row.values) if file.mapping else complete_record(row.values, overrides)
        return Loaded(row.number, row.origin, parse(values, file.defaults))
    except InvalidFeedback as error:
        return Rejection(row.number, error.field, error.value, error.problem, error.remedy, row.origin)
    except InvalidInput as error:
        return Rejection(row.number, "text", "", str(error), "name its fields as the record format does, or use --map", row.origin)
