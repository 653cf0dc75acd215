"""Commands for whom to tell of what happens: webhooks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from cxnlp.cli.options import open_service, to_day
from cxnlp.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from cxnlp.store import Webhook

webhooks = typer.Typer(no_args_is_help=True, help="Webhooks: whom to tell of events, by signed JSON, in a chat or by mail.")
WebhookId = Annotated[str, typer.Argument(help="Id of a webhook, as `cxnlp webhooks list` prints it, such as w-0a1b2c3d4e5f6071.")]
_FORMATS = "standard, slack, feishu, dingtalk or wecom"
_ALIKE = (
    "For Feishu and DingTalk: the secret that they show for the bot. `-` reads it from standard input, which keeps it out of the shell's history."
)


@webhooks.command("add")
def add_webhook(
    url: Annotated[str, typer.Argument(help="https://..., http://... or mailto:someone@example.com.")],
    events: Annotated[list[str] | None, typer.Option("--event", help="Such as flag.raised or flag.*; may be repeated. Default is flag.*.")] = None,
    format: Annotated[str, typer.Option(help=f"In which form: {_FORMATS}; left out for mail.")] = "standard",
    language: Annotated[str, typer.Option(help="Of messages to people: en or zh.")] = "en",
    filter: Annotated[str | None, typer.Option(help='JSON of a condition on records, such as {"channel": ["chat"]}.')] = None,
    secret: Annotated[str | None, typer.Option(help=_ALIKE)] = None,
) -> None:
    """Tell a URL of events from now on."""
    from cxnlp.service import WantedWebhook

    wanted = WantedWebhook(url, events or ["flag.*"], format, language, _object(filter), _secret(secret))
    webhook = open_service().webhooks.create(wanted)
    typer.echo(_describe(webhook))
    if webhook.format == "standard":
        typer.echo(f"{webhook.secret}\nThe secret is not shown again; the receiver verifies signatures with it.")


@webhooks.command("list")
def list_webhooks() -> None:
    """List all webhooks, with what waits for them and what was given up."""
    service = open_service()
    counts = service.store.deliveries.counts()
    for webhook in service.webhooks.list():
        waiting, dead = (counts.get((webhook.id, status), 0) for status in ("pending", "dead"))
        typer.echo(f"{_describe(webhook)}  {waiting:,} waiting, {dead:,} given up")


@webhooks.command("test")
def test_webhook(webhook: WebhookId) -> None:
    """Send a `webhook.ping` now; exit code 1 if it does not arrive."""
    answer = open_service().webhooks.test(webhook)
    typer.echo(f"delivered ({answer.status})" if answer.error is None else f"not delivered: {answer.error}")
    if answer.error is not None:
        raise typer.Exit(1)


@webhooks.command("replay")
def replay_webhook(webhook: WebhookId) -> None:
    """Queue the messages again that were given up."""
    typer.echo(f"{open_service().webhooks.replay(webhook):,} messages are tried again")


@webhooks.command("rotate")
def rotate_webhook(webhook: WebhookId, secret: Annotated[str | None, typer.Option(help=_ALIKE)] = None) -> None:
    """Replace the secret; for 24 hours the old one signs along, where the format knows two signatures."""
    rotated = open_service().webhooks.rotate(webhook, _secret(secret))
    if rotated.old_secret_until is None:
        typer.echo(f"{rotated.id} signs with the new secret")
    else:
        typer.echo(
            f"{rotated.secret}\nThe secret is not shown again; the one before signs along until {rotated.old_secret_until:%Y-%m-%d %H:%M} UTC."
        )


@webhooks.command("remove")
def remove_webhook(webhook: WebhookId) -> None:
    """Tell a webhook nothing more, not even what it still was to be told."""
    open_service().webhooks.delete(webhook)
    typer.echo(f"{webhook} removed")


def _describe(webhook: Webhook) -> str:
    state = f"disabled {to_day(webhook.disabled_at)}" if webhook.disabled_at else "active"
    return f"{webhook.id}  {to_day(webhook.created_at)}  {state:<19} {webhook.format:<8} {','.join(webhook.events)}  {shorten(webhook.url)}"


def _object(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        read = orjson.loads(given)
    except orjson.JSONDecodeError:
        read = None
    if not isinstance(read, dict):
        raise InvalidInput(f'--filter is {shorten(given)!r}; write a JSON object such as {{"channel": ["chat"]}}')
    return read


def _secret(given: str | None) -> str | None:
    return sys.stdin.readline().strip() if given == "-" else given
