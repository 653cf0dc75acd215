"""Moving sample data to the present by whole weeks, so that weekdays and times of day keep their meaning."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from cxnlp.records import Feedback

_WEEK: Final = timedelta(weeks=1)
_ISO_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)


def weeks_to_current(latest: datetime, now: datetime) -> int:
    """Return by how many whole weeks to move data whose newest time is `latest` so that it ends within the last seven days, never after `now`.

    Negative where the data lie in the future.
    """
    return (now - latest) // _WEEK


def shift_weeks(feedback: Feedback, weeks: int) -> Feedback:
    """Return `feedback` with created_at, updated_at, the turns' times and attributes that are ISO dates or times moved by whole weeks.

    Identity and fingerprint stay, so that shifting the same file by another number of weeks later is no update.

    Raises:
        OverflowError: A time would leave the years that `datetime` knows.
    """
    by = weeks * _WEEK
    return replace(
        feedback,
        created_at=feedback.created_at + by,
        updated_at=feedback.updated_at + by if feedback.updated_at else None,
        turns=tuple(replace(turn, at=turn.at + by) if turn.at else turn for turn in feedback.turns),
        attributes=_shift(feedback.attributes, by),
    )


def _shift(value: Any, by: timedelta) -> Any:
    if isinstance(value, Mapping):
        return {name: _shift(v, by) for name, v in value.items()}
    if isinstance(value, list):
        return [_shift(v, by) for v in value]
    if not isinstance(value, str) or not _ISO_TIME.fullmatch(value):
        return value
    try:
        return (date.fromisoformat(value[:10]) + by).isoformat() + value[10:]
    except ValueError:
        return value
