"""What reading yields: rows, rejections, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

FORMATS = ("csv", "tsv", "xlsx", "xls", "json", "jsonl", "parquet", "vtt", "srt", "transcript", "lines")
WHOLE_FILE = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One record as it stands in a file.

    Attributes:
        number: Position in its file, from 1: of the data row, of the line (JSONL), of the record (JSON), of the conversation (transcripts).
        values: Its values by column or by name.
        origin: Name of the file, `reviews.csv`; `stdin` for standard input.
        columns: The columns of the table it belongs to; None where every record brings its own names (JSON) or is in the record format already.
    """

    number: int
    values: dict[str, object]
    origin: str
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that cannot be used, or, as number 0, a file or a part of one.

    Attributes:
        number: As in `Row`; 0 means the file.
        field: Column or field, `line` or `file`.
        value: What stands there, shortened; not masked.
        problem: What is wrong with it.
        remedy: What to do.
        origin: As in `Row`.
    """

    number: int
    field: str
    value: str
    problem: str
    remedy: str
    origin: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reading is.

    Attributes:
        path: The file being read, as shown to people.
        rows: Rows and rejections yielded so far, over all files.
        bytes_read: Bytes of the files (compressed where they are) that are behind.
        bytes_total: Bytes of all files, or None for a stream without end.
    """

    path: str
    rows: int
    bytes_read: int
    bytes_total: int | None


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about the files instead of having it guessed.

    Attributes:
        format: One of `FORMATS`.
        encoding: A name that Python knows, such as `gb18030`.
        delimiter: One character between the columns of CSV.
        sheet: Name of the Excel sheet; default is the first that is not empty.
        name: Name under which a stream is reported and whose ending tells its format, such as `upload.csv`.
        overrides: Field -> column, as `columns.parse_overrides` returns them.
        speakers: Name in a transcript -> customer, agent or system.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    name: str | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    speakers: Mapping[str, str] = field(default_factory=dict)
