"""One message to one webhook: in its form, signed with its secrets, by HTTP or by mail."""

import logging
import ssl
from datetime import datetime
from email.message import EmailMessage
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

import httpx

from cxnlp import __version__
from cxnlp.errors import InvalidInput
from cxnlp.feeds.mail import EMAIL, MailServer, address_of, make_mail, send_mail
from cxnlp.feeds.messages import HEADERS, failure_of, make_post
from cxnlp.feeds.notices import Notice, make_notice
from cxnlp.feeds.targets import Answer, check_target, post
from cxnlp.feeds.webhooks import STANDARD, Message, sign
from cxnlp.store import Webhook

TIMEOUT_SECONDS: Final = 10.0
UTC: Final = ZoneInfo("UTC")
_log = logging.getLogger(__name__)


class Sender:
    """Sends messages.

    Attributes:
        allow_private: Whether loopback and private addresses may be called.
        zone: In which times are told to people.
        mail: Through which server mail goes; None where mail cannot be sent.
    """

    def __init__(self, allow_private: bool = False, zone: ZoneInfo = UTC, mail: MailServer | None = None) -> None:
        self.allow_private = allow_private
        self.zone = zone
        self.mail = mail

    def open(self) -> httpx.Client:
        """Return a connection for one webhook."""
        # Proxies of the environment would resolve the host again, unchecked.
        agent = {"user-agent": f"cxnlp/{__version__}"}
        return httpx.Client(verify=self._tls, timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False, headers=agent)

    def send(self, client: httpx.Client, webhook: Webhook, message_id: str, message: Message, now: datetime) -> Answer:
        """Send a message and return how it ended; whatever goes wrong is in the answer.

        Args:
            client: From `open`, used for this webhook only.
            webhook: Whom to tell.
            message_id: The same for every attempt.
            message: What of.
            now: The time of this attempt, UTC.
        """
        try:
            if webhook.format == STANDARD:
                content, headers = sign(webhook.secrets_at(now), message_id, message.body, now)
                return post(client, check_target(webhook.url, self.allow_private), content, headers)
            notice = make_notice(message, webhook.language, self.zone)
            if webhook.format == EMAIL:
                return self._mail(make_mail(notice, address_of(webhook.url), message_id, now))
            made = make_post(webhook.format, notice, webhook.secret, now)
            target = check_target(str(httpx.URL(webhook.url).copy_merge_params(made.parameters)), self.allow_private)
            return post(client, target, made.content, HEADERS, lambda body: failure_of(webhook.format, body))
        except InvalidInput as error:
            return Answer(None, str(error))
        except Exception as error:  # one message that cannot be sent must not hold up the others
            _log.error("event %d cannot be sent: %s", message.seq, type(error).__name__)
            return Answer(None, type(error).__name__)

    def send_notice(self, notice: Notice, address: str, message_id: str, now: datetime) -> Answer:
        """Send a notice to a mailbox, and return how it ended.

        Args:
            notice: What people are told.
            address: One plain mail address.
            message_id: The same for every attempt.
            now: The time of this attempt, UTC.
        """
        return self._mail(make_mail(notice, address, message_id, now))

    def _mail(self, mail: EmailMessage) -> Answer:
        if self.mail is None:
            return Answer(None, "no mail server is set; set CXNLP_SMTP_URL and CXNLP_SMTP_FROM")
        return send_mail(self.mail, mail, TIMEOUT_SECONDS)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()
