"""Keeping what a process has taken from the store while it works on it.

A lease is short, so that others soon go on with what a killed process had in hand, and is renewed beside the work, however long that takes.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cxnlp.errors import CxnlpError

LEASE_SECONDS: Final = 10.0
_RENEWED_AFTER_SECONDS: Final = 2.5
_log = logging.getLogger(__name__)


class Lease:
    """What is held, and until when."""

    def __init__(self, until: float) -> None:
        """Begin.

        Args:
            until: When it ends unless it is renewed, by `time.monotonic`.
        """
        self._until = until

    @property
    def is_held(self) -> bool:
        """Whether nobody else can have taken over what is held."""
        return time.monotonic() < self._until

    def extend(self, until: float) -> None:
        """Note that it was renewed, or with 0 that it is lost."""
        self._until = until


@contextmanager
def keep(renew: Callable[[], int], taken_at: float) -> Iterator[Lease]:
    """Renew a lease of `LEASE_SECONDS` until the end of the block.

    Args:
        renew: Takes the lease again for `LEASE_SECONDS`; returns how much is still held. With 0 the lease is lost.
        taken_at: When it was asked for, by `time.monotonic`.
    """
    lease, is_over = Lease(taken_at + LEASE_SECONDS), threading.Event()
    keeper = threading.Thread(target=_renew, args=(renew, lease, is_over), name="lease", daemon=True)
    keeper.start()
    try:
        yield lease
    finally:
        is_over.set()
        keeper.join()


def _renew(renew: Callable[[], int], lease: Lease, is_over: threading.Event) -> None:
    while not is_over.wait(_RENEWED_AFTER_SECONDS):
        asked_at = time.monotonic()
        try:
            if renew() == 0:
                lease.extend(0.0)
                return
            lease.extend(asked_at + LEASE_SECONDS)
        except CxnlpError as error:
            _log.warning("a lease is not renewed: %s", error)
