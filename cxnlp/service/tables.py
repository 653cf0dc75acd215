"""Lines as files in flat memory: JSONL in full, CSV and Parquet as a flat table; and any rows as these."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

Line = Mapping[str, Any]
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
_WITH_DELETED: Final = _SCHEMA.append(pa.field("deleted", pa.bool_()))


def flatten(line: Line) -> dict[str, Any]:
    """Return a record's line as one row of a table; lists are joined by `|`, structures are JSON."""
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
        "deleted": bool(line.get("deleted")),
    }


def to_jsonl(lines: Iterable[Line], with_deleted: bool = False) -> Iterator[bytes]:
    """Give the lines as JSON, one a line."""
    for part in _batches(lines):
        yield b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in part)


def to_csv(lines: Iterable[Line], with_deleted: bool = False) -> Iterator[bytes]:
    """Give the lines as CSV in UTF-8 with a byte order mark, without which Excel would not read it; no cell runs as a formula there.

    Args:
        lines: In order.
        with_deleted: Whether there is a column that says which records are deleted.
    """
    return write_csv(map(flatten, lines), (_WITH_DELETED if with_deleted else _SCHEMA).names)


def to_parquet(lines: Iterable[Line], with_deleted: bool = False) -> Iterator[bytes]:
    """Give the lines as a Parquet file, in groups of 1,000 rows; arguments as `to_csv`."""
    return write_parquet(map(flatten, lines), _WITH_DELETED if with_deleted else _SCHEMA)


def write_csv(rows: Iterable[Line], names: Sequence[str]) -> Iterator[bytes]:
    """Give rows as CSV, of which these columns; lists are joined by `|`. Encoded and guarded as `to_csv` says."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, extrasaction="ignore")
    out.write("\ufeff")
    writer.writeheader()
    for part in _batches(rows):
        writer.writerows({name: _as_cell(value) for name, value in row.items()} for row in part)
        yield _taken(out)
    yield _taken(out)


def write_parquet(rows: Iterable[Line], schema: pa.Schema) -> Iterator[bytes]:
    """Give rows as a Parquet file, in groups of 1,000."""
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for part in _batches(rows):
            writer.write_table(pa.Table.from_pylist(part, schema))
            yield sink.take()
    yield sink.take()


FORMATS: Final[Mapping[str, Callable[[Iterable[Line], bool], Iterator[bytes]]]] = {"jsonl": to_jsonl, "csv": to_csv, "parquet": to_parquet}


class _Sink(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._taken = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._taken + len(self._held)

    def write(self, content: Any) -> int:
        held = bytes(content)
        self._held += held
        return len(held)

    def close(self) -> None:
        """Stay open for what is still to be taken."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._held)
        self._taken += len(taken)
        self._held.clear()
        return taken


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    rest = iter(lines)
    while part := list(islice(rest, _BATCH)):
        yield part


def _taken(out: io.StringIO) -> bytes:
    content = out.getvalue().encode()
    out.seek(0)
    out.truncate()
    return content


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _as_cell(value: Any) -> Any:
    if isinstance(value, list):
        value = "|".join(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
