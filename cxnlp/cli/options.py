"""Options that several commands share."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from cxnlp.bootstrap import Service
from cxnlp.errors import InvalidInput
from cxnlp.filters import Filter, parse_filter
from cxnlp.ingest.columns import parse_overrides
from cxnlp.ingest.readers import Reading, read
from cxnlp.ingest.rows import ReadOptions
from cxnlp.settings import Settings

Map = Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds a field: --map text=review. Repeatable.")]
Format = Annotated[str | None, typer.Option(help="csv, tsv, xlsx, xls, json, jsonl, parquet, vtt, srt, transcript; guessed by default.")]
Encoding = Annotated[str | None, typer.Option(help="utf-8, utf-16, gb18030, big5, ...; guessed by default.")]
Source = Annotated[str | None, typer.Option(help="Source of rows that name none; default is the file's name without its ending.")]
Channel = Annotated[str, typer.Option(help="Channel of rows that name none: ticket, review, survey, social, chat, call.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where", metavar="FIELD=VALUE", help="Filter: channel=ticket,chat  sentiment<=-0.3  created_at>=2026-11-01  attributes.region=西南."
    ),
]

_BOUNDS = ((">=", "gte"), ("<=", "lte"), (">", "gt"), ("<", "lt"))


def open_service() -> Service:
    """Return the service of the present environment."""
    return Service(Settings())


def open_reading(path: str, map: Sequence[str] | None, format: str | None, encoding: str | None) -> Reading:
    """Return a reading of a path, or of standard input for `-`.

    Raises:
        InvalidInput: There is no such file, or an option is wrong.
    """
    options = ReadOptions(format=format, encoding=encoding, overrides=parse_overrides(map or ()))
    if path == "-":
        return read("-", options)
    if not Path(path).exists():
        raise InvalidInput(f"{path}: no such file or folder")
    return read(Path(path), options)


def to_filter(conditions: Sequence[str] | None) -> Filter:
    """Return the filter of `--where` options.

    Raises:
        InvalidInput: One is not of the form FIELD=VALUE.
    """
    given: dict[str, Any] = {}
    for condition in conditions or ():
        for sign, bound in _BOUNDS:
            name, found, value = condition.partition(sign)
            if found:
                given.setdefault(name.strip(), {})[bound] = _number_or_time(value.strip())
                break
        else:
            name, found, value = condition.partition("=")
            if not found or not value:
                raise InvalidInput(f"--where {condition!r}: write FIELD=VALUE, such as channel=ticket or 'sentiment<=-0.3'")
            values = [v.strip() for v in value.split(",")]
            if name.startswith("attributes."):
                given.setdefault("attributes", {})[name.removeprefix("attributes.")] = values
            else:
                given[name.strip()] = values
    return parse_filter(given)


def _number_or_time(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def to_day(at: datetime) -> str:
    """Return a date as people read it."""
    return f"{at:%Y-%m-%d}"
