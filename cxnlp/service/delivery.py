"""Telling other systems: raise flags on what was analysed, and bring events to those who asked for them.

Everything is read from the log of events at a cursor of the store; what it leads to is written in the transaction that moves the cursor. So a
process may die at any moment: a flag is raised once, and a message arrives at least once, every time under the same id.
"""

import logging
import os
import random
import ssl
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

import httpx

from cxnlp import __version__
from cxnlp.errors import CxnlpError, InvalidInput
from cxnlp.feeds.flags import evaluate
from cxnlp.feeds.rules import Rule, shipped_rules
from cxnlp.feeds.targets import Answer, check_target, post
from cxnlp.feeds.webhooks import PING, Message, backoff_seconds, check_events, make_message, make_secret, sign, types_of
from cxnlp.records import Record
from cxnlp.store import Due, Event, FlagPage, Store, StoredFlag, Verdict, Webhook

TIMEOUT_SECONDS: Final = 10.0
LEASE_SECONDS: Final = 60.0
_FLAGS: Final = "flags"
_WEBHOOKS: Final = "webhooks"
_CURSOR_SECONDS: Final = 15.0
_JOB_SECONDS: Final = 20.0
_PATIENCE_SECONDS: Final = 0.5
_IDLE_SECONDS: Final = 0.25
_N_THREADS: Final = 16
_GONE: Final = 410
_JUDGED: Final = ("record.analyzed", "record.updated")
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
    """Flags, webhooks and events of one process; `allow_private` lets webhooks call loopback and private addresses."""

    def __init__(self, store: Store, allow_private: bool) -> None:
        self._store = store
        self._allow_private = allow_private
        self._holder = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._seen: dict[str, int] = {}
        self._pool = ThreadPoolExecutor(_N_THREADS, "deliver")
        self._jobs: dict[str, Future[int]] = {}
        self._closing = threading.Event()

    def flag(self, limit: int = 500) -> int:
        """Judge the records of the next events and raise, change or withdraw their flags.

        Returns:
            How many events were dealt with; 0 when there are no new ones, or another process has this in hand.

        Raises:
            Conflict: Another process took over meanwhile; nothing was written.
        """
        if not self._is_behind(_FLAGS):
            return 0
        position = self._store.events.lease(_FLAGS, self._holder, _CURSOR_SECONDS)
        if position is None:
            return 0
        events = self._store.events.read(position, limit)
        self._seen[_FLAGS] = events[-1].seq if events else position
        if not events:
            return 0
        ids = dict.fromkeys(event.record_id for event in events if event.record_id and event.type in _JUDGED)
        now = datetime.now(UTC)
        # One that waits for analysis is judged when that is done.
        records = [record for record in self._store.feedback.get_many(list(ids)).values() if record.analysis]
        verdicts = [_judge(rule, record, now) for record in records for rule in shipped_rules()]
        try:
            self._store.flags.apply(verdicts, self._holder, events[-1].seq)
        except CxnlpError:
            self._seen.pop(_FLAGS)
            raise
        return len(events)

    def deliver(self, limit: int = 50) -> int:
        """Note whom to tell of the next events, and send what is due, each webhook by itself so that a slow one holds nobody up.

        Waits for at most half a second; what is still under way then goes on beside, and is counted by a later call.

        Args:
            limit: Messages to one webhook at a time.

        Returns:
            How many messages were tried.
        """
        if self._is_behind(_WEBHOOKS):
            reached = self._store.deliveries.enqueue(self._holder, datetime.now(UTC), 20 * limit, _CURSOR_SECONDS)
            if reached is not None:
                self._seen[_WEBHOOKS] = reached
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
                    if self.flag() + self.deliver() == 0:
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
        for name in (_FLAGS, _WEBHOOKS):
            self._store.events.release(name, self._holder)

    def create_webhook(self, url: str, events: Sequence[str]) -> Webhook:
        """Add a webhook and return it with its secret, which is to be shown once.

        Raises:
            InvalidInput: The URL or its address may not be called, or an event is unknown; the message says what to do.
        """
        patterns = check_events(events)
        target = check_target(url, self._allow_private)
        return self._store.webhooks.create(str(target.url), patterns, make_secret())

    def list_webhooks(self) -> list[Webhook]:
        """Return all webhooks, oldest first."""
        return self._store.webhooks.list()

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook with what it still was to be told.

        Raises:
            NotFound: There is no such webhook.
        """
        self._store.webhooks.delete(webhook_id)

    def test_webhook(self, webhook_id: str) -> Answer:
        """Send a webhook a `webhook.ping` now and return how it ended.

        Raises:
            NotFound: There is no such webhook.
        """
        webhook = self._store.webhooks.get(webhook_id)
        now = datetime.now(UTC)
        message = make_message(0, PING, now, {"webhook_id": webhook.id}, None)
        content, headers = sign(webhook.secret, f"ping_{uuid.uuid4().hex}", message.body, now)
        with self._client() as client:
            return self._call(client, webhook.url, content, headers)

    def replay(self, webhook_id: str) -> int:
        """Try the messages again that were given up; return how many.

        Raises:
            NotFound: There is no such webhook.
        """
        return self._store.deliveries.replay(self._store.webhooks.get(webhook_id).id, datetime.now(UTC))

    def flags(self, state: str | None = None, level: int | None = None, cursor: str | None = None, limit: int = 50) -> FlagPage:
        """Return part of the flags, newest first; see `FlagTable.page`."""
        return self._store.flags.page(state, level, cursor, limit)

    def set_flag(self, flag_id: str, state: str, reason: str | None, author: str) -> StoredFlag:
        """Note what a person did about a flag; see `FlagTable.set_state`."""
        return self._store.flags.set_state(flag_id, state, reason, author)

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
        records = self._store.feedback.get_many([event.record_id for event in events if event.record_id])
        messages = [_message(event, records) for event in events]
        position = events[-1].seq if len(events) == limit else max([last, *(event.seq for event in events)])
        return Told(tuple(message for message in messages if message), position)

    def _is_behind(self, name: str) -> bool:
        return self._store.events.last_seq() > self._seen.get(name, -1)

    def _reap(self) -> int:
        done = [self._jobs.pop(webhook_id) for webhook_id, job in list(self._jobs.items()) if job.done()]
        return sum(job.result() for job in done)

    def _serve(self, webhook_id: str, limit: int) -> int:
        """Send one webhook what is due, in order, for a limited time; return how many messages were tried."""
        due = self._store.deliveries.due(webhook_id, datetime.now(UTC), limit, self._holder, LEASE_SECONDS)
        end = time.monotonic() + _JOB_SECONDS
        n_tried = 0
        with self._client() as client:
            for item in due:
                if self._closing.is_set() or time.monotonic() > end:
                    break
                self._settle(item, self._tell(client, item))
                n_tried += 1
        if n_tried < len(due):
            self._store.deliveries.release(self._holder, webhook_id)
        return n_tried

    def _tell(self, client: httpx.Client, due: Due) -> Answer:
        event = due.event
        records = self._store.feedback.get_many([event.record_id] if event.record_id else [])
        message = _message(event, records)
        if message is None:
            return Answer(None, None)
        try:
            content, headers = sign(due.secret, f"evt_{due.webhook_id}_{event.seq}", message.body, datetime.now(UTC))
            return self._call(client, due.url, content, headers)
        except Exception as error:  # one message that cannot be sent must not hold up the others
            _log.error("event %d cannot be sent: %s", event.seq, type(error).__name__)
            return Answer(None, type(error).__name__)

    def _call(self, client: httpx.Client, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        try:
            return post(client, check_target(url, self._allow_private), content, headers)
        except InvalidInput as error:
            return Answer(None, str(error))

    def _settle(self, due: Due, answer: Answer) -> None:
        if answer.error is None:
            self._store.deliveries.succeed(due, answer.status)
            return
        wait_seconds = backoff_seconds(due.attempts + 1, random.random())
        if answer.status == _GONE:
            self._store.webhooks.disable(due.webhook_id)
        if wait_seconds is None or answer.status == _GONE:
            self._store.deliveries.bury(due, answer.error, answer.status)
        else:
            self._store.deliveries.retry_later(due, datetime.now(UTC) + timedelta(seconds=wait_seconds), answer.error, answer.status)

    def _client(self) -> httpx.Client:
        # Proxies of the environment would resolve the host again, unchecked.
        agent = {"user-agent": f"cxnlp/{__version__}"}
        return httpx.Client(verify=self._tls, timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False, headers=agent)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()


def _judge(rule: Rule, record: Record, now: datetime) -> Verdict:
    flag = evaluate(rule, record, record.received_at or now, now)
    if flag is None:
        return Verdict(record.feedback.id, record.version, rule.name, now)
    return Verdict(flag.record_id, record.version, flag.rule, flag.raised_at, flag.level, flag.reasons, flag.deadline, flag.historical)


def _message(event: Event, records: Mapping[str, Record]) -> Message | None:
    """Return the message about an event, or None if the record it is about is gone by now."""
    record = None if event.record_id is None else records.get(event.record_id)
    if event.record_id and record is None and event.type != _DELETED:
        return None
    about = event.record_id if event.type == _DELETED else record
    return make_message(event.seq, event.type, event.at, event.data, about)
