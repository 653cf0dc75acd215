"""Commands for what moves: alerts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated

import orjson
import typer

from cxnlp.cli.options import author_of, display_language, open_service, parse_day
from cxnlp.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from cxnlp.store import Alert

alerts = typer.Typer(no_args_is_help=True, help="Alerts: what moves more than chance would have it, since when, and what explains it.")
AlertId = Annotated[str, typer.Argument(help="Id of an alert, as `cxnlp alerts list` prints it, such as a-0a1b2c3d4e5f60718293.")]
Author = Annotated[str | None, typer.Option(help="Who says so; kept with the alert. Default is the user of this machine.")]
Reason = Annotated[str | None, typer.Option(help="Why; kept with the alert, masked.")]


@alerts.command("list")
def list_alerts(
    state: Annotated[str | None, typer.Option(help="Only those that are open, acknowledged, snoozed or resolved.")] = None,
    historical: Annotated[bool, typer.Option("--historical", help="Also those that were over before anybody could be told.")] = False,
    limit: Annotated[int, typer.Option(help="How many, the newest first, 1 to 1000.")] = 50,
) -> None:
    """List alerts, the newest first."""
    for alert in open_service().alerts.page(state, None if historical else False, None, limit).alerts:
        typer.echo(_describe(alert))


@alerts.command("show")
def show_alert(alert: AlertId) -> None:
    """Print an alert as JSON, with what customers said."""
    service = open_service()
    typer.echo(orjson.dumps(service.alerts.line(service.alerts.get(alert)), option=orjson.OPT_INDENT_2).decode())


@alerts.command("check")
def check_alerts(
    since: Annotated[str | None, typer.Option("--since", help="Look again at all days from this one on, such as 2026-11-01.")] = None,
) -> None:
    """Look now at what has not been looked at yet, as the worker does every minute, and print what is open."""
    service = open_service()
    checked = service.alerts.check(None if since is None else datetime.combine(parse_day(since), time(), service.zone))
    typer.echo(f"{checked.n_days} days looked at, {checked.n_told} events", err=True)
    for alert in service.alerts.page("open", False, None, 1_000).alerts:
        typer.echo(_describe(alert))


@alerts.command("digest")
def print_digest(
    weekly: Annotated[bool, typer.Option("--weekly", help="The last seven days; by default the last one.")] = False,
    language: Annotated[str | None, typer.Option(help="en or zh; by default that of the locale.")] = None,
    mail: Annotated[str | None, typer.Option("--mail", metavar="ADDRESS", help="Send it to this mailbox, through CXNLP_SMTP_URL.")] = None,
) -> None:
    """Print what moved in the last whole day or week, or mail it; to be called by cron."""
    from cxnlp.feeds.mail import is_address, plain_text
    from cxnlp.feeds.notices import check_language
    from cxnlp.service.digest import make_notice, read_digest

    told_in = check_language(language or display_language())
    if mail is not None and not is_address(mail):
        raise InvalidInput(f"--mail {shorten(mail)!r}: write one address, such as lead@example.com")
    service = open_service()
    now = datetime.now(UTC)
    digest = read_digest(service.movements, "week" if weekly else "day", now)
    notice = make_notice(digest, told_in)
    if mail is None:
        typer.echo(plain_text(notice))
        return
    answer = service.sender.send_notice(notice, mail, f"digest_{digest.period}_{digest.last}_{told_in}", now)
    if answer.error is not None:
        typer.echo(f"{mail}: not sent: {answer.error}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{mail}: sent")


@alerts.command("acknowledge")
def acknowledge_alert(alert: AlertId, reason: Reason = None, author: Author = None) -> None:
    """Take an alert on."""
    _set(alert, "acknowledged", reason, author)


@alerts.command("snooze")
def snooze_alert(
    alert: AlertId,
    until: Annotated[str, typer.Option("--until", help="Day on which it comes back, such as 2026-12-01.")],
    reason: Reason = None,
    author: Author = None,
) -> None:
    """Put an alert off: until then nothing is told of it."""
    _set(alert, "snoozed", reason, author, parse_day(until))


@alerts.command("resolve")
def resolve_alert(alert: AlertId, reason: Reason = None, author: Author = None) -> None:
    """Say that an alert is dealt with; it does not come back while the same movement lasts."""
    _set(alert, "resolved", reason, author)


def _set(alert_id: str, state: str, reason: str | None, author: str | None, until: date | None = None) -> None:
    service = open_service()
    at = None if until is None else datetime.combine(until, time(), service.zone).astimezone(UTC)
    masked = service.masker.mask(reason) if reason else None
    typer.echo(_describe(service.alerts.set_state(alert_id, state, masked, author_of(author), at)))


def _describe(alert: Alert) -> str:
    line = alert.to_line()
    return f"{alert.id}  {line['since']} to {line['until']}  {alert.state:<12}  {line['summary'][display_language()]}"
