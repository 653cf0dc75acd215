"""Options that several commands share."""

import getpass
import os
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cxnlp.bootstrap import Service
from cxnlp.errors import InvalidInput, shorten
from cxnlp.filters import Filter, parse_filter
from cxnlp.ingest.columns import parse_overrides
from cxnlp.ingest.encodings import check_encoding
from cxnlp.ingest.fields import read_channel, read_name
from cxnlp.ingest.formats import check_format
from cxnlp.ingest.hashing import pseudonym
from cxnlp.ingest.readers import Reading, read
from cxnlp.ingest.rows import ReadOptions
from cxnlp.ingest.speakers import speaker_of
from cxnlp.settings import Settings

Map = Annotated[list[str] | None, typer.Option("--map", metavar="FIELD=COLUMN", help="Which column holds a field: --map text=review. Repeatable.")]
Format = Annotated[
    str | None, typer.Option(help="csv, tsv, xlsx, xls, json, jsonl, parquet, vtt, srt, transcript, lines (a text a line); guessed by default.")
]
Encoding = Annotated[str | None, typer.Option(help="utf-8, utf-16, gb18030, big5, ...; guessed by default.")]
Sheet = Annotated[str | None, typer.Option(help="Sheet of an Excel file; default is the first that is not empty.")]
Speaker = Annotated[
    list[str] | None, typer.Option("--speaker", metavar="NAME=ROLE", help="Who a name in a transcript is: --speaker 小李=agent. Repeatable.")
]
Source = Annotated[str | None, typer.Option(help="Source of rows that name none; default is the file's name without its ending.")]
Channel = Annotated[str, typer.Option(help="Channel of rows that name none: ticket, review, survey, social, chat, call.")]
Author = Annotated[str | None, typer.Option(help="Who asks; kept with what is made. Default is the user of this machine.")]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="FIELD=VALUE",
        help="Filter: channel=ticket,chat  sentiment<=-0.3  created_at>=2026-11-01  attributes.region=西南. Repeatable: all must hold.",
    ),
]

_CONDITION: Final = re.compile(r"\s*([^<>=]+?)\s*(>=|<=|>|<|=)\s*(.+?)\s*", re.DOTALL)
_BOUNDS: Final = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}
_ATTRIBUTES: Final = "attributes."


def open_service() -> Service:
    """Return the service of the present environment."""
    return Service(Settings())


def to_options(
    map: Sequence[str] | None, format: str | None, encoding: str | None, sheet: str | None = None, speaker: Sequence[str] | None = None
) -> ReadOptions:
    """Return what the user says about the files.

    Raises:
        InvalidInput: An option is wrong.
    """
    return ReadOptions(
        format=check_format(format) if format else None,
        encoding=check_encoding(encoding) if encoding else None,
        sheet=sheet,
        overrides=parse_overrides(map or ()),
        speakers=dict(_speaker(pair) for pair in speaker or ()),
    )


def to_defaults(source: str | None, channel: str) -> dict[str, str]:
    """Return what holds for rows that name no source or channel.

    Raises:
        InvalidFeedback: One of them cannot be used.
    """
    return {"source": read_name("source", source) if source is not None else "", "channel": read_channel(channel)}


def open_reading(path: str, options: ReadOptions) -> Reading:
    """Return a reading of a path, or of standard input for `-`.

    Raises:
        InvalidInput: There is no such file.
    """
    return read("-" if path == "-" else Path(path), options)


def parse_day(text: str) -> date:
    """Return the day that a person wrote.

    Raises:
        InvalidInput: It is none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{shorten(text)!r} is no day; write one such as 2026-11-01") from None


def parse_days(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    """Return the first and the last day that a person wrote, None where none.

    Raises:
        InvalidInput: One is no day.
    """
    return None if since is None else parse_day(since), None if until is None else parse_day(until)


def to_filter(service: Service, conditions: Sequence[str] | None) -> Filter:
    """Return the filter of `--where` options.

    A customer may be given by the id that the source uses or by the one that is shown; a topic that was merged is read as what it became.

    Raises:
        InvalidInput: One is not of the form FIELD=VALUE, or there is no such topic of records.
    """
    given: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    for condition in conditions or ():
        match = _CONDITION.fullmatch(condition)
        if match is None:
            raise InvalidInput(f"--where {shorten(condition)!r}: write FIELD=VALUE, such as channel=ticket or 'sentiment<=-0.3'")
        name, sign, value = match.groups()
        held = attributes if name.startswith(_ATTRIBUTES) else given
        field = name.removeprefix(_ATTRIBUTES)
        previous = held.get(field)
        if previous and (sign == "=" or isinstance(previous, list) or _BOUNDS[sign] in previous):
            raise InvalidInput(f"--where {shorten(condition)!r}: there is a condition on {name} already; write any of several as {name}=A,B")
        held[field] = [v.strip() for v in value.split(",")] if sign == "=" else (previous or {}) | {_BOUNDS[sign]: _number_or_time(value)}
    if attributes:
        given["attributes"] = attributes
    if customers := given.get("customer"):
        given["customer"] = [known for name in customers for known in customer_ids(service, name)]
    return service.curation.settle(parse_filter(given))


def customer_ids(service: Service, name: str) -> tuple[str, str]:
    """Return the ids under which a customer may be stored: the keyed hash of the source's own id, and `name` where it is that hash already."""
    return pseudonym(service.intake.key, name), name


def author_of(given: str | None) -> str:
    """Return who asks: who is named, else the user of this machine."""
    if given:
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without such a user
        return "unknown"


def to_day(at: datetime) -> str:
    """Return a date as people read it."""
    return f"{at:%Y-%m-%d}"


def _speaker(pair: str) -> tuple[str, str]:
    name, _, role = pair.rpartition("=")
    speaker = speaker_of(role)
    if not name.strip() or speaker is None:
        raise InvalidInput(f"--speaker {shorten(pair)!r}: write NAME=ROLE, the role one of customer, agent, system")
    return name.strip(), speaker


def _number_or_time(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def display_language() -> str:
    """Return the language in which lines for people are written: `zh` where the locale says so, else `en`."""
    named = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "zh" if named.lower().startswith("zh") else "en"
