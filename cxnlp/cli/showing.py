"""Commands that show what there is to others: report, topics export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cxnlp.cli.options import Where, display_language, open_service, parse_days, to_filter

Since = Annotated[str | None, typer.Option(help="First day; 28 days before the last by default.")]
Until = Annotated[str | None, typer.Option(help="Last day, included; today by default.")]


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
    from cxnlp.cli.export import write_whole
    from cxnlp.service.dashboard import DashboardQuestion
    from cxnlp.service.report import make_report

    service = open_service()
    question = DashboardQuestion(*parse_days(since, until), filter=to_filter(service, where))
    page = make_report(service.dashboard, question, Look(language or display_language(), theme), title)
    write_whole(output, [page.encode()])
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
    from cxnlp.cli.export import format_of, write_whole
    from cxnlp.service.dashboard import DashboardQuestion
    from cxnlp.service.topics.exporting import FORMATS, export
    from cxnlp.service.topics.versions import kind_of

    kind, format = kind_of(on, about), format_of(output, FORMATS)
    question = DashboardQuestion(*parse_days(since, until))
    write_whole(output, export(open_service().dashboard, question, kind, format, members=members))
    typer.echo(f"{output} written")
