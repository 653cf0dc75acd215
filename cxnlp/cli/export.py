"""Files that appear whole or not at all, and records to one."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from cxnlp.errors import InvalidInput
from cxnlp.lines import to_line
from cxnlp.records import Record
from cxnlp.service.tables import FORMATS

_SHOWN_EVERY: Final = 1_000


def write_records(path: Path, records: Iterable[Record], on_progress: Callable[[int], None]) -> int:
    """Write records to a .jsonl, .csv or .parquet file in flat memory; return how many.

    The file appears whole or not at all.

    Args:
        path: Where to; its ending says the format.
        records: In the order to write.
        on_progress: Called with the number of records written so far.

    Raises:
        InvalidInput: The ending is another one, or the file cannot be written.
    """
    write = FORMATS[format_of(path, FORMATS)]
    n = 0

    def lines() -> Iterator[dict[str, Any]]:
        nonlocal n
        for record in records:
            yield to_line(record)
            n += 1
            if n % _SHOWN_EVERY == 0:
                on_progress(n)

    write_whole(path, write(lines(), False))
    return n


def format_of(path: Path, formats: Iterable[str]) -> str:
    """Return the format that the ending of a path says.

    Raises:
        InvalidInput: It is none of these.
    """
    ending = path.suffix.lower().removeprefix(".")
    if ending not in formats:
        raise InvalidInput(f"{path}: cannot tell the format; let the name end in {', '.join(f'.{name}' for name in formats)}")
    return ending


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file that appears whole or not at all.

    Raises:
        InvalidInput: It cannot be written.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("wb") as out:
            out.writelines(parts)
        partial.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)
