"""What feedback is sorted into: journey stages, touchpoints, causes, intents and risks, read from YAML.

The default ships as `cxnlp/taxonomy.yaml`. A user's file of the same form is laid over it: an entry with a known id replaces that entry, a new
id is added, and `remove: [id, ...]` beside a list takes entries away. Only entries of the default have trained heads; the others are scored
from their description and examples on the encoder, and say so (`Label.trained`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import yaml

from cxnlp.errors import InvalidInput

DEFAULT_PATH: Final = Path(__file__).with_name("taxonomy.yaml")
NO_CAUSE: Final = "none"
_KINDS: Final = ("stages", "touchpoints", "causes", "intents", "risks")
_EXTENSIBLE: Final = ("stages", "touchpoints", "causes")
_FIELDS: Final = frozenset({"id", "zh", "en", "about", "stage", "examples"})


@dataclass(frozen=True, slots=True)
class Label:
    """One entry of the taxonomy.

    Attributes:
        id: Lower-case key, stable for ever.
        zh: Name in Chinese.
        en: Name in English.
        about: What belongs to it; the few-shot head reads this.
        stage: Journey stage; touchpoints only.
        examples: Sentences that belong to it, in any language.
        trained: Whether the shipped heads were trained on it; if not, it is scored from `about` and `examples`.
    """

    id: str
    zh: str = ""
    en: str = ""
    about: str = ""
    stage: str = ""
    examples: tuple[str, ...] = ()
    trained: bool = False


@dataclass(frozen=True)
class Taxonomy:
    """The lists of labels, in order."""

    version: int
    stages: tuple[Label, ...]
    touchpoints: tuple[Label, ...]
    causes: tuple[Label, ...]
    intents: tuple[Label, ...]
    risks: tuple[Label, ...]

    @cached_property
    def stage_of(self) -> Mapping[str, str]:
        """The stage id of each touchpoint id."""
        return {t.id: t.stage for t in self.touchpoints}

    def ids(self, kind: str) -> tuple[str, ...]:
        """Return the ids of `stages`, `touchpoints`, `causes`, `intents` or `risks`, in order."""
        return tuple(label.id for label in getattr(self, kind))

    def to_json(self) -> dict[str, Any]:
        """Return the taxonomy as `/v1/taxonomy` shows it."""
        return {"version": self.version} | {kind: [_label_json(label) for label in getattr(self, kind)] for kind in _KINDS}


def load_taxonomy(path: Path | None = None) -> Taxonomy:
    """Return the default taxonomy, with the file at `path` laid over it.

    Raises:
        InvalidInput: The file is not YAML of this form; the message names the entry and what to write.
    """
    default = _read(DEFAULT_PATH)
    lists = {kind: {label.id: replace(label, trained=True) for label in _labels(default, kind, DEFAULT_PATH)} for kind in _KINDS}
    version = int(default["version"])
    if path:
        user = _read(path)
        version = int(user.get("version", version))
        for kind in _EXTENSIBLE:
            _lay_over(lists[kind], user, kind, path)
        if fixed := [kind for kind in ("intents", "risks") if user.get(kind)]:
            raise InvalidInput(f"{path}: {', '.join(fixed)} cannot be changed; remove them from the file, causes and touchpoints can")
    taxonomy = Taxonomy(version=version, **{kind: tuple(lists[kind].values()) for kind in _KINDS})
    stages = set(taxonomy.ids("stages"))
    for label in taxonomy.touchpoints:
        if label.stage not in stages:
            raise InvalidInput(f"{path}: touchpoint {label.id!r} has stage {label.stage!r}; write one of {', '.join(sorted(stages))}")
    return taxonomy


def _lay_over(labels: dict[str, Label], user: Mapping[str, Any], kind: str, path: Path) -> None:
    for gone in user.get("remove") or ():
        labels.pop(str(gone), None)
    for label in _labels(user, kind, path):
        known = labels.get(label.id)
        same_meaning = known and not label.examples and label.about in ("", known.about)
        labels[label.id] = replace(label, about=label.about or known.about, trained=True) if known and same_meaning else label


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"taxonomy {path}: cannot be read as YAML ({error}); see cxnlp/taxonomy.yaml for the form") from error
    if not isinstance(data, Mapping):
        raise InvalidInput(f"taxonomy {path}: must be a mapping with the lists {', '.join(_KINDS)}")
    return data


def _labels(data: Mapping[str, Any], kind: str, path: Path) -> list[Label]:
    entries = data.get(kind) or []
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise InvalidInput(f"taxonomy {path}: {kind} must be a list")
    return [_label(entry, kind, path) for entry in entries]


def _label(entry: object, kind: str, path: Path) -> Label:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("id"), str):
        raise InvalidInput(f"taxonomy {path}: {kind} has the entry {entry!r}; write {{id: my_id, en: Name, about: what belongs to it}}")
    if unknown := set(entry) - _FIELDS:
        raise InvalidInput(
            f"taxonomy {path}: {kind} {entry['id']!r} has unknown fields {sorted(unknown)}; known are {sorted(_FIELDS)}; quote texts with commas"
        )
    if entry["id"] == NO_CAUSE or not entry["id"].isidentifier():
        raise InvalidInput(f"taxonomy {path}: {entry['id']!r} cannot be an id; use letters, digits and _, not {NO_CAUSE!r}")
    zh, en, about, stage = (str(entry.get(name) or "") for name in ("zh", "en", "about", "stage"))
    return Label(entry["id"], zh, en, about, stage, examples=tuple(str(x) for x in entry.get("examples") or ()))


def _label_json(label: Label) -> dict[str, Any]:
    line: dict[str, Any] = {"id": label.id, "zh": label.zh, "en": label.en, "about": label.about}
    if label.stage:
        line["stage"] = label.stage
    if label.examples:
        line["examples"] = list(label.examples)
    return line | {"trained": label.trained}
