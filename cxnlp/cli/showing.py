"""Commands that show what there is to others: report, topics export."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cxnlp.cli.options import Where, display_language, open_service, to_filter
from cxnlp.errors import InvalidInput

Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; 28 days before the last by default.")]
Until = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, included; today by default.")]


def report(
    output: Annotated[Path, typer.Option("-o", "--output", help="The page, such as report.html.")],
    since: Since = None,
    until: Until = None,
    where: Where = None,
    language: Annotated[Literal["en", "zh"] | None, typer.Option(help="Of the report; default is that of the terminal.")] = None,
    theme: Annotated[Literal["light", "dark"], typer.Option(help="Of the ground.")] = "light",
    title: Annotated[str | None, typer.Option(help="Of the page.")] = None,
) -> None:
    """Write a report of a period as one HTML page that opens anywhere without a network: numbers, series, breakdowns, topics."""
    from cxnlp.charts import Look
    from cxnlp.service.dashboard import DashboardQuestion
    from cxnlp.service.report import make_report

    service = open_service()
    question = DashboardQuestion(_day(since), _day(until), filter=to_filter(service, where))
    page = make_report(service.dashboard, question, Look(language or display_language(), theme), title)
    _write(output, [page.encode()])
    typer.echo(f"{output} written")


def export_topics(
    output: Annotated[Path, typer.Option("-o", "--output", help="A .json, .jsonl, .csv or .parquet file.")],
    members: Annotated[bool, typer.Option("--members", help="What belongs to the topics instead of the topics.")] = False,
    on: Annotated[Literal["records", "clauses"], typer.Option(help="Topics of whole records, or of clauses.")] = "records",
    about: Annotated[Literal["problems", "strengths"] | None, typer.Option(help="Of clauses: problems or strengths.")] = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write the topics of the active version to a file: names, words, size, quotes, and growth in a period against the one before."""
    from cxnlp.service.dashboard import DashboardQuestion
    from cxnlp.service.topics.exporting import FORMATS, member_rows, topic_rows
    from cxnlp.service.topics.versions import kind_of

    kind = kind_of(on, about)
    write = FORMATS.get(output.suffix.lower().removeprefix("."))
    if write is None:
        raise InvalidInput(f"{output}: cannot tell the format; let the name end in {', '.join(f'.{name}' for name in FORMATS)}")
    service = open_service()
    question = DashboardQuestion(_day(since), _day(until))
    _write(output, write(member_rows(service.store, kind) if members else topic_rows(service.dashboard, question, kind)))
    typer.echo(f"{output} written")


def _day(at: datetime | None) -> date | None:
    return at.date() if at else None


def _write(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file that appears whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("wb") as out:
            out.writelines(parts)
        partial.replace(path)
    except OSError as error:
        raise InvalidInput(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)
