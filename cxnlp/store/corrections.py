"""What people corrected, laid over what the model read. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from cxnlp.errors import InvalidInput, shorten
from cxnlp.lines import quote_line
from cxnlp.records import Analysis, Feedback, Observation, Quote, Risk

FIELDS: Final = ("sentiment", "intent", "observations", "risks")


def check_correction(field: str, value: Any, feedback: Feedback) -> Any:
    """Return a correction as it is stored.

    Args:
        field: One of `FIELDS`.
        value: A number in [-1, 1]; an intent; a list of observations or risks in the form of the record's line, where `confidence` may be left
            out (1) and a quote may be given by its text alone; None to take an earlier one back.
        feedback: What it is about.

    Raises:
        InvalidInput: The field or value cannot be used, or a quote is not in the customer's words.
    """
    if field not in FIELDS:
        raise InvalidInput(f"{shorten(field)!r} cannot be corrected; known are {', '.join(FIELDS)}")
    if value is None:
        return None
    if field == "sentiment":
        return _number(value, field, -1)
    if field == "intent":
        return _text(value, "intent")
    if field == "observations":
        return [_observation_line(entry, f"observations[{i}]", feedback) for i, entry in enumerate(_list(value, field))]
    return [_risk_line(entry, f"risks[{i}]", feedback) for i, entry in enumerate(_list(value, field))]


def apply_corrections(analysis: Analysis, values: Mapping[str, Any], feedback: Feedback) -> Analysis:
    """Return the analysis with stored corrections in place of the model's reading.

    A corrected sentiment or intent is certain, so its confidence is 1. Where the content has changed since, quotes are looked for again; an
    observation or risk whose words are gone is left out, since every one must have words.
    """
    if "sentiment" in values:
        analysis = replace(analysis, sentiment=values["sentiment"], confidence=1.0)
    if "intent" in values:
        analysis = replace(analysis, intent=values["intent"])
    if "observations" in values:
        found = [(o, _locate(o["quote"], feedback)) for o in values["observations"]]
        kept = [Observation(o["touchpoint"], o["stage"], o["cause"], o["sentiment"], o["confidence"], q) for o, q in found if q]
        analysis = replace(analysis, observations=tuple(kept))
    if "risks" in values:
        signals = [(r, _locate(r["quote"], feedback)) for r in values["risks"]]
        analysis = replace(analysis, risks=tuple(Risk(r["id"], r["confidence"], q) for r, q in signals if q))
    return analysis


def _locate(line: Mapping[str, Any], feedback: Feedback) -> Quote | None:
    words, start, turn = line["text"], line.get("start"), line.get("turn")
    segments = dict(feedback.segments())
    if turn in segments and isinstance(start, int) and start >= 0 and segments[turn][start : start + len(words)] == words:
        return Quote(words, start, start + len(words), turn)
    for number in sorted(segments, key=lambda n: (n != turn, n or 0)):
        if (at := segments[number].find(words)) >= 0:
            return Quote(words, at, at + len(words), number)
    return None


def _observation_line(entry: Any, where: str, feedback: Feedback) -> dict[str, Any]:
    entry = _mapping(entry, where)
    return {
        "touchpoint": _text(entry.get("touchpoint"), f"{where}.touchpoint"),
        "stage": _text(entry.get("stage"), f"{where}.stage"),
        "cause": None if entry.get("cause") is None else _text(entry["cause"], f"{where}.cause"),
        "sentiment": _number(entry.get("sentiment"), f"{where}.sentiment", -1),
        "confidence": _number(entry.get("confidence", 1.0), f"{where}.confidence", 0),
        "quote": _quote_line(entry.get("quote"), f"{where}.quote", feedback),
    }


def _risk_line(entry: Any, where: str, feedback: Feedback) -> dict[str, Any]:
    entry = _mapping(entry, where)
    return {
        "id": _text(entry.get("id"), f"{where}.id"),
        "confidence": _number(entry.get("confidence", 1.0), f"{where}.confidence", 0),
        "quote": _quote_line(entry.get("quote"), f"{where}.quote", feedback),
    }


def _quote_line(value: Any, where: str, feedback: Feedback) -> dict[str, Any]:
    given = _mapping(value, where)
    _text(given.get("text"), f"{where}.text")
    quote = _locate(given, feedback)
    if quote is None:
        raise InvalidInput(f"{where}: these words are not in what the customer said; copy them from the record")
    return quote_line(quote)


def _list(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidInput(f"{where} is {shorten(value)!r}; write a list")
    return value


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{where} is {shorten(value)!r}; write an object as the record shows it")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{where} is {shorten(value)!r}; write a text")
    return value


def _number(value: Any, where: str, low: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= 1:
        raise InvalidInput(f"{where} is {shorten(value)!r}; write a number from {low} to 1")
    return round(float(value), 4)
