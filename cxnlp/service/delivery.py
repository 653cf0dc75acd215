"""Telling other systems: raise flags on what was analysed, and bring events to those who asked for them.

Everything is read from the log of events at a cursor of the store; what it leads to is written in the transaction that moves the cursor. So a
process may die at any moment: a flag is raised once, and a message arrives at least once, every time under the same id.
"""

import logging
import os
import random
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from cxnlp.errors import CxnlpError
from cxnlp.feeds.conditions import holds, parse_condition, settle_condition
from cxnlp.feeds.messages import GAP_SECONDS
from cxnlp.feeds.targets import Answer
from cxnlp.feeds.webhooks import Message, backoff_seconds, make_message, types_of
from cxnlp.records import Record
from cxnlp.service.flagging import Flagging
from cxnlp.service.leases import LEASE_SECONDS, Lease, keep
from cxnlp.service.movements import quotes_of
from cxnlp.service.sending import Sender
from cxnlp.store import Due, Event, FlagPage, Store, StoredFlag, Webhook

_ESCALATE_SECONDS: Final = 5.0
_WEBHOOKS: Final = "webhooks"
_JOB_SECONDS: Final = 20.0
_PATIENCE_SECONDS: Final = 0.5
_IDLE_SECONDS: Final = 0.25
_N_THREADS: Final = 16
_GONE: Final = 410
_DELETED: Final = "record.deleted"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """Part of the log of events.

    Attributes:
        messages: What happened, oldest first; events about records that are gone by now are left out.
        position: What to read on from.
        reset: Whether events between were dropped, so that the reader has to begin anew; then there are no messages.
    """

    messages: tuple[Message, ...]
    position: int
    reset: bool = False


class Delivery:
    """Flags, messages to webhooks, and events of one process."""

    def __init__(self, store: Store, sender: Sender) -> None:
        self._store = store
        self._sender = sender
        self._holder = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._flagging = Flagging(store, self._holder)
        self._escalated_at = float("-inf")
        self._seen = -1
        self._pool = ThreadPoolExecutor(_N_THREADS, "deliver")
        self._jobs: dict[str, Future[int]] = {}
        self._closing = threading.Event()

    def flag(self, limit: int = 500) -> int:
        """Judge the records of the next events; see `Flagging.judge`."""
        return self._flagging.judge(limit)

    def escalate(self) -> int:
        """Tell of flags that nobody took on in time, at most every five seconds; see `Flagging.escalate`."""
        if time.monotonic() - self._escalated_at < _ESCALATE_SECONDS:
            return 0
        self._escalated_at = time.monotonic()
        return self._flagging.escalate()

    def deliver(self, limit: int = 50) -> int:
        """Note whom to tell of the next events, and send what is due, each webhook by itself so that a slow one holds nobody up.

        Waits for at most half a second; what is still under way then goes on beside, and is counted by a later call.

        Args:
            limit: Messages to one webhook at a time.

        Returns:
            How many messages were tried.
        """
        if self._store.events.last_seq() > self._seen:
            reached = self._store.deliveries.enqueue(self._holder, datetime.now(UTC), 20 * limit, LEASE_SECONDS)
            if reached is not None:
                self._seen = reached
        n_tried = self._reap()
        idle = [webhook_id for webhook_id in self._store.deliveries.waiting(datetime.now(UTC)) if webhook_id not in self._jobs]
        begun = {webhook_id: self._pool.submit(self._serve, webhook_id, limit) for webhook_id in idle}
        self._jobs |= begun
        wait(begun.values(), _PATIENCE_SECONDS)
        return n_tried + self._reap()

    def run(self, stop: threading.Event) -> None:
        """Flag and deliver until `stop` is set; a failure of the store is logged and tried again."""
        try:
            while not stop.is_set():
                try:
                    if self.flag() + self.escalate() + self.deliver() == 0:
                        stop.wait(_IDLE_SECONDS)
                except CxnlpError as error:
                    _log.warning("delivery waits: %s", error)
                    stop.wait(4 * _IDLE_SECONDS)
                except Exception as error:  # its message may quote a text
                    _log.error("delivery waits: %s", type(error).__name__)
                    stop.wait(4 * _IDLE_SECONDS)
        finally:
            self.close()

    def close(self) -> None:
        """Give back what this process holds; calls that are under way end by themselves."""
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._flagging.close()
        self._store.events.release(_WEBHOOKS, self._holder)

    def flags(
        self,
        state: str | None = None,
        level: int | None = None,
        cursor: str | None = None,
        limit: int = 50,
        *,
        owner: str | None = None,
        sort: str = "newest",
    ) -> FlagPage:
        """Return part of the flags; see `FlagTable.page`."""
        return self._store.flags.page(state, level, cursor, limit, owner=owner, sort=sort)

    def set_flag(self, flag_id: str, state: str | None, reason: str | None, author: str, owner: str | None = None) -> StoredFlag:
        """Note what a person did about a flag; see `FlagTable.set_state`."""
        return self._store.flags.set_state(flag_id, state, reason, author, owner)

    def events(self, after: int, limit: int = 100, types: Sequence[str] | None = None) -> Told:
        """Return what happened after the event numbered `after`, as webhooks are told of it.

        Args:
            after: Last number already seen.
            limit: At most so many events.
            types: Names or patterns such as `flag.*`; all when None.

        Raises:
            InvalidInput: A name is unknown.
        """
        names = types_of(["*"] if types is None else types)
        last = self._store.events.last_seq()
        if after > last or after < self._store.events.oldest_seq() - 1:
            return Told((), last, reset=True)
        events = self._store.events.read(after, limit, names)
        records = self._store.feedback.get_many([record_id for event in events for record_id in _named(event)])
        messages = [_message(event, records) for event in events]
        position = events[-1].seq if len(events) == limit else max([last, *(event.seq for event in events)])
        return Told(tuple(message for message in messages if message), position)

    def _reap(self) -> int:
        done = [self._jobs.pop(webhook_id) for webhook_id, job in list(self._jobs.items()) if job.done()]
        return sum(job.result() for job in done)

    def _serve(self, webhook_id: str, limit: int) -> int:
        """Send one webhook what is due, in order, for a limited time; return how many messages were tried.

        After a failure nothing more is told of the same record until that message has arrived or is given up. What others may have taken over, since
        the lease could not be renewed, is not told either.
        """
        begun = time.monotonic()
        due = self._store.deliveries.due(webhook_id, datetime.now(UTC), limit, self._holder, LEASE_SECONDS)
        end = time.monotonic() + _JOB_SECONDS
        n_tried = 0
        waiting: set[str | None] = set()
        with self._keep(due, begun) as lease, self._sender.open() as client:
            for item in due:
                if self._closing.is_set() or not lease.is_held or time.monotonic() > end:
                    break
                if item.event.record_id in waiting:
                    continue
                answer = self._tell(client, item)
                self._settle(item, answer)
                n_tried += 1
                if answer.error is not None and item.event.record_id:
                    waiting.add(item.event.record_id)
                if answer.status is not None:
                    self._closing.wait(GAP_SECONDS.get(item.webhook.format, 0.0))
        if n_tried < len(due):
            self._store.deliveries.release(self._holder, webhook_id)
        return n_tried

    def _keep(self, due: Sequence[Due], taken_at: float) -> AbstractContextManager[Lease]:
        return keep(lambda: self._store.deliveries.renew(due, self._holder, datetime.now(UTC), LEASE_SECONDS), taken_at)

    def _tell(self, client: httpx.Client, due: Due) -> Answer:
        event = due.event
        records = self._store.feedback.get_many(_named(event))
        message = _message(event, records)
        if message is None or not self._passes(due.webhook, event, records):
            return Answer(None, None)
        return self._sender.send(client, due.webhook, f"evt_{due.webhook.id}_{event.seq}", message, datetime.now(UTC))

    def _passes(self, webhook: Webhook, event: Event, records: Mapping[str, Record]) -> bool:
        """Tell whether an event passes a webhook's filter; what is about no record that is still there always does."""
        record = records.get(event.record_id) if event.record_id else None
        if not webhook.filter or record is None:
            return True
        condition = settle_condition(parse_condition(webhook.filter, "filter"), self._store.topics.settled)
        return record.analysis is not None and holds(condition, record, ())

    def _settle(self, due: Due, answer: Answer) -> None:
        if answer.error is None:
            self._store.deliveries.succeed(due, answer.status)
            return
        wait_seconds = backoff_seconds(due.attempts + 1, random.random())
        if answer.status == _GONE:
            self._store.webhooks.disable(due.webhook.id)
        if wait_seconds is None or answer.status == _GONE:
            self._store.deliveries.bury(due, answer.error, answer.status)
        else:
            self._store.deliveries.retry_later(due, datetime.now(UTC) + timedelta(seconds=wait_seconds), answer.error, answer.status)


def _named(event: Event) -> list[str]:
    """Return the ids of the records that a message about an event shows."""
    return [event.record_id] if event.record_id else list(event.data.get("record_ids", ()))


def _message(event: Event, records: Mapping[str, Record]) -> Message | None:
    """Return the message about an event, or None if the record it is about is gone by now."""
    record = None if event.record_id is None else records.get(event.record_id)
    if event.record_id and record is None and event.type != _DELETED:
        return None
    about = event.record_id if event.type == _DELETED else record
    data = {**event.data, "quotes": quotes_of(event.data, records)} if event.type.startswith("alert.") else event.data
    return make_message(event.seq, event.type, event.at, data, about)
