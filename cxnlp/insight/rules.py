"""How sensitive alerts are, which series there are, and plain limits: read from YAML.

The default ships as `cxnlp/insight/alerts.yaml`; a user's file of the same form replaces the entries that it names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import yaml

from cxnlp.errors import InvalidInput, shorten
from cxnlp.insight.series import DIMENSIONS, MEASURES

DEFAULT_PATH: Final = Path(__file__).with_name("alerts.yaml")
SENSITIVITIES: Final[Mapping[str, float]] = {"low": 0.001, "medium": 0.01, "high": 0.05}
"""The part of what is found in a day that may be chance."""
_WINDOWS: Final = (1, 366)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A plain limit.

    Attributes:
        name: Of the alert.
        measure: One of `MEASURES`.
        below: Alert where the measure is less; None for no such limit.
        above: Alert where it is more.
        falls_by: Alert where it fell by more than this part of itself, in each of `weeks` consecutive weeks.
        weeks: 1 to 12.
        over_days: How many days are summed for `below` and `above`, 1 to 366.
        minimum: Answers needed, in each window.
        dimensions: Of which series.
    """

    name: str
    measure: str
    below: float | None = None
    above: float | None = None
    falls_by: float | None = None
    weeks: int = 2
    over_days: int = 7
    minimum: int = 30
    dimensions: tuple[str, ...] = ("all",)


@dataclass(frozen=True, slots=True)
class AlertRules:
    """What is watched, and how closely.

    Attributes:
        sensitivity: `low`, `medium` or `high`: a name of `SENSITIVITIES`.
        minimum: Records in a window before its volume can be an alert.
        minimum_answers: Answers in a window before a share or mean can be one.
        least_change: The smallest change worth an alert, by measure: of `volume` relative, of the others absolute.
        attributes: Names of attributes whose values are series.
        most_values: Series a dimension, the largest first.
        resolve_after_days: Days back to normal after which an alert resolves by itself.
        thresholds: Plain limits.
    """

    sensitivity: str
    minimum: int
    minimum_answers: int
    least_change: Mapping[str, float]
    attributes: tuple[str, ...]
    most_values: int
    resolve_after_days: int
    thresholds: tuple[Threshold, ...]

    @property
    def rate(self) -> float:
        """The part of what is found in a day that may be chance."""
        return SENSITIVITIES[self.sensitivity]


def load_rules(path: Path | None = None) -> AlertRules:
    """Return the default rules, with the file at `path` laid over them.

    Raises:
        InvalidInput: The file is not YAML of this form; the message names the entry and what to write.
    """
    given = dict(_read(DEFAULT_PATH)) | (dict(_read(path)) if path else {})
    place = f"alerts {path or DEFAULT_PATH}"
    if unknown := [name for name in given if name not in {f.name for f in fields(AlertRules)}]:
        raise InvalidInput(f"{place}: unknown {shorten(unknown[0])!r}; known are {', '.join(f.name for f in fields(AlertRules))}")
    if given["sensitivity"] not in SENSITIVITIES:
        raise InvalidInput(f"{place}: sensitivity is {shorten(given['sensitivity'])!r}; write one of {', '.join(SENSITIVITIES)}")
    for name, most in (("minimum", 10**6), ("minimum_answers", 10**6), ("most_values", 10_000), ("resolve_after_days", 90)):
        _check_whole(place, name, given[name], 1, most)
    least = given["least_change"]
    if not isinstance(least, Mapping) or not all(name in MEASURES and _is_positive(value) for name, value in least.items()):
        raise InvalidInput(f"{place}: least_change is {shorten(least)!r}; write numbers above 0 by {', '.join(MEASURES)}")
    least = {**_read(DEFAULT_PATH)["least_change"], **least}
    attributes = given["attributes"]
    if not isinstance(attributes, list) or not all(isinstance(name, str) and name for name in attributes):
        raise InvalidInput(f"{place}: attributes is {shorten(attributes)!r}; write a list of names, such as [product, region]")
    thresholds = given["thresholds"] or []
    if not isinstance(thresholds, list):
        raise InvalidInput(f"{place}: thresholds is {shorten(thresholds)!r}; write a list, or [] for none")
    limits = tuple(_threshold(place, entry) for entry in thresholds)
    if twice := [limit.name for i, limit in enumerate(limits) if limit.name in {other.name for other in limits[:i]}]:
        raise InvalidInput(f"{place}: thresholds has two entries {shorten(twice[0])!r}; keep one")
    return AlertRules(**{**given, "least_change": least, "attributes": tuple(attributes), "thresholds": limits})


def _threshold(place: str, entry: object) -> Threshold:
    known = [f.name for f in fields(Threshold)]
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise InvalidInput(f"{place}: thresholds has the entry {shorten(entry)!r}; write {{name: my_limit, measure: csat, below: 0.8}}")
    place = f"{place}: threshold {shorten(entry['name'])!r}"
    if unknown := [name for name in entry if name not in known]:
        raise InvalidInput(f"{place}: unknown {shorten(unknown[0])!r}; known are {', '.join(known)}")
    if entry.get("measure") not in MEASURES:
        raise InvalidInput(f"{place}: measure is {shorten(entry.get('measure'))!r}; write one of {', '.join(MEASURES)}")
    limits = [name for name in ("below", "above", "falls_by") if entry.get(name) is not None]
    if len(limits) != 1 or isinstance(entry[limits[0]], bool) or not isinstance(entry[limits[0]], int | float):
        raise InvalidInput(f"{place}: has {len(limits)} limits; write one number as below, above or falls_by")
    dimensions = entry.get("dimensions", ["all"])
    if not isinstance(dimensions, list) or not all(d in DIMENSIONS or str(d).startswith("attributes.") for d in dimensions):
        raise InvalidInput(f"{place}: dimensions is {shorten(dimensions)!r}; write a list of {', '.join(DIMENSIONS)} or attributes.NAME")
    for name, most in (("weeks", 12), ("over_days", _WINDOWS[1]), ("minimum", 10**9)):
        if name in entry:
            _check_whole(place, name, entry[name], 1, most)
    return Threshold(**{**entry, "dimensions": tuple(dimensions)})


def _check_whole(place: str, name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput(f"{place}: {name} is {shorten(value)!r}; write a whole number from {least} to {most}")


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"alerts {path}: cannot be read as YAML ({error}); see cxnlp/insight/alerts.yaml for the form") from error
    if not isinstance(data, Mapping):
        raise InvalidInput(f"alerts {path}: must be a mapping; see cxnlp/insight/alerts.yaml for the form")
    return data
