"""A fit as a job: its progress and lease in the store, its end when somebody wants it, and what it is told as having come to."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from cxnlp.errors import CxnlpError
from cxnlp.jobs import OnProgress
from cxnlp.store import Store
from cxnlp.store.topics.fits import CANCELLED, FAILED

_SIGN_OF_LIFE_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Watch:
    """Tells of the progress of a fit, keeps its lease, and notices when it is to end."""

    store: Store
    number: int
    closing: threading.Event
    on_progress: OnProgress
    _last: list[Any] = field(default_factory=lambda: ["read", 0.0, float("-inf"), False])

    def tell(self, stage: str, share: float) -> None:
        """Say how far it is.

        Raises:
            CxnlpError: It was cancelled.
        """
        self._last[:2] = stage, share
        self.on_progress(stage, share)
        if self.is_ending():
            raise CxnlpError(f"fit {self.number} was cancelled; the topics are as they were")

    def is_ending(self) -> bool:
        """Tell whether it is to end; the store is asked every two seconds, which also keeps the lease."""
        stage, share, at, _ = self._last
        if time.monotonic() - at >= _SIGN_OF_LIFE_SECONDS:
            self._last[2:] = time.monotonic(), not self.store.topic_fits.report(self.number, stage, share)
        return self.closing.is_set() or bool(self._last[3])


@contextmanager
def watched(store: Store, number: int, closing: threading.Event, on_progress: OnProgress) -> Iterator[Watch]:
    """Watch over a fit that was begun, and note in the store how it ended if the block raises."""
    try:
        yield Watch(store, number, closing, on_progress)
    except BaseException as error:  # also Ctrl-C
        told = str(error) if isinstance(error, CxnlpError) else type(error).__name__
        is_cancelled = closing.is_set() or isinstance(error, KeyboardInterrupt) or store.topic_fits.is_cancelled(number)
        store.topic_fits.end(number, CANCELLED if is_cancelled else FAILED, told or "stopped")
        raise
