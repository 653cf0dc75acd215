"""Records to a file: JSONL in full, CSV and Parquet as a flat table."""

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from cxnlp.errors import InvalidInput
from cxnlp.lines import to_line
from cxnlp.records import Record

_BATCH: Final = 1_000
_TEXTS: Final = ("id", "source", "external_id", "channel", "text", "created_at", "updated_at", "language", "label", "intent")
_NUMBERS: Final = ("sentiment", "confidence", "satisfaction", "rating_value")
_JOINED: Final = (
    "rating_scale",
    "customer_id",
    "customer_segment",
    "touchpoints",
    "causes",
    "risks",
    "observations",
    "attributes",
    "turns",
    "topic_id",
    "topic_label",
    "model",
)
_SCHEMA: Final = pa.schema([*((n, pa.string()) for n in _TEXTS), *((n, pa.float64()) for n in _NUMBERS), *((n, pa.string()) for n in _JOINED)])


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
    writers = {".jsonl": _write_jsonl, ".csv": _write_csv, ".parquet": _write_parquet}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise InvalidInput(f"{path}: cannot tell the format; let the name end in {', '.join(writers)}")
    partial = path.with_name(f"{path.name}.part")
    try:
        n = write(partial, _counted(records, on_progress))
        partial.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)
    return n


def flatten(record: Record) -> dict[str, Any]:
    """Return a record as one row of a table; lists are joined by `|`, structures are JSON."""
    line = to_line(record)
    observations = line.get("observations", [])
    rating, customer, topic = line.get("rating") or {}, line.get("customer") or {}, line.get("topic") or {}
    row: dict[str, Any] = {name: line.get(name) for name in (*_TEXTS, "sentiment", "confidence", "satisfaction", "model")}
    return row | {
        "rating_value": rating.get("value"),
        "rating_scale": rating.get("scale"),
        "customer_id": customer.get("id"),
        "customer_segment": customer.get("segment"),
        "touchpoints": "|".join(dict.fromkeys(o["touchpoint"] for o in observations)),
        "causes": "|".join(dict.fromkeys(o["cause"] for o in observations if o["cause"])),
        "risks": "|".join(r["id"] for r in line.get("risks", [])),
        "observations": _json(observations),
        "attributes": _json(line.get("attributes", {})),
        "turns": _json(line["turns"]) if "turns" in line else None,
        "topic_id": topic.get("id"),
        "topic_label": topic.get("label"),
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _counted(records: Iterable[Record], on_progress: Callable[[int], None]) -> Iterator[Record]:
    for n, record in enumerate(records, 1):
        yield record
        if n % _BATCH == 0:
            on_progress(n)


def _write_jsonl(path: Path, records: Iterator[Record]) -> int:
    n = 0
    with path.open("wb") as out:
        for record in records:
            out.write(orjson.dumps(to_line(record), option=orjson.OPT_APPEND_NEWLINE))
            n += 1
    return n


def _write_csv(path: Path, records: Iterator[Record]) -> int:
    n = 0
    # Excel reads UTF-8 only with a byte order mark, and runs a cell that begins with = + - @ as a formula.
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, _SCHEMA.names)
        writer.writeheader()
        for record in records:
            writer.writerow({name: _as_cell(value) for name, value in flatten(record).items()})
            n += 1
    return n


def _as_cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _write_parquet(path: Path, records: Iterator[Record]) -> int:
    n = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        while batch := list(islice(records, _BATCH)):
            writer.write_table(pa.Table.from_pylist([flatten(record) for record in batch], _SCHEMA))
            n += len(batch)
    return n
