"""What feedback is sorted into: journey stages, touchpoints, causes, intents and risks, read from YAML.

The default ships as `cxnlp/taxonomy.yaml`. A user's file of the same form is laid over it: an entry with a new id is added, one with a known id
changes that entry, where a field that is left out stays as it was, and `remove: [id, ...]` beside the lists takes entries away. Only entries that
keep the meaning of the default have trained heads; one with an `about` or `examples` of its own is scored from these on the encoder, and says so
(`Label.trained`).
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
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a seventh of the time
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
    version = default["version"]
    if path:
        user = _read(path)
        version = user.get("version", version)
        _check_top(user, lists, path)
        for gone in user.get("remove") or ():
            for kind in _EXTENSIBLE:
                lists[kind].pop(gone, None)
        for kind in _EXTENSIBLE:
            _lay_over(lists[kind], _labels(user, kind, path), kind, path)
    taxonomy = Taxonomy(version=version, **{kind: tuple(lists[kind].values()) for kind in _KINDS})
    stages = set(taxonomy.ids("stages"))
    for label in taxonomy.touchpoints:
        if label.stage not in stages:
            raise InvalidInput(f"{path}: touchpoint {label.id!r} has stage {label.stage!r}; write one of {', '.join(sorted(stages))}")
    return taxonomy


def _check_top(user: Mapping[str, Any], lists: Mapping[str, Mapping[str, Label]], path: Path) -> None:
    if unknown := user.keys() - {"version", "remove", *_KINDS}:
        raise InvalidInput(f"taxonomy {path}: unknown {', '.join(sorted(map(str, unknown)))}; write {', '.join(_EXTENSIBLE)} or remove")
    if fixed := [kind for kind in _KINDS if kind not in _EXTENSIBLE and user.get(kind)]:
        raise InvalidInput(f"taxonomy {path}: {', '.join(fixed)} cannot be changed; take them out of the file; {', '.join(_EXTENSIBLE)} can")
    if isinstance(user.get("version", 1), bool) or not isinstance(user.get("version", 1), int):
        raise InvalidInput(f"taxonomy {path}: version is {user['version']!r}; write a whole number or leave it out")
    removed = user.get("remove") or []
    if not isinstance(removed, list) or not all(isinstance(gone, str) for gone in removed):
        raise InvalidInput(f"taxonomy {path}: remove must be a list of ids, such as [loyalty]")
    known = {id for kind in _EXTENSIBLE for id in lists[kind]}
    if missing := [gone for gone in removed if gone not in known]:
        raise InvalidInput(f"taxonomy {path}: remove names {missing[0]!r}, which is no id of {', '.join(_EXTENSIBLE)}")


def _lay_over(labels: dict[str, Label], users: Sequence[Label], kind: str, path: Path) -> None:
    for label in users:
        known = labels.get(label.id)
        if known is None:
            if kind != "stages" and not (label.about or label.examples):
                raise InvalidInput(f"taxonomy {path}: {kind} {label.id!r} has neither about nor examples; they are all that it is found by")
            labels[label.id] = label
        else:
            own_meaning = bool(label.examples) or label.about not in ("", known.about)
            kept = {name: getattr(label, name) or getattr(known, name) for name in ("zh", "en", "about", "stage")}
            labels[label.id] = replace(label, trained=not own_meaning, **kept)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"taxonomy {path}: cannot be read as YAML ({error}); see cxnlp/taxonomy.yaml for the form") from error
    if not isinstance(data, Mapping):
        raise InvalidInput(f"taxonomy {path}: must be a mapping with the lists {', '.join(_KINDS)}")
    return data


def _labels(data: Mapping[str, Any], kind: str, path: Path) -> list[Label]:
    entries = data.get(kind) or []
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise InvalidInput(f"taxonomy {path}: {kind} must be a list")
    labels = [_label(entry, kind, path) for entry in entries]
    ids = [label.id for label in labels]
    if twice := [id for n, id in enumerate(ids) if id in ids[:n]]:
        raise InvalidInput(f"taxonomy {path}: {kind} has two entries {twice[0]!r}; keep one")
    return labels


def _label(entry: object, kind: str, path: Path) -> Label:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("id"), str):
        raise InvalidInput(f"taxonomy {path}: {kind} has the entry {entry!r}; write {{id: my_id, en: Name, about: what belongs to it}}")
    if unknown := set(entry) - _FIELDS:
        raise InvalidInput(
            f"taxonomy {path}: {kind} {entry['id']!r} has unknown fields {sorted(unknown)}; known are {sorted(_FIELDS)}; quote texts with commas"
        )
    if entry["id"] == NO_CAUSE or not entry["id"].isidentifier():
        raise InvalidInput(f"taxonomy {path}: {entry['id']!r} cannot be an id; use letters, digits and _, not {NO_CAUSE!r}")
    texts = {name: entry.get(name) or "" for name in ("zh", "en", "about", "stage")}
    examples = entry.get("examples") or []
    if not isinstance(examples, list) or not all(isinstance(text, str) for text in (*texts.values(), *examples)):
        raise InvalidInput(f"taxonomy {path}: {kind} {entry['id']!r}: zh, en, about and stage take one text, examples a list of texts")
    return Label(entry["id"], texts["zh"], texts["en"], texts["about"], texts["stage"], examples=tuple(examples))


def _label_json(label: Label) -> dict[str, Any]:
    line: dict[str, Any] = {"id": label.id, "zh": label.zh, "en": label.en, "about": label.about}
    if label.stage:
        line["stage"] = label.stage
    if label.examples:
        line["examples"] = list(label.examples)
    return line | {"trained": label.trained}
