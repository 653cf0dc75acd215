"""Notices by mail: as plain text and HTML, through a server that the settings name (SMTP, RFC 5321; STARTTLS, RFC 3207)."""

import re
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from jinja2 import Environment

from cxnlp.errors import InvalidInput, shorten
from cxnlp.feeds.notices import Notice
from cxnlp.feeds.targets import Answer

EMAIL: Final = "email"
"""The format of webhooks whose URL is `mailto:...`."""
_SCHEME: Final = "mailto:"
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_MOST_ADDRESS: Final = 254
_PORTS: Final = {"smtp": 587, "smtps": 465}
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_MOST_REASON: Final = 200
_TEMPLATE: Final = Environment(autoescape=True).from_string(Path(__file__).with_name("mail.html").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class MailServer:
    """Who takes mail.

    Attributes:
        host: Its name.
        port: Its port.
        sender: Address that mail comes from.
        is_tls: Whether the connection begins with TLS; else it changes to TLS where the server offers that.
        user: Name to log in with; empty to send without.
        password: That goes with it.
    """

    host: str
    port: int
    sender: str
    is_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)


def parse_mail_server(url: str | None, sender: str | None) -> MailServer | None:
    """Return the server of two settings, or None where none is set.

    Args:
        url: `smtp://user:password@host:587`, or `smtps://` for TLS from the beginning.
        sender: An address.

    Raises:
        InvalidInput: One of them cannot be used; the message does not show the password.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme not in _PORTS or not host or parts.path.strip("/"):
        raise InvalidInput("CXNLP_SMTP_URL cannot be read; write smtp://user:password@host:587 or smtps://user:password@host:465")
    if not sender or not is_address(sender):
        raise InvalidInput(f"CXNLP_SMTP_FROM is {shorten(sender or '')!r}; write the address that mail comes from, such as cxnlp@example.com")
    is_tls = parts.scheme == "smtps"
    return MailServer(host, port or _PORTS[parts.scheme], sender, is_tls, unquote(parts.username or ""), unquote(parts.password or ""))


def is_mail(url: str) -> bool:
    """Tell whether a URL means a mailbox."""
    return url[: len(_SCHEME)].lower() == _SCHEME


def is_address(address: str) -> bool:
    """Tell whether this is one plain mail address."""
    return len(address) <= _MOST_ADDRESS and _ADDRESS.fullmatch(address) is not None


def address_of(url: str) -> str:
    """Return the address of `mailto:someone@example.com`.

    Raises:
        InvalidInput: It is not one plain address.
    """
    address = unquote(url[len(_SCHEME) :])
    if not is_mail(url) or not is_address(address):
        raise InvalidInput(f"url is {shorten(url)!r}; write one address, mailto:someone@example.com")
    return address


def make_mail(notice: Notice, address: str, message_id: str, now: datetime) -> EmailMessage:
    """Return a mail; its Message-ID comes from `message_id`, so that a repetition is known as one."""
    mail = EmailMessage()
    mail["Subject"] = f"[cxnlp] {notice.title}"
    mail["To"] = address
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message_id}@cxnlp.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain_text(notice))
    mail.add_alternative(_TEMPLATE.render(notice=notice), subtype="html")
    return mail


def plain_text(notice: Notice) -> str:
    """Return a notice as plain text."""
    facts = "\n".join(f"{name}: {value}" if name else value for name, value in notice.facts)
    quotes = "\n\n".join(f"> {quote}" for quote in notice.quotes)
    return "\n\n".join(part for part in (notice.title, facts, quotes, notice.reference) if part)


def send_mail(server: MailServer, mail: EmailMessage, timeout_seconds: float) -> Answer:
    """Hand a mail to the server and return how it ended."""
    mail["From"] = server.sender
    tls = ssl.create_default_context()
    try:
        opened = (
            smtplib.SMTP_SSL(server.host, server.port, timeout=timeout_seconds, context=tls)
            if server.is_tls
            else smtplib.SMTP(server.host, server.port, timeout=timeout_seconds)
        )
        with opened as connection:
            connection.ehlo()
            if not server.is_tls and connection.has_extn("starttls"):
                connection.starttls(context=tls)
                connection.ehlo()
            elif not server.is_tls and server.user and server.host not in _LOCAL:
                return Answer(None, "the mail server offers no TLS, so the password is not sent; use smtps:// or a server with STARTTLS")
            if server.user:
                connection.login(server.user, server.password)
            connection.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        return Answer(code, f"SMTP {code}: {reason.decode(errors='replace')}"[:_MOST_REASON])
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else str(error.smtp_error)
        return Answer(error.smtp_code, f"SMTP {error.smtp_code}: {said}"[:_MOST_REASON])
    except (OSError, smtplib.SMTPException) as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:_MOST_REASON])
    return Answer(250, None)
