"""Commands for dashboards and spreadsheets: series, breakdown."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

import orjson
import typer

from cxnlp.cli.options import Where, open_service, to_filter
from cxnlp.errors import InvalidInput, shorten

_DIMENSIONS = "all, source, channel, language, label, intent, segment, topic, touchpoint, stage, cause, pair, risk, or attributes.NAME."
_MEASURES = "volume, negative_share, complaint_share, sentiment, csat, nps or satisfaction; repeatable. Default is volume."
Measures = Annotated[list[str] | None, typer.Option("--measure", help=_MEASURES)]
Since = Annotated[str | None, typer.Option("--since", help="First day; by default 28 days to the last (hours 2, weeks 84, months 365).")]
Until = Annotated[str | None, typer.Option("--until", help="Last day, included; today by default.")]
Zone = Annotated[str | None, typer.Option("--timezone", help="Whose days, such as Asia/Shanghai; CXNLP_TIMEZONE by default.")]


class Bucket(StrEnum):
    """What a time is cut into."""

    hour = "hour"
    day = "day"
    week = "week"
    month = "month"


class Compare(StrEnum):
    """What a time is compared with."""

    previous = "previous"
    year = "year"


class Order(StrEnum):
    """Which rows come first."""

    desc = "desc"
    asc = "asc"


Beside = Annotated[Compare | None, typer.Option("--compare", help="Beside each value that of the period before, or of a year before.")]


def series(
    dimension: Annotated[str, typer.Argument(help=_DIMENSIONS)] = "all",
    value: Annotated[list[str] | None, typer.Option("--value", help="Which series, such as chat; repeatable. Default are the largest.")] = None,
    measure: Measures = None,
    bucket: Annotated[Bucket, typer.Option("--bucket", help="Weeks and months are whole.")] = Bucket.day,
    since: Since = None,
    until: Until = None,
    timezone: Zone = None,
    where: Where = None,
    compare: Beside = None,
    limit: Annotated[int, typer.Option(help="How many series, 1 to 50.")] = 10,
    expected: Annotated[bool, typer.Option("--expected", help="Also what was to be expected of each day.")] = False,
) -> None:
    """Print series as JSON lines: a measure by hour, day, week or month, with intervals."""
    from cxnlp.service import SeriesQuestion

    service = open_service()
    asked = SeriesQuestion(
        dimension, tuple(dict.fromkeys(measure or ["volume"])), tuple(value or ()), bucket.value, _day(since), _day(until), timezone,
        to_filter(service, where), compare.value if compare else None, limit, expected,
    )  # fmt: skip
    for line in service.figures.series(asked).to_json()["items"]:
        typer.echo(orjson.dumps(line).decode())


def breakdown(
    dimension: Annotated[list[str], typer.Argument(help=f"One or two of {_DIMENSIONS}")],
    measure: Measures = None,
    since: Since = None,
    until: Until = None,
    timezone: Zone = None,
    where: Where = None,
    compare: Beside = None,
    sort: Annotated[str | None, typer.Option("--sort", help="Measure to sort by; the first one by default.")] = None,
    order: Annotated[Order, typer.Option("--order", help="The largest first, or the smallest.")] = Order.desc,
    limit: Annotated[int, typer.Option(help="How many rows, 1 to 1000.")] = 20,
    least: Annotated[int, typer.Option(help="Records that a row has; the others are taken together.")] = 1,
) -> None:
    """Print measures by one dimension or two as JSON lines; the last one is of what is not shown and of everything."""
    from cxnlp.service import BreakdownQuestion

    service = open_service()
    asked = BreakdownQuestion(
        tuple(dimension), tuple(dict.fromkeys(measure or ["volume"])), _day(since), _day(until), timezone, to_filter(service, where),
        compare.value if compare else None, sort, order.value, limit, least,
    )  # fmt: skip
    found = service.figures.breakdown(asked)
    for line in (*found.to_json()["items"], found.head()):
        typer.echo(orjson.dumps(line).decode())


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{shorten(text)!r} is no day; write one such as 2026-11-01") from None
