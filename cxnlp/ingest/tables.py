"""Excel and Parquet tables."""

import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from cxnlp.errors import InvalidInput
from cxnlp.ingest.delimited import name_columns
from cxnlp.ingest.rows import WHOLE_FILE, ReadOptions, Rejection, Row

_MOST_UNPACKED_BYTES: Final = 2 << 30
_BATCH_ROWS: Final = 1024


def read_sheet(
    stream: BinaryIO, origin: str, options: ReadOptions, notify: Callable[[str], None], report: Callable[[float], None]
) -> Iterator[Row | Rejection]:
    """Yield the rows of one Excel sheet, whose first row that is not empty names the columns; empty rows are passed over.

    Args:
        stream: The workbook, seekable.
        origin: Its name.
        options: Names the sheet; else the first that is not empty is read, and the others are named to `notify`.
        notify: Takes what the user should know.
        report: Takes the share that is read, 0 to 1.

    Raises:
        InvalidInput: It is no workbook, is locked by a password, unpacks to over 2 GB, or has no such sheet.
    """
    _refuse_zip_bomb(stream, origin)
    try:
        book = CalamineWorkbook.from_filelike(stream)
        sheet = options.sheet
        names = [sheet] if sheet else book.sheet_names
        if sheet and sheet not in book.sheet_names:
            raise InvalidInput(f"{origin}: there is no sheet {sheet!r}; it has {', '.join(book.sheet_names)}")
        filled = [name for name in names if book.get_sheet_by_name(name).height > 0]
    except PasswordError as error:
        raise InvalidInput(f"{origin} is locked by a password; save it without") from error
    except CalamineError as error:
        raise InvalidInput(f"{origin} cannot be read as Excel, it may be cut off ({str(error)[:80]}); save it again") from error
    if len(filled) > 1:
        notify(f"{origin}: only sheet {filled[0]!r} is read; choose another with --sheet: {', '.join(filled[1:])}")
    if not filled:
        return
    table = book.get_sheet_by_name(filled[0])
    rows = (row for row in table.iter_rows() if any(cell != "" for cell in row))
    columns = name_columns([str(cell) for cell in next(rows, [])], origin, options.overrides)
    for number, row in enumerate(rows, start=1):
        report(number / max(number, table.height))
        yield Row(number, {name: _cell(value) for name, value in zip(columns, row, strict=False)}, origin, columns)


def read_parquet(stream: BinaryIO, origin: str, overrides: Mapping[str, str], report: Callable[[float], None]) -> Iterator[Row | Rejection]:
    """Yield the rows of a Parquet file, row group by row group; a damaged group yields one rejection and the others are kept.

    Args:
        stream: The file, seekable.
        origin: Its name.
        overrides: Field -> column.
        report: Takes the share that is read, 0 to 1.

    Raises:
        InvalidInput: A column name is repeated.
    """
    try:
        file = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        problem = f"is no Parquet, or is cut off: its columns stand at its end, so nothing before can be read ({str(error)[:80]})"
        yield Rejection(WHOLE_FILE, "file", origin, problem, "copy it again", origin)
        return
    columns = name_columns(file.schema_arrow.names, origin, overrides)
    number = 0
    for group in range(file.num_row_groups):
        first, n_rows = number, file.metadata.row_group(group).num_rows
        try:
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group]):
                for row in _batch_rows(batch, number, origin, columns):
                    number += 1
                    yield row
                report(number / file.metadata.num_rows)
        except (pa.ArrowException, OSError) as error:
            problem = f"is damaged: rows {number + 1} to {first + n_rows} are lost ({str(error)[:80]})"
            yield Rejection(WHOLE_FILE, "file", origin, problem, "copy it again", origin)
            number = first + n_rows


def _refuse_zip_bomb(stream: BinaryIO, origin: str) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError):
        size = 0
    if size > _MOST_UNPACKED_BYTES:
        raise InvalidInput(f"{origin} unpacks to {size >> 20} MB; save it as CSV")
    stream.seek(0)


def _cell(value: object) -> object:
    """Return a whole float as int, since Excel knows no other numbers."""
    return int(value) if isinstance(value, float) and math.isfinite(value) and value.is_integer() else value


def _batch_rows(batch: pa.RecordBatch, before: int, origin: str, columns: tuple[str, ...]) -> Iterator[Row | Rejection]:
    arrays = [_without_nanoseconds(column) for column in batch.columns]
    try:
        lists = [array.to_pylist() for array in arrays]
    except (pa.ArrowException, ValueError, OverflowError):
        for i in range(batch.num_rows):
            yield _single_row(arrays, i, before + i + 1, origin, columns)
        return
    for number, values in enumerate(zip(*lists, strict=True), start=before + 1):
        yield Row(number, dict(zip(columns, values, strict=True)), origin, columns)


def _single_row(arrays: list[pa.Array], i: int, number: int, origin: str, columns: tuple[str, ...]) -> Row | Rejection:
    values: dict[str, object] = {}
    for name, array in zip(columns, arrays, strict=True):
        try:
            values[name] = array[i].as_py()
        except (pa.ArrowException, ValueError, OverflowError) as error:
            return Rejection(number, name, "", f"cannot be decoded ({str(error)[:80]})", "write it again as UTF-8 or a plain type", origin)
    return Row(number, values, origin, columns)


def _without_nanoseconds(array: pa.Array) -> pa.Array:
    """Return times cut to microseconds, which is what Python holds; others, and dictionaries decoded, as they are."""
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_timestamp(array.type) and array.type.unit == "ns":
        return array.cast(pa.timestamp("us", array.type.tz), safe=False)
    return array
