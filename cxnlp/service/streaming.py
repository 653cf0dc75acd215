"""The log of events into another log: each message at least once, in order, from a cursor of its own in the store."""

import logging
import os
import threading
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from cxnlp.errors import CxnlpError
from cxnlp.feeds.webhooks import Message, check_events, make_message
from cxnlp.service.delivery import Delivery
from cxnlp.store import Store

RESET: Final = "reset"
_AT_ONCE: Final = 500
_LEASE_SECONDS: Final = 120.0  # more than a publisher may take
_IDLE_SECONDS: Final = 0.5
_LONGEST_WAIT_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


class Stream:
    """Publishes what happens; of several processes with one name, one does."""

    def __init__(self, store: Store, delivery: Delivery, name: str, publish: Callable[[Sequence[Message]], None]) -> None:
        """Begin.

        Args:
            store: Whose events.
            delivery: Makes messages of them.
            name: Of the cursor.
            publish: Returns when all messages are safe; raises CxnlpError if some may not be.
        """
        self._store = store
        self._delivery = delivery
        self._name = name
        self._publish = publish
        self._holder = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"

    def step(self, patterns: Sequence[str] = ("*",), *, from_beginning: bool = False) -> int | None:
        """Publish the next messages and move the cursor.

        Args:
            patterns: Names of events or patterns such as `flag.*`.
            from_beginning: Where a cursor begins that does not exist yet: with all events that are kept, or with those to come.

        Returns:
            How many messages; None if there is nothing new, or another process has this in hand.

        Raises:
            InvalidInput: A pattern is unknown.
            CxnlpError: Not all were published; the next step tries all of them again.
        """
        patterns = check_events(patterns)
        oldest = max(self._store.events.oldest_seq() - 1, 0)
        start = oldest if from_beginning else self._store.events.last_seq()
        position = self._store.events.lease(self._name, self._holder, _LEASE_SECONDS, start=start)
        if position is None or position >= self._store.events.last_seq():
            return None
        told = self._delivery.events(position, _AT_ONCE, patterns)
        messages = told.messages
        if told.reset:  # it was away for longer than events are kept
            messages = (make_message(told.position, RESET, datetime.now(UTC), {"position": told.position}, None),)
        if messages:
            self._publish(messages)
        self._store.events.advance(None, self._name, self._holder, told.position)
        return len(messages)

    def run(self, stop: threading.Event, patterns: Sequence[str] = ("*",), *, from_beginning: bool = False) -> None:
        """Publish until `stop` is set; what fails is logged and tried again, at first after half a second, at last every 30."""
        wait_seconds = _IDLE_SECONDS
        try:
            while not stop.is_set():
                try:
                    if self.step(patterns, from_beginning=from_beginning) is None:
                        stop.wait(_IDLE_SECONDS)
                    wait_seconds = _IDLE_SECONDS
                except CxnlpError as error:
                    _log.warning("the stream %s waits: %s", self._name, error)
                    stop.wait(wait_seconds)
                    wait_seconds = min(2 * wait_seconds, _LONGEST_WAIT_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Give the cursor back."""
        self._store.events.release(self._name, self._holder)
