"""Notices as the bots of chats take them, and how those answer.

Slack: incoming webhooks with Block Kit (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). Feishu and Lark: custom bots, version 2,
with a card (open.feishu.cn/document/client-docs/bot-v3/add-custom-bot). DingTalk: custom robots
(open.dingtalk.com/document/robots/custom-robot-access). WeCom: group robots (developer.work.weixin.qq.com/document/path/91770). Customers' words
cannot call people, colour or link: what a chat would read as markup is replaced.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import orjson

from cxnlp.errors import InvalidInput, shorten
from cxnlp.feeds.notices import Notice
from cxnlp.feeds.webhooks import STANDARD

CHATS: Final = ("slack", "feishu", "dingtalk", "wecom")
FORMATS: Final = (STANDARD, *CHATS)
SIGNED_BY_CHAT: Final = ("feishu", "dingtalk")
"""Those whose bots may have a secret, which the chat makes."""
GAP_SECONDS: Final[Mapping[str, float]] = MappingProxyType({"slack": 1.0, "feishu": 0.6, "dingtalk": 3.0, "wecom": 3.0})
"""Between two messages to one bot; more often they are refused, and DingTalk then refuses all for ten minutes."""
_MOST_WECOM_BYTES: Final = 4_096
_MOST_BLOCK: Final = 3_000
_MARKUP: Final = str.maketrans({"<": "＜", ">": "＞", "[": "［", "]": "］", "*": "＊", "_": "＿", "`": "｀", "#": "＃", "!": "！"})
HEADERS: Final = MappingProxyType({"content-type": "application/json; charset=utf-8"})


@dataclass(frozen=True, slots=True)
class Post:
    """What to post to a bot.

    Attributes:
        content: The body.
        parameters: To add to the URL.
    """

    content: bytes
    parameters: Mapping[str, str]


def check_format(format: str) -> str:
    """Return the format if it is known.

    Raises:
        InvalidInput: It is not.
    """
    if format not in FORMATS:
        raise InvalidInput(f"format is {shorten(format)!r}; write one of {', '.join(FORMATS)}")
    return format


def make_post(format: str, notice: Notice, secret: str, now: datetime) -> Post:
    """Return what to post to a bot.

    Args:
        format: One of `CHATS`.
        notice: What to tell.
        secret: That the chat has made for this bot; empty where it has none.
        now: The time of this attempt, UTC; Feishu and DingTalk refuse what is more than an hour off.
    """
    if format == "slack":
        return Post(orjson.dumps(_slack(notice)), {})
    if format == "feishu":
        return Post(orjson.dumps(_feishu_signature(secret, now) | {"msg_type": "interactive", "card": _feishu(notice)}), {})
    if format == "dingtalk":
        told = {"title": notice.title, "text": _markdown(notice)}
        return Post(orjson.dumps({"msgtype": "markdown", "markdown": told}), _dingtalk_signature(secret, now))
    content = _fitting(notice)
    return Post(orjson.dumps({"msgtype": "markdown", "markdown": {"content": content}}), {})


def failure_of(format: str, body: bytes) -> str | None:
    """Return what a bot says went wrong, though it answered with 200; None if nothing did."""
    if format == "slack":
        return None
    try:
        answer = orjson.loads(body)
        code = next(answer[name] for name in ("errcode", "code", "StatusCode") if name in answer)
    except (orjson.JSONDecodeError, TypeError, StopIteration):
        return f"{format} gave an answer that cannot be read"
    said = answer.get("errmsg") or answer.get("msg") or answer.get("StatusMessage") or ""
    return None if code == 0 else f"{format} answered {shorten(code)}: {shorten(said)}"


def _slack(notice: Notice) -> dict[str, Any]:
    # Slack reads nothing but these three signs as the beginning of a mention or a link.
    def escape(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def section(text: str) -> dict[str, Any]:
        return {"type": "section", "text": {"type": "mrkdwn", "text": text[:_MOST_BLOCK], "verbatim": True}}

    facts = "\n".join(f"*{escape(name)}* {escape(value)}" if name else escape(value) for name, value in notice.facts)
    return {
        "text": escape(notice.title),
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": notice.title}},
            *([section(facts)] if facts else []),
            *(section(f"> {escape(quote)}") for quote in notice.quotes),
            {"type": "context", "elements": [{"type": "plain_text", "text": notice.reference}]},
        ],
    }


def _feishu(notice: Notice) -> dict[str, Any]:
    def plain(text: str) -> dict[str, str]:
        return {"tag": "plain_text", "content": text}

    facts = "\n".join(f"{name} {value}".strip() for name, value in notice.facts)
    return {
        "config": {"wide_screen_mode": True},
        "header": {"title": plain(notice.title), "template": "red" if notice.is_urgent else "blue"},
        "elements": [
            *([{"tag": "div", "text": plain(facts)}] if facts else []),
            *({"tag": "div", "text": plain(f"“{quote}”")} for quote in notice.quotes),
            {"tag": "note", "elements": [plain(notice.reference)]},
        ],
    }


def _feishu_signature(secret: str, now: datetime) -> dict[str, str]:
    """Seconds and secret are the key, and nothing is signed with it."""
    if not secret:
        return {}
    timestamp = str(int(now.timestamp()))
    return {"timestamp": timestamp, "sign": _hmac(f"{timestamp}\n{secret}".encode(), b"")}


def _dingtalk_signature(secret: str, now: datetime) -> dict[str, str]:
    """Milliseconds and secret are signed with the secret."""
    if not secret:
        return {}
    timestamp = str(int(now.timestamp() * 1000))
    return {"timestamp": timestamp, "sign": _hmac(secret.encode(), f"{timestamp}\n{secret}".encode())}


def _hmac(key: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def _markdown(notice: Notice) -> str:
    lines = [f"### {_plain(notice.title)}"]
    lines += [f"**{name}** {_plain(value)}" if name else _plain(value) for name, value in notice.facts]
    lines += [f"> {_plain(quote)}" for quote in notice.quotes]
    return "\n\n".join([*lines, notice.reference])


def _plain(text: str) -> str:
    return text.translate(_MARKUP)


def _fitting(notice: Notice) -> str:
    """Return the markdown with as much of the quotes as WeCom takes."""
    for n_kept in (500, 200, 80, 0):
        quotes = tuple(quote if len(quote) <= n_kept else f"{quote[:n_kept]}…" for quote in notice.quotes)
        text = _markdown(Notice(notice.title, notice.facts, quotes if n_kept else (), notice.reference))
        if len(text.encode()) <= _MOST_WECOM_BYTES:
            return text
    return text.encode()[: _MOST_WECOM_BYTES - 3].decode(errors="ignore") + "…"
