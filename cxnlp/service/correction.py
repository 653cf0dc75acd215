"""Correcting: what people say of a record wins over what the model read."""

from collections.abc import Mapping
from typing import Any, Final

from cxnlp.errors import InvalidInput, shorten
from cxnlp.records import Record
from cxnlp.store import Store
from cxnlp.taxonomy import Taxonomy

_FIELDS: Final = "sentiment, intent, observations, risks"


def correct(store: Store, taxonomy: Taxonomy, record_id: str, changes: Mapping[str, Any], author: str) -> Record:
    """Correct labels of a record and return it as it now is.

    Args:
        store: Where it is.
        taxonomy: Whose ids are known; it also gives the stage of a touchpoint.
        record_id: Of the record.
        changes: As `cxnlp.store.feedback.FeedbackTable.correct` takes them; the `stage` of an observation may be left out.
        author: Who says so.

    Raises:
        NotFound: There is no such record.
        InvalidInput: A field, value or id cannot be used; nothing is changed.
    """
    if not changes:
        raise InvalidInput(f"nothing to correct; send one or more of {_FIELDS}")
    checked = dict(changes)
    if isinstance(intent := checked.get("intent"), str):
        _check("intent", intent, taxonomy.ids("intents"))
    if isinstance(observed := checked.get("observations"), list):
        checked["observations"] = [_complete(entry, f"observations[{i}]", taxonomy) for i, entry in enumerate(observed)]
    if isinstance(signals := checked.get("risks"), list):
        for i, entry in enumerate(signals):
            if isinstance(entry, Mapping):
                _check(f"risks[{i}].id", entry.get("id"), taxonomy.ids("risks"))
    return store.feedback.correct(record_id, checked, author)


def _complete(entry: Any, where: str, taxonomy: Taxonomy) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    _check(f"{where}.touchpoint", entry.get("touchpoint"), taxonomy.ids("touchpoints"))
    if entry.get("cause") is not None:
        _check(f"{where}.cause", entry["cause"], taxonomy.ids("causes"))
        if isinstance(entry.get("sentiment"), int | float) and entry["sentiment"] >= 0:
            raise InvalidInput(f"{where}.cause: only a negative observation has one; leave it out or correct the sentiment")
    return dict(entry) | {"stage": taxonomy.stage_of[entry["touchpoint"]]}


def _check(where: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InvalidInput(f"{where} is {shorten(value)!r}; write one of {', '.join(known)}")
