"""Commands that look at what is kept: search, similar, show, export, status."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import orjson
import typer
from rich.console import Console
from rich.text import Text

from cxnlp.cli.options import Where, display_language, open_service, to_day, to_filter
from cxnlp.cli.progress import show_progress
from cxnlp.errors import NotFound
from cxnlp.lines import to_line

if TYPE_CHECKING:
    from cxnlp.service import Found, Hit

K = Annotated[int, typer.Option("-k", help="How many hits, 1 to 1000.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON line a hit instead of text.")]
Newest = Annotated[bool, typer.Option("--newest", help="Of the nearest, the newest first.")]
Collapse = Annotated[bool, typer.Option("--collapse", help="Copies, such as templates and retweets, are one hit with a count.")]
Days = Annotated[int | None, typer.Option("--days", help="Also sum up what is alike in so many last days.")]
_COLOURS = {"negative": "red", "neutral": "default", "positive": "green"}


class By(StrEnum):
    """What a search ranks by."""

    both = "both"
    meaning = "meaning"
    words = "words"


def search(
    text: Annotated[str, typer.Argument(help='A complaint, in any words; what stands in "quotation marks" must occur word for word.')] = "",
    k: K = 10,
    where: Where = None,
    like: Annotated[list[str] | None, typer.Option("--like", help="Id of a record whose like is wanted; may be repeated.")] = None,
    unlike: Annotated[list[str] | None, typer.Option("--unlike", help="Id of a record that leads the wrong way; may be repeated.")] = None,
    by: Annotated[By, typer.Option("--by", help="Rank by meaning and words, or by one of them.")] = By.both,
    newest: Newest = False,
    collapse: Collapse = False,
    days: Days = None,
    json: Json = False,
) -> None:
    """Find what customers said that is alike in meaning and words, in Chinese and English."""
    from cxnlp.service import Question

    service = open_service()
    order: Literal["newest", "nearest"] = "newest" if newest else "nearest"
    asked = Question(text, tuple(like or ()), tuple(unlike or ()), k, to_filter(service, where), by.value, order, collapse, days=days)
    _print_found(service.retrieval.ask(asked), json)


def similar(
    record: Annotated[str, typer.Argument(help="Id of a record, r-....")],
    k: K = 10,
    where: Where = None,
    newest: Newest = False,
    collapse: Collapse = False,
    days: Days = None,
    json: Json = False,
) -> None:
    """Find records like a stored one."""
    from cxnlp.service import Question

    service = open_service()
    asked = Question(like=(record,), k=k, filter=to_filter(service, where), sort="newest" if newest else "nearest", collapse=collapse, days=days)
    _print_found(service.retrieval.ask(asked), json)


def show(record: Annotated[str, typer.Argument(help="Id of a record, r-....")]) -> None:
    """Print all that is known of one record, as JSON."""
    found = open_service().store.feedback.get(record)
    if found is None:
        raise NotFound(f"record {record!r} does not exist; ids look like r-0123456789abcdef0123, `cxnlp search` prints them")
    typer.echo(orjson.dumps(to_line(found), option=orjson.OPT_INDENT_2).decode())


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .jsonl, .csv or .parquet.")],
    where: Where = None,
) -> None:
    """Write records to a file, in the order in which they came."""
    from cxnlp.cli.export import write_records  # imports pyarrow, which other commands should not wait for

    service = open_service()
    chosen = to_filter(service, where)
    with show_progress("exporting") as bar:
        n = write_records(output, service.store.feedback.iterate(chosen), lambda n: bar.update(n, None))
    typer.echo(f"{n} records in {output}", err=True)


def status() -> None:
    """Print how many records there are, are analysed, and wait."""
    statistics = open_service().store.feedback.statistics()
    for name in ("records", "analyzed", "pending", "failed"):
        typer.echo(f"{name:<9} {getattr(statistics, name):>10,}")


def _print_found(found: Found, json: bool) -> None:
    if json:
        for hit in found.hits:
            typer.echo(orjson.dumps(hit.to_json()).decode())
        return
    console = Console()
    for hit in found.hits:
        console.print(_describe(hit), soft_wrap=True)
    if found.summary:
        console.print(found.summary.line(display_language()), highlight=False)
    console.print(f"{len(found.hits)} nearest of {found.total:,} records", style="dim", highlight=False)


def _describe(hit: Hit) -> Text:
    feedback, analysis = hit.record.feedback, hit.record.analysis
    line = Text(f"{hit.score:.2f}  {feedback.id}  {to_day(feedback.created_at)}  {feedback.channel}", style="dim")
    if analysis:
        line.append(f"  {analysis.sentiment:+.2f}", style=f"not dim {_COLOURS[analysis.label]}")
        for o in analysis.observations:
            line.append(f"  {o.touchpoint}" + (f"/{o.cause}" if o.cause else ""), style="not dim cyan")
    if hit.copies and hit.copies > 1:
        line.append(f"  x{hit.copies}", style="not dim bold")
    text = hit.quote.text if hit.quote else " / ".join(text for _, text in feedback.segments())
    line.append(f"\n      {' '.join(text.split())[:200]}\n", style="not dim default")
    known = [f"words: {', '.join(hit.matched)}" if hit.matched else "", f"resolved by: {hit.outcome.resolution}" if hit.outcome.resolution else ""]
    return line.append(f"      {'; '.join(part for part in known if part)}\n", style="dim") if any(known) else line
