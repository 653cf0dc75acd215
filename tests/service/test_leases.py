import logging
import threading
import time

import pytest

from cxnlp.errors import StoreError
from cxnlp.service import leases
from cxnlp.service.leases import LEASE_SECONDS, keep

DEADLINE = 30


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(leases, "_RENEWED_AFTER_SECONDS", 0.01)


def await_that(holds):
    end = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def test_lease_is_renewed_until_the_work_is_done():
    renewed = threading.Semaphore(0)

    def renew():
        renewed.release()
        return 1

    with keep(renew, time.monotonic() - 2 * LEASE_SECONDS) as lease:  # it took so long to get it that it has ended already
        for _ in range(3):
            assert renewed.acquire(timeout=DEADLINE)
        assert lease.is_held
    while renewed.acquire(blocking=False):
        pass
    assert not renewed.acquire(timeout=0.1)


def test_lease_that_another_has_taken_over_is_lost_at_once():
    with keep(lambda: 0, time.monotonic()) as lease:
        await_that(lambda: not lease.is_held)


def test_lease_ends_if_the_store_cannot_be_asked_and_lasts_again_when_it_can(caplog):
    answers = [StoreError("locked"), StoreError("locked")]

    def renew():
        if answers:
            raise answers.pop()
        return 1

    with caplog.at_level(logging.WARNING), keep(renew, time.monotonic() - LEASE_SECONDS) as lease:
        assert not lease.is_held
        await_that(lambda: lease.is_held)
    assert caplog.text.count("not renewed: locked") == 2


def test_end_of_the_work_ends_the_renewing_when_the_work_fails():
    with pytest.raises(ValueError, match="work"), keep(lambda: 1, time.monotonic()):
        raise ValueError("work")
    assert not [thread for thread in threading.enumerate() if thread.name == "lease"]
