"""A deterministic encoder and heads that need no model: fast, and honest enough to tell alike texts from others."""

from collections.abc import Iterator, Sequence

import numpy as np

from cxnlp.encoder.windows import States
from cxnlp.heads import Passage
from cxnlp.heads.decoding import quote
from cxnlp.records import Analysis, Observation

DIM = 64
_BAD = ("慢", "差", "坏", "broken", "slow", "terrible")


class HashingEncoder:
    """Every character pair is a token with a fixed random state."""

    dim = DIM
    id = "hashing-1"
    likeness = (10.0, -5.0)

    def states(self, texts: Sequence[str]) -> Iterator[States]:
        for i, text in enumerate(texts):
            pairs = [text[j : j + 2] for j in range(max(1, len(text)))]
            states = np.stack([np.random.default_rng(abs(hash_of(pair))).standard_normal(DIM, np.float32) for pair in pairs])
            yield States(i, np.arange(len(pairs), dtype=np.int32), states)


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode("utf-8", "replace")[:8].ljust(8, b"."), "big")


class WordHeads:
    """Negative where a bad word stands."""

    def read(self, passages: Sequence[Passage]) -> list[Analysis]:
        return [self._read(passage) for passage in passages]

    def _read(self, passage: Passage) -> Analysis:
        said = " ".join(text for _, text in passage.feedback.segments())
        bad = any(word in said for word in _BAD)
        observation = Observation("delivery", "service", "slow", -0.8, 0.9, quote(passage, 0))
        return Analysis(passage.language, -0.8 if bad else 0.6, 0.9, "complaint" if bad else "praise", (observation,) if bad else (), (), "words-1")
