"""Commands for dashboards and spreadsheets: series, breakdown."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
import typer

from cxnlp.cli.options import Where, open_service, parse_days, to_filter

_DIMENSIONS = "all, source, channel, language, label, intent, segment, topic, touchpoint, stage, cause, pair, risk, or attributes.NAME."
_MEASURES = "volume, negative_share, complaint_share, sentiment, csat, nps or satisfaction; repeatable. Default is volume."
Measures = Annotated[list[str] | None, typer.Option("--measure", help=_MEASURES)]
Since = Annotated[str | None, typer.Option("--since", help="First day; by default 28 days to the last (hours 2, weeks 84, months 365).")]
Until = Annotated[str | None, typer.Option("--until", help="Last day, included; today by default.")]
Zone = Annotated[str | None, typer.Option("--timezone", help="Whose days, such as Asia/Shanghai; CXNLP_TIMEZONE by default.")]
Beside = Annotated[
    Literal["previous", "year"] | None, typer.Option("--compare", help="Beside each value that of the period before, or of a year before.")
]


def series(
    dimension: Annotated[str, typer.Argument(help=_DIMENSIONS)] = "all",
    value: Annotated[list[str] | None, typer.Option("--value", help="Which series, such as chat; repeatable. Default are the largest.")] = None,
    measure: Measures = None,
    bucket: Annotated[Literal["hour", "day", "week", "month"], typer.Option("--bucket", help="Weeks and months are whole.")] = "day",
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
        dimension, tuple(dict.fromkeys(measure or ["volume"])), tuple(value or ()), bucket, *parse_days(since, until), timezone,
        to_filter(service, where), compare, limit, expected,
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
    order: Annotated[Literal["desc", "asc"], typer.Option("--order", help="The largest first, or the smallest.")] = "desc",
    limit: Annotated[int, typer.Option(help="How many rows, 1 to 1000.")] = 20,
    least: Annotated[int, typer.Option(help="Records that a row has; the others are taken together.")] = 1,
) -> None:
    """Print measures by one dimension or two as JSON lines; the last one is of what is not shown and of everything."""
    from cxnlp.service import BreakdownQuestion

    service = open_service()
    asked = BreakdownQuestion(
        tuple(dimension), tuple(dict.fromkeys(measure or ["volume"])), *parse_days(since, until), timezone, to_filter(service, where),
        compare, sort, order, limit, least,
    )  # fmt: skip
    found = service.figures.breakdown(asked)
    for line in (*found.to_json()["items"], found.head()):
        typer.echo(orjson.dumps(line).decode())
