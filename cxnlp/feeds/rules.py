"""Rules as data: which records raise a flag, how urgent it is, whose it is, and by when to answer. `rules.yaml` holds the shipped ones."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from cxnlp.errors import InvalidInput, shorten
from cxnlp.feeds.conditions import Condition, check_labels, condition_line, parse_condition, settle_condition
from cxnlp.feeds.hours import BusinessHours, parse_hours
from cxnlp.filters import Filter
from cxnlp.taxonomy import Taxonomy

SHIPPED: Final = Path(__file__).with_name("rules.yaml")
LEVELS: Final = (1, 2, 3)
DEADLINE_HOURS: Final[Mapping[int, float]] = MappingProxyType({1: 4, 2: 24, 3: 72})
NOBODY_ELSE: Final = "default"
"""Under this name `owners` tells who takes what has no touchpoint with an owner of its own."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FIELDS: Final = (
    *("name", "description", "level", "when", "levels", "unless", "owners"),
    *("deadline_hours", "business_hours", "cooldown_hours", "overdue_raises"),
)
_LONGEST_HOURS: Final = 24 * 365
_MOST_LEVELS: Final = 50


@dataclass(frozen=True, slots=True)
class Level:
    """How urgent a record is that fulfils `when` and none of `unless`; 1 is the most urgent."""

    level: int
    when: Condition
    unless: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; the most urgent of the levels that apply is that of the flag.

    Attributes:
        name: Lower case letters, digits and `-`.
        levels: At least one.
        description: For people.
        unless: Records that fulfil one of these raise nothing, whatever the levels say.
        owners: Who takes it, by touchpoint; `default` for all others.
        deadline_hours: Within how many hours to answer, by level.
        business_hours: Which hours count; all when None.
        cooldown_hours: For so long after one conversation, another of the same customer about the same (touchpoint, cause) joins its open flag.
        overdue_raises: By how many levels a flag becomes more urgent that nobody took on before its deadline.
    """

    name: str
    levels: tuple[Level, ...]
    description: str = ""
    unless: tuple[Condition, ...] = ()
    owners: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    deadline_hours: Mapping[int, float] = field(default_factory=lambda: DEADLINE_HOURS)
    business_hours: BusinessHours | None = None
    cooldown_hours: float = 0.0
    overdue_raises: int = 0

    @property
    def repeat_days(self) -> float:
        """How many days back the rule asks for earlier contacts; 0 if it does not."""
        conditions = [c for level in self.levels for c in (level.when, *level.unless)] + list(self.unless)
        return max((c.repeat.days for c in conditions if c.repeat), default=0)

    def to_line(self) -> dict[str, Any]:
        """Return it as JSON, as `parse_rule` reads it."""
        line: dict[str, Any] = {"name": self.name, "description": self.description, "levels": [_level_line(level) for level in self.levels]}
        if self.unless:
            line["unless"] = [condition_line(condition) for condition in self.unless]
        if self.owners:
            line["owners"] = dict(self.owners)
        line["deadline_hours"] = {str(level): hours for level, hours in self.deadline_hours.items()}
        if self.business_hours:
            line["business_hours"] = self.business_hours.to_line()
        return line | {"cooldown_hours": self.cooldown_hours, "overdue_raises": self.overdue_raises}


def parse_rule(value: object, taxonomy: Taxonomy | None = None) -> Rule:
    """Return the rule that a JSON object or YAML mapping describes.

    Args:
        value: With `levels`, or with `level` and `when` for a rule of one level.
        taxonomy: Whose labels the conditions may name; unchecked when None, as for a rule that was checked when it was saved.

    Raises:
        InvalidInput: A field is unknown, missing or impossible; the message names the rule, the field, its value and what to write.
    """
    if not isinstance(value, Mapping):
        raise InvalidInput(f"a rule is {shorten(value)!r}; write {{name: ..., levels: [{{level: 2, when: {{...}}}}]}}")
    name = value.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(f"name is {shorten(name)!r}; write up to 64 lower case letters, digits and -, such as angry-vip")
    try:
        rule = _read(value, name)
        if taxonomy:
            _check(rule, taxonomy)
    except InvalidInput as error:
        raise InvalidInput(f"rule {name!r}: {error}") from None
    return rule


def parse_rules(text: str, taxonomy: Taxonomy | None = None, origin: str = "rules") -> tuple[Rule, ...]:
    """Return the rules of a YAML or JSON text: one rule, a list of rules, or `rules:` with a list.

    Raises:
        InvalidInput: It cannot be read, a rule cannot be used, or two have the same name; the message names the file.
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(f"{origin}: cannot be read as YAML ({shorten(' '.join(str(error).split()))}); docs/flags.md shows the form") from None
    if isinstance(data, Mapping) and set(data) == {"rules"}:
        data = data["rules"]
    given = data if isinstance(data, list) else [data]
    try:
        rules = tuple(parse_rule(value, taxonomy) for value in given)
    except InvalidInput as error:
        raise InvalidInput(f"{origin}: {error}") from None
    names = [rule.name for rule in rules]
    if twice := [name for n, name in enumerate(names) if name in names[:n]]:
        raise InvalidInput(f"{origin}: two rules are named {twice[0]!r}; give one another name")
    return rules


def settle_rule(rule: Rule, settled: Callable[[Filter], Filter]) -> Rule:
    """Return the rule with all its filters as `settled` gives them; see `settle_condition`."""

    def settle(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
        return tuple(settle_condition(condition, settled) for condition in conditions)

    levels = tuple(replace(level, when=settle_condition(level.when, settled), unless=settle(level.unless)) for level in rule.levels)
    return replace(rule, levels=levels, unless=settle(rule.unless))


@lru_cache(maxsize=1)
def shipped_rules() -> tuple[Rule, ...]:
    """Return the rules that come with cxnlp."""
    return parse_rules(SHIPPED.read_text(encoding="utf-8"), None, SHIPPED.name)


def _read(value: Mapping[str, Any], name: str) -> Rule:
    if unknown := [key for key in value if key not in _FIELDS]:
        raise InvalidInput(f"{shorten(unknown[0])!r} is no field of a rule; known are {', '.join(_FIELDS)}")
    description = value.get("description") or ""
    if not isinstance(description, str) or len(description) > 1000:
        raise InvalidInput(f"description is {shorten(description)!r}; write a text of at most 1,000 characters")
    hours = value.get("business_hours")
    return Rule(
        name=name,
        levels=_levels(value),
        description=description,
        unless=_conditions(value.get("unless"), "unless"),
        owners=_owners(value.get("owners")),
        deadline_hours=_deadlines(value.get("deadline_hours")),
        business_hours=parse_hours(hours) if hours is not None else None,
        cooldown_hours=_number(value.get("cooldown_hours", 0), "cooldown_hours", least=0),
        overdue_raises=_whole(value.get("overdue_raises", 0), "overdue_raises", 0, 2),
    )


def _levels(value: Mapping[str, Any]) -> tuple[Level, ...]:
    if ("levels" in value) == ("when" in value):
        raise InvalidInput("levels and when: write either level and when, or levels: [{level: 1, when: {...}}, ...]")
    if "when" in value:
        return (Level(_whole(value.get("level"), "level", 1, 3), parse_condition(value["when"], "when")),)
    given = value["levels"]
    if "level" in value:
        raise InvalidInput(f"level is {shorten(value['level'])!r} beside levels; leave it out")
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_LEVELS:
        raise InvalidInput(f"levels is {shorten(given)!r}; write a list of 1 to {_MOST_LEVELS} entries {{level: 1, when: {{...}}}}")
    return tuple(_level(entry, f"levels[{i}]") for i, entry in enumerate(given))


def _level(entry: object, where: str) -> Level:
    if not isinstance(entry, Mapping) or not {"level", "when"} <= set(entry) <= {"level", "when", "unless"}:
        raise InvalidInput(f"{where} is {shorten(entry)!r}; write {{level: 1, when: {{...}}}}, and unless where need be")
    level = _whole(entry["level"], f"{where}.level", 1, 3)
    return Level(level, parse_condition(entry["when"], f"{where}.when"), _conditions(entry.get("unless"), f"{where}.unless"))


def _level_line(level: Level) -> dict[str, Any]:
    line = {"level": level.level, "when": condition_line(level.when)}
    return line | {"unless": [condition_line(condition) for condition in level.unless]} if level.unless else line


def _conditions(value: object, where: str) -> tuple[Condition, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(parse_condition(entry, f"{where}[{i}]") for i, entry in enumerate(value))
    return (parse_condition(value, where),)


def _owners(value: object) -> Mapping[str, str]:
    if value is None:
        return MappingProxyType({})
    if not isinstance(value, Mapping) or not all(isinstance(k, str) and isinstance(v, str) and 0 < len(v) <= 200 for k, v in value.items()):
        raise InvalidInput(f"owners is {shorten(value)!r}; write names by touchpoint, such as {{delivery: logistics, {NOBODY_ELSE}: support}}")
    return dict(value)


def _deadlines(value: object) -> Mapping[int, float]:
    if value is None:
        return DEADLINE_HOURS
    if not isinstance(value, Mapping) or not {str(level) for level in value} <= {str(level) for level in LEVELS}:
        raise InvalidInput(f"deadline_hours is {shorten(value)!r}; write hours by level, such as {{1: 4, 2: 24, 3: 72}}")
    given = {int(level): _number(hours, f"deadline_hours.{level}", least=0.01) for level, hours in value.items()}
    return dict(DEADLINE_HOURS) | given


def _number(value: object, where: str, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= _LONGEST_HOURS:
        raise InvalidInput(f"{where} is {shorten(value)!r}; write hours from {least:g} to {_LONGEST_HOURS:,}")
    return value


def _whole(value: object, where: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InvalidInput(f"{where} is {shorten(value)!r}; write a whole number from {low} to {high}")
    return value


def _check(rule: Rule, taxonomy: Taxonomy) -> None:
    for i, level in enumerate(rule.levels):
        check_labels(level.when.filter, taxonomy, f"levels[{i}].when")
        _check_all(level.unless, taxonomy, f"levels[{i}].unless")
    _check_all(rule.unless, taxonomy, "unless")
    known = (*taxonomy.ids("touchpoints"), NOBODY_ELSE)
    if unknown := [touchpoint for touchpoint in rule.owners if touchpoint not in known]:
        raise InvalidInput(f"owners.{shorten(unknown[0])} is no touchpoint; known are {', '.join(known)}")


def _check_all(conditions: Sequence[Condition], taxonomy: Taxonomy, where: str) -> None:
    for i, condition in enumerate(conditions):
        check_labels(condition.filter, taxonomy, f"{where}[{i}]")
