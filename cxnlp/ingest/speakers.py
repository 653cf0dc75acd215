"""Who speaks: the words by which transcripts and chats name the customer, the agent and the system."""

from collections.abc import Mapping
from typing import Final

from cxnlp.records import SPEAKERS

_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "customer": (
        *("customer", "user", "client", "caller", "guest", "buyer", "human", "consumer"),
        *("顾客", "客户", "用户", "买家", "会员", "消费者", "顧客", "客戶", "用戶"),
    ),
    "agent": (
        *("agent", "assistant", "bot", "support", "representative", "rep", "operator", "advisor", "staff", "seller", "chatbot", "ai"),
        *("客服", "坐席", "座席", "人工客服", "机器人", "智能客服", "卖家", "商家", "专员", "客服人员"),
    ),
    "system": ("system", "系统", "系統"),
}
SPEAKER_WORDS: Final[Mapping[str, str]] = {word: speaker for speaker, words in _WORDS.items() for word in words}


def speaker_of(name: str) -> str | None:
    """Return the one of `SPEAKERS` that `name` means, in any letter case, or None."""
    name = name.strip().lower()
    return name if name in SPEAKERS else SPEAKER_WORDS.get(name)
