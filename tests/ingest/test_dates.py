from datetime import UTC, datetime, timedelta

import pytest

from cxnlp.ingest.dates import shift_weeks, weeks_to_current
from cxnlp.records import Feedback, Turn

NOW = datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize("days", [0, 0.1, 6.9, 7, 8, 400, -0.1, -7, -30])
def test_the_newest_ends_in_the_last_seven_days_and_not_in_the_future(days):
    latest = NOW - timedelta(days=days)
    moved = latest + timedelta(weeks=weeks_to_current(latest, NOW))
    assert NOW - timedelta(days=7) < moved <= NOW


def test_every_time_of_a_record_moves_and_nothing_else():
    at = datetime(2026, 10, 1, 9, 30, tzinfo=UTC)
    record = Feedback(
        source="s", external_id="1", channel="call", created_at=at, updated_at=at, turns=(Turn("customer", "x", at), Turn("agent", "y")),
        attributes={"due": "2026-10-01T09:30:00+08:00", "day": "2026-12-31", "list": [{"a": "2026-10-01 09:30"}], "n": 3, "v": "on 2026-13-45"},
        fingerprint="f",
    )  # fmt: skip
    moved = shift_weeks(record, 2)
    later = at + timedelta(weeks=2)
    assert (moved.created_at, moved.updated_at, moved.turns) == (later, later, (Turn("customer", "x", later), Turn("agent", "y")))
    assert moved.attributes == {
        "due": "2026-10-15T09:30:00+08:00", "day": "2027-01-14", "list": [{"a": "2026-10-15 09:30"}], "n": 3, "v": "on 2026-13-45",
    }  # fmt: skip
    assert (moved.id, moved.fingerprint) == (record.id, "f")
    assert shift_weeks(moved, -2) == record
