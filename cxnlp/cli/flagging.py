"""Commands for flags: which rules raise them, and what one would have raised."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cxnlp.cli.options import Author, author_of, display_language, open_service, to_day
from cxnlp.cli.progress import show_progress
from cxnlp.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from cxnlp.bootstrap import Service
    from cxnlp.feeds.flags import Flag
    from cxnlp.feeds.rules import Rule
    from cxnlp.records import Record
    from cxnlp.service import Trial

flags = typer.Typer(no_args_is_help=True, help="Flags: records that someone should answer, and the rules that raise them.")
RuleName = Annotated[str, typer.Argument(help="Name of a rule, as `cxnlp flags rules` lists it.")]
_AGO: Final = re.compile(r"(\d{1,4})([hdw])")
_UNITS: Final = {"h": "hours", "d": "days", "w": "weeks"}
_MOST_SHOWN: Final = 100


@flags.command("list")
def list_flags(
    state: Annotated[str | None, typer.Option(help="open, acknowledged, resolved, dismissed or withdrawn; all by default.")] = None,
    level: Annotated[int | None, typer.Option(min=1, max=3, help="1 is the most urgent.")] = None,
    owner: Annotated[str | None, typer.Option(help="Who is to answer.")] = None,
    sort: Annotated[str, typer.Option(help="newest, priority (the highest first) or deadline (the next first).")] = "newest",
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, max=1000, help="At most so many.")] = 20,
) -> None:
    """List flags with their level, priority, deadline, state and owner, and why they were raised."""
    service = open_service()
    language = display_language()
    for flag in service.delivery.flags(state, level, None, limit, owner=owner, sort=sort).flags:
        due = f"{flag.deadline.astimezone(service.zone):%Y-%m-%d %H:%M}" if flag.deadline else "-"
        late = "  overdue" if flag.overdue_at else ""
        priority = "-" if flag.priority is None else flag.priority
        typer.echo(f"{flag.id}  level {flag.level}  priority {priority:>3}  due {due:<16}  {flag.state:<12}  {flag.owner or '-'}{late}")
        typer.echo(f"  {flag.record_id}  {'; '.join(reason[language] for reason in flag.reasons)}")


@flags.command("rules")
def list_rules(
    name: Annotated[str | None, typer.Argument(help="Print this rule as YAML, to change it and save it with `cxnlp flags save`.")] = None,
    history: Annotated[bool, typer.Option("--history", help="With a name: list its versions.")] = False,
) -> None:
    """List the rules in force, or print one."""
    import yaml

    rules = open_service().rules
    if name and not history:
        known = rules.get(name)
        typer.echo(f"# {name}, version {known.version}{'' if known.rule else ', deleted'}")
        if known.rule:
            typer.echo(yaml.safe_dump(known.rule.to_line(), allow_unicode=True, sort_keys=False, width=120), nl=False)
        return
    for known in rules.versions(name) if name else rules.list():
        at = to_day(known.at) if known.at else "shipped"
        typer.echo(f"{known.name:<24} version {known.version:<4} {at:<10}  {known.author:<12} {known.rule.description if known.rule else 'deleted'}")


@flags.command("save")
def save_rules(
    file: Annotated[Path, typer.Argument(help="YAML or JSON with one rule, a list of rules, or `rules:` and a list.")],
    author: Author = None,
) -> None:
    """Save the rules of a file; all or, if one cannot be used, none. Records that are judged from now on are judged by them."""
    service = open_service()
    for rule in _read(service, file):
        known = service.rules.put(rule, author_of(author))
        typer.echo(f"{known.name}  version {known.version}")


@flags.command("remove")
def remove_rule(name: RuleName, author: Author = None) -> None:
    """Let a rule raise no more flags; those that it has raised stay, and so do its versions."""
    known = open_service().rules.delete(name, author_of(author))
    typer.echo(f"{name} removed (version {known.version})")


@flags.command("test")
def test_rule(
    rule: Annotated[str, typer.Argument(help="Name of a rule in force, or a file with one rule.")],
    since: Annotated[str, typer.Option(help="How far back: 90d, 12w, 48h, or a date such as 2026-09-01.")] = "90d",
    samples: Annotated[int, typer.Option(min=0, max=_MOST_SHOWN, help="Newest records to show of each level.")] = 3,
) -> None:
    """Show what a rule would have raised on the stored records; nothing is raised, and nobody is told."""
    service = open_service()
    chosen = _choose(service, rule)
    start = _start_of(since)
    with show_progress("judging") as bar:
        found = service.rules.test(chosen, start, samples, on_progress=bar.update)
    _show(found, start)


def _choose(service: Service, given: str) -> Rule:
    if not given.endswith((".yaml", ".yml", ".json")):
        known = service.rules.get(given)
        if known.rule is None:
            raise InvalidInput(f"rule {shorten(given)!r} was deleted; test a file with it instead")
        return known.rule
    rules = _read(service, Path(given))
    if len(rules) != 1:
        raise InvalidInput(f"{given}: holds {len(rules)} rules; test one at a time")
    return rules[0]


def _read(service: Service, file: Path) -> tuple[Rule, ...]:
    from cxnlp.feeds.rules import parse_rules

    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file}: cannot be read ({getattr(error, 'strerror', None) or 'it is no UTF-8'}); name a YAML or JSON file") from None
    return parse_rules(text, service.taxonomy, str(file))


def _start_of(since: str) -> datetime:
    if match := _AGO.fullmatch(since):
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        at = datetime.fromisoformat(since)
    except ValueError:
        raise InvalidInput(f"--since {shorten(since)!r}: write 90d, 12w, 48h, or a date such as 2026-09-01") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _show(found: Trial, start: datetime) -> None:
    typer.echo(
        f"{found.n_flags:,} flags on {found.n_records:,} analysed records since {to_day(start)}; {found.n_repeats:,} more would join an open one"
    )
    if found.by_week:
        typer.echo("\nweek from    level 1  level 2  level 3")
    for week, levels in found.by_week.items():
        typer.echo(f"{week}   {''.join(f'{levels.get(level, 0):>7,}  ' for level in (1, 2, 3))}".rstrip())
    for record, flag in found.samples:
        typer.echo(f"\n{_describe(record, flag)}")


def _describe(record: Record, flag: Flag) -> str:
    language = display_language()
    said = " / ".join(text for _, text in record.feedback.segments())
    reasons = "; ".join(reason[language] for reason in flag.reasons)
    head = f"level {flag.level}  {record.feedback.id}  {to_day(record.feedback.created_at)}{f'  {flag.owner}' if flag.owner else ''}"
    return f"{head}\n  {' '.join(said.split())[:160]}\n  {reasons}\n  {flag.priority.explanation[language]}"
