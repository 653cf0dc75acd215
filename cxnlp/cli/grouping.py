"""A command that groups what is kept: duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from rich.console import Console
from rich.text import Text

from cxnlp.cli.options import Where, open_service, to_day, to_filter
from cxnlp.cli.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cxnlp.service import Copies, CopyGroup, Issue, Issues

_COLOURS = {"new": "red", "growing": "red", "shrinking": "green", "steady": "default"}


def duplicates(
    issues: Annotated[bool, typer.Option("--issues", help="Group by issue instead of copies, and say what becomes more.")] = False,
    days: Annotated[int | None, typer.Option("--days", help="With --issues: length of the window, compared with as many days before; 30.")] = None,
    least: Annotated[int, typer.Option("--least", help="Records that a group has, 2 or more.")] = 2,
    limit: Annotated[int, typer.Option("--limit", help="How many groups are shown, the largest first, 1 to 1000.")] = 50,
    where: Where = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON line a group instead of text.")] = False,
) -> None:
    """Show copies: templates, retweets, what was sent twice; with --issues what customers complain of, and what becomes more."""
    if days is not None and not issues:
        raise typer.BadParameter("it goes with --issues; for copies of a time give --where 'created_at>=2026-11-01'", param_hint="--days")
    service = open_service()
    chosen = to_filter(service, where)
    with show_progress("reading") as bar:
        if issues:
            by_issue = service.groups.issues(chosen, 30 if days is None else days, least, limit=limit, on_progress=bar.update)
        else:
            by_copy = service.groups.copies(chosen, least, limit=limit, on_progress=bar.update)
    found: Copies | Issues = by_issue if issues else by_copy
    groups: Sequence[CopyGroup | Issue] = found.groups
    console = Console()
    for group, line in zip(groups, found.to_json()["groups"], strict=True):
        if json:
            typer.echo(orjson.dumps(line).decode())
        else:
            console.print(_describe(group), soft_wrap=True)
    if json:
        return
    told = f"{len(found.groups)} of {found.n_groups:,} groups among {found.n_records:,} records"
    if issues:
        told += f" from {to_day(by_issue.since)} to {to_day(by_issue.until)}, {by_issue.n_before:,} before"
        told += "; the window is shortened to the newest records" if by_issue.cut else ""
    console.print(told, style="dim", highlight=False)


def _describe(group: CopyGroup | Issue) -> Text:
    from cxnlp.service import CopyGroup

    line = Text(f"{group.n:>6,}")
    times = f"  {to_day(group.first_at)} to {to_day(group.last_at)}"
    if isinstance(group, CopyGroup):
        line.append(times + "  " + " ".join(f"{channel} {n:,}" for channel, n in group.channels.items()), style="dim")
        feedback = group.example.feedback
        quotes = [(feedback.id, " / ".join(text for _, text in feedback.segments()))]
    else:
        line.append(f"  {group.name}", style="cyan")
        line.append(f"  {group.growth or 'nothing to compare with'}", style=_COLOURS.get(group.growth or "", "dim"))
        line.append(f"  {group.n_before:,} before{times}", style="dim")
        quotes = list(group.quotes)
    for record_id, text in quotes:
        line.append(f"\n        {record_id}  ", style="dim").append(" ".join(text.split())[:200])
    return line.append("\n")
