"""Naming the topics of a fit by an endpoint of the user's, where the settings name one; without an answer the automatic name stays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from cxnlp.errors import CxnlpError
from cxnlp.privacy import Masker
from cxnlp.service.topics.items import Items
from cxnlp.service.topics.matching import keys_of
from cxnlp.store import FittedTopic, NewFit, Store, TopicFit
from cxnlp.text.language import MIXED, detect
from cxnlp.topics.naming import NameEndpoint, ask_name

_MOST_FAILURES: Final = 3
_MOST_QUOTED: Final = 300
_N_TEXTS: Final = 200
_SPOKEN_SHARE: Final = 0.25
_LIKE_BEFORE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Naming:
    """Asks for names.

    Attributes:
        endpoint: Who is asked.
        masker: Masks once more what is sent, and what comes back.
    """

    endpoint: NameEndpoint
    masker: Masker

    def name(self, store: Store, fit: TopicFit, found: NewFit, items: Items, tell: Callable[[], None]) -> NewFit:
        """Return what a fit found with names from the endpoint as labels, and in its metrics how that went, under `names`.

        A topic keeps the name that it got in the fit before while half of its words are the same, and is not asked for again. After three failures in
        a row no further topic is asked for. What people call topics is kept elsewhere and goes before any label.

        Args:
            store: With the fit before.
            fit: That found it.
            found: Topics with automatic labels.
            items: What was fitted.
            tell: Called before each question; may raise to end the fit.
        """
        before = _named_before(store, fit)
        named: list[str] = []
        topics: list[FittedTopic] = []
        n_failed, in_a_row, problem = 0, 0, ""
        for row, topic in enumerate(found.topics):
            old = before.get(topic.topic_id)
            if old and _is_like(old, topic):
                topic = replace(topic, label=old.label)
                named.append(topic.topic_id)
            elif in_a_row < _MOST_FAILURES:
                tell()
                try:
                    topic = replace(topic, label=self._ask(topic, items, np.flatnonzero(found.assignments.rows == row)[:_N_TEXTS].tolist()))
                    named.append(topic.topic_id)
                    in_a_row = 0
                except CxnlpError as error:
                    n_failed, in_a_row, problem = n_failed + 1, in_a_row + 1, str(error)
            else:
                n_failed += 1
            topics.append(topic)
        told: dict[str, Any] = {"model": self.endpoint.model, "named": named, "failed": n_failed} | ({"problem": problem} if problem else {})
        return replace(found, topics=topics, told=dict(found.told) | {"metrics": dict(found.told["metrics"]) | {"names": told}})

    def _ask(self, topic: FittedTopic, items: Items, members: Sequence[int]) -> str:
        keys = dict(zip(keys_of(items.seqs[members], items.clauses[members]).tolist(), members, strict=True))
        quoted = [_key(seq, clause) for seq, clause in topic.quotes]
        places = [keys[key] for key in quoted if key in keys] or members[:3]
        quotes = [self.masker.mask(items.texts[place])[:_MOST_QUOTED] for place in places]
        words = [self.masker.mask(word) for word in topic.words]
        return self.masker.mask(ask_name(self.endpoint, words, quotes, _languages([items.texts[place] for place in members])))


def _named_before(store: Store, fit: TopicFit) -> Mapping[str, FittedTopic]:
    """Return the topics of the active fit that an endpoint named, by id."""
    if fit.parent is None:
        return {}
    names = store.topic_fits.get(fit.parent).metrics.get("names") or {}
    own = set(names.get("named", ()))
    return {topic.topic_id: topic for topic in store.fitted.topics(fit.parent) if topic.topic_id in own}


def _is_like(old: FittedTopic, new: FittedTopic) -> bool:
    return len(set(old.words) & set(new.words)) >= _LIKE_BEFORE * max(len(old.words), len(new.words))


def _languages(texts: Sequence[str]) -> list[str]:
    """Return the languages, of Chinese and English, that a quarter or more of the texts are in, or the one that most are in."""
    n_chinese = sum(detect(text) in ("zh", MIXED) for text in texts)
    share = n_chinese / max(1, len(texts))
    spoken = [code for code, part in (("zh", share), ("en", 1 - share)) if part >= _SPOKEN_SHARE]
    return sorted(spoken, key=lambda code: code != ("zh" if share >= 1 / 2 else "en"))


def _key(seq: int, clause: int) -> int:
    return int(keys_of(np.array([seq], np.int64), np.array([clause], np.int32))[0])
