"""Commands for whom to tell of what happens: webhooks, feed."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from cxnlp.cli.options import open_service, to_day
from cxnlp.errors import InvalidInput, shorten

if TYPE_CHECKING:
    from cxnlp.store import Webhook

webhooks = typer.Typer(no_args_is_help=True, help="Webhooks: whom to tell of events, by signed JSON, in a chat or by mail.")
feed = typer.Typer(no_args_is_help=True, help="Events into the logs of other systems.")
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
    """Send a test message of the type `webhook.ping` now; exit code 1 if it does not arrive."""
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


@feed.command("kafka")
def feed_kafka(
    topic: Annotated[str, typer.Option(help="Topic to write to.")],
    bootstrap: Annotated[str, typer.Option(help="Brokers, host:port, several divided by commas.")] = "127.0.0.1:9092",
    events: Annotated[list[str] | None, typer.Option("--event", help="Such as flag.* or record.analyzed; may be repeated. Default is all.")] = None,
    from_beginning: Annotated[bool, typer.Option(help="The first time, begin with all events that are kept (30 days) instead of new ones.")] = False,
    config: Annotated[Path | None, typer.Option(help="File with further settings of librdkafka, name=value a line, such as for TLS.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when all that has happened is written.")] = False,
) -> None:
    """Write events to a Kafka topic, each at least once, keyed by record; the store remembers how far it got."""
    from cxnlp.feeds.kafka import KafkaTopic, read_options
    from cxnlp.service import Stream

    service = open_service()
    logging.basicConfig(level=service.settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    written = KafkaTopic(bootstrap, topic, read_options(config) if config else None)
    stream = Stream(service.store, service.delivery, f"kafka {topic}", written.publish)
    patterns = events or ["*"]
    if not once:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        return stream.run(stop, patterns, from_beginning=from_beginning)
    n = 0
    try:
        while (n_more := stream.step(patterns, from_beginning=from_beginning)) is not None:
            n += n_more
    finally:
        stream.close()
    typer.echo(f"{n:,} messages written")
    return None


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
