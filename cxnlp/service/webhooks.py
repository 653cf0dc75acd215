"""Whom to tell: webhooks made, tried, replaced in their secret, replayed."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cxnlp.errors import InvalidInput
from cxnlp.feeds.conditions import check_labels, condition_line, parse_condition
from cxnlp.feeds.mail import EMAIL, address_of, is_mail
from cxnlp.feeds.messages import SIGNED_BY_CHAT, check_format
from cxnlp.feeds.notices import check_language
from cxnlp.feeds.targets import Answer, check_target
from cxnlp.feeds.webhooks import PING, STANDARD, check_events, make_message, make_secret
from cxnlp.service.sending import Sender
from cxnlp.store import Store, Webhook
from cxnlp.taxonomy import Taxonomy

ALONG: Final = timedelta(hours=24)
"""How long a replaced secret signs along."""
_MOST_SECRET: Final = 200


@dataclass(frozen=True, slots=True)
class WantedWebhook:
    """A webhook as somebody asks for it.

    Attributes:
        url: `https://...`, `http://...` or `mailto:...`.
        events: Names or patterns such as `flag.*`.
        format: `standard`, or the chat whose bot is called; left out for mail.
        language: Of messages to people, `en` or `zh`.
        filter: JSON of a condition as in rules; events of records that do not fulfil it are not sent.
        secret: That the chat has made for its bot (Feishu, DingTalk); else None.
    """

    url: str
    events: Sequence[str]
    format: str = STANDARD
    language: str = "en"
    filter: Mapping[str, Any] | None = None
    secret: str | None = field(default=None, repr=False)


class Webhooks:
    """The webhooks of a store; `taxonomy` says which labels their filters may name, any when None."""

    def __init__(self, store: Store, sender: Sender, taxonomy: Taxonomy | None = None) -> None:
        self._store = store
        self._sender = sender
        self._taxonomy = taxonomy

    def create(self, wanted: WantedWebhook) -> Webhook:
        """Add a webhook and return it with its secret, which is to be shown once.

        Raises:
            InvalidInput: The URL or its address may not be called, an event, format, language or condition is unknown, a secret is not wanted,
                or a filter names a label that no record can have; the message says what to do.
        """
        patterns = check_events(wanted.events)
        format, url = self._check_place(wanted)
        language = check_language(wanted.language)
        filter = _check_filter(wanted.filter, self._taxonomy) if wanted.filter else {}
        secret = make_secret() if format == STANDARD and wanted.secret is None else _check_secret(format, wanted.secret)
        return self._store.webhooks.create(url, patterns, secret, format, language, filter)

    def list(self) -> list[Webhook]:
        """Return all webhooks, oldest first."""
        return self._store.webhooks.list()

    def delete(self, webhook_id: str) -> None:
        """Delete a webhook with what it still was to be told.

        Raises:
            NotFound: There is no such webhook.
        """
        self._store.webhooks.delete(webhook_id)

    def rotate(self, webhook_id: str, secret: str | None = None) -> Webhook:
        """Give a webhook another secret and return it; the one before signs along for 24 hours, where the format knows two signatures.

        Args:
            webhook_id: Of the webhook.
            secret: That the chat has made anew for its bot; None otherwise.

        Raises:
            NotFound: There is no such webhook.
            InvalidInput: Its format has no secret, or one is missing or not wanted.
        """
        webhook = self._store.webhooks.get(webhook_id)
        if webhook.format == STANDARD and secret is None:
            return self._store.webhooks.rotate(webhook_id, make_secret(), datetime.now(UTC) + ALONG)
        if webhook.format in SIGNED_BY_CHAT and not secret:
            raise InvalidInput(f"secret is missing; have {webhook.format} make a new one for its bot and send it")
        if webhook.format not in (*SIGNED_BY_CHAT, STANDARD):
            raise InvalidInput(f"a webhook of format {webhook.format} has no secret; if its URL got known, make a new bot and a new webhook")
        return self._store.webhooks.rotate(webhook_id, _check_secret(webhook.format, secret), None)

    def test(self, webhook_id: str) -> Answer:
        """Send a webhook a `webhook.ping` now and return how it ended.

        Raises:
            NotFound: There is no such webhook.
        """
        webhook = self._store.webhooks.get(webhook_id)
        now = datetime.now(UTC)
        message = make_message(0, PING, now, {"webhook_id": webhook.id}, None)
        with self._sender.open() as client:
            return self._sender.send(client, webhook, f"ping_{uuid.uuid4().hex}", message, now)

    def replay(self, webhook_id: str) -> int:
        """Try the messages again that were given up; return how many.

        Raises:
            NotFound: There is no such webhook.
        """
        return self._store.deliveries.replay(self._store.webhooks.get(webhook_id).id, datetime.now(UTC))

    def _check_place(self, wanted: WantedWebhook) -> tuple[str, str]:
        """Return format and URL."""
        if not is_mail(wanted.url):
            return check_format(wanted.format), str(check_target(wanted.url, self._sender.allow_private).url)
        if wanted.format not in (STANDARD, EMAIL):
            raise InvalidInput(f"format is {wanted.format!r}, but the url is a mailbox; leave the format out")
        if self._sender.mail is None:
            raise InvalidInput("mail cannot be sent; set CXNLP_SMTP_URL and CXNLP_SMTP_FROM, see docs/settings.md")
        return EMAIL, f"mailto:{address_of(wanted.url)}"


def _check_filter(given: Mapping[str, Any], taxonomy: Taxonomy | None) -> dict[str, Any]:
    condition = parse_condition(given, "filter")
    if taxonomy:
        check_labels(condition.filter, taxonomy, "filter")
    if condition.repeat:
        raise InvalidInput("filter.repeat_contact is for rules only; let a rule ask for it, and subscribe to its flags")
    return condition_line(condition)


def _check_secret(format: str, secret: str | None) -> str:
    if secret is None or (secret == "" and format in SIGNED_BY_CHAT):
        return ""
    if format not in SIGNED_BY_CHAT:
        raise InvalidInput(f"secret is not wanted with the format {format}; leave it out")
    if not (secret.isascii() and secret.isprintable() and len(secret) <= _MOST_SECRET):
        raise InvalidInput(f"secret cannot be used; write what {format} shows for its bot, up to {_MOST_SECRET} letters and digits")
    return secret
