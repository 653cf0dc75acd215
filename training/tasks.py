"""What `train_encoder.py` learns from: labelled texts as tokens, cut into batches of like length.

Gold texts carry every label; the other sets each carry one kind: a sign, three classes, a score, the valence of aspect terms, satisfaction, pairs
that mean the same, intents.
"""

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from features import read_rows, to_feedback
from tokenizers import Tokenizer

from cxnlp.pipeline import prepare

KINDS: Final = {
    # set: (kind, texts a cycle); licences are in LICENCES
    "chnsenticorp": ("sign", 7_300),
    "chnsenticorp_htl": ("sign", 2_500),
    "waimai_10k": ("sign", 9_000),
    "online_shopping_10_cats": ("sign", 12_000),
    "eprstmt": ("sign", 136),
    "twitter_airline": ("three", 11_000),
    "tripadvisor_sentences": ("three", 2_200),
    "vader_tweets": ("score", 3_300),
    "amazon_alexa": ("score", 1_200),
    "ctrip_hotels": ("score", 1_500),
    "aste_restaurant": ("score", 3_000),
    "dimabsa_zho_restaurant_train": ("aspects", 4_900),
    "dimabsa_zho_laptop_train": ("aspects", 2_800),
    "dimabsa_zho_finance_train": ("aspects", 800),
    "dimabsa_eng_laptop_train": ("aspects", 3_200),
    "dimabsa_eng_restaurant_train": ("aspects", 1_800),
    "makeup_opinions": ("aspects", 1_200),
    "stc3_helpdesk": ("satisfaction", 3_000),
    "afqmc": ("pairs", 16_000),
    "banking77": ("intents", 12_000),
}
LICENCES: Final = {
    # As stated where each set was found; sets without a licence are used for research.
    "gold": "labels of our own, texts of the sets below and others",
    "chnsenticorp": "not stated",
    "chnsenticorp_htl": "not stated",
    "waimai_10k": "not stated",
    "online_shopping_10_cats": "not stated",
    "eprstmt": "CLUE, research",
    "twitter_airline": "CC BY-NC-SA",
    "tripadvisor_sentences": "not stated",
    "vader_tweets": "MIT",
    "amazon_alexa": "not stated",
    "ctrip_hotels": "not stated",
    "aste_restaurant": "MIT (repository)",
    "dimabsa_zho_restaurant_train": "DimABSA 2026, research",
    "dimabsa_zho_laptop_train": "DimABSA 2026, research",
    "dimabsa_zho_finance_train": "DimABSA 2026, research",
    "dimabsa_eng_laptop_train": "DimABSA 2026, research",
    "dimabsa_eng_restaurant_train": "DimABSA 2026, research",
    "makeup_opinions": "not stated",
    "stc3_helpdesk": "NTCIR, research",
    "afqmc": "research",
    "banking77": "CC BY 4.0",
    "bdci2018_car": "not stated",
    "bq": "research",
    "dstc11_insurance": "CDLA-Permissive-2.0",
    "eprstmt_unlabelled": "CLUE, research",
    "google_play": "not stated",
    "gov_replies": "not stated",
    "skytrax_lounge": "CC0 (file)",
    "skytrax_seat": "CC0 (file)",
    "tripadvisor": "not stated",
}
OPEN_SETS: Final = ("aste_restaurant", "banking77", "dstc11_insurance", "skytrax_lounge", "skytrax_seat", "vader_tweets")
"""Sets whose texts have an open licence as stated where they were found: MIT, CC BY 4.0, CDLA-Permissive-2.0, CC0, MIT."""
_LONGEST: Final = {"gold": 192, "satisfaction": 288}
_LONGEST_OTHER: Final = 128
_TEXTS_AN_INTENT: Final = 4


@dataclass(frozen=True, eq=False)
class Text:
    """One text as the model reads it.

    Attributes:
        row: As in the corpus.
        ids: (n_tokens,) of the text alone, without prefix and special tokens.
        starts: (n_tokens,) code point at which each token starts, in `text`.
        clause: (n_tokens,) number of the clause that holds each token, -1 outside of all.
        voiced: (n_tokens,) whether a customer says it.
        turns: (n_clauses,) turn of each clause, -1 where there are no turns.
        text: The cleaned text.
    """

    row: dict[str, Any]
    ids: np.ndarray
    starts: np.ndarray
    clause: np.ndarray
    voiced: np.ndarray
    turns: np.ndarray
    text: str

    def clause_of(self, term: str) -> int:
        """Return the number of the clause that holds a term; -1 if none."""
        place = self.text.find(term)
        holding = np.flatnonzero((self.starts >= place) & (self.starts < place + len(term))) if place >= 0 else ()
        return int(self.clause[holding[0]]) if len(holding) else -1


@dataclass(frozen=True)
class Step:
    """Texts that are learnt from at once, all of one set."""

    kind: str
    set: str
    chosen: np.ndarray


def load_sets(folder_gold: Path, folder_corpora: Path, tokenizer: Tokenizer, split: str = "train") -> dict[str, list[Text]]:
    """Return the texts of gold and of every set of `KINDS`; of pairs, the second text of each follows the first."""
    sets = {"gold": [to_text(row, tokenizer, _LONGEST["gold"]) for row in read_rows(folder_gold / f"{split}.jsonl")]}
    for name, (kind, _) in KINDS.items():
        rows = [row for row in read_rows(folder_corpora / f"{name}.jsonl.gz") if row["split"] == split]
        if kind == "pairs":
            rows = [one for row in rows for one in (row, row | {"text": row["text2"]})]
        sets[name] = [to_text(row, tokenizer, _LONGEST.get(kind, _LONGEST_OTHER)) for row in rows]
        print(f"{name}: {len(rows)} texts", flush=True)
    return sets


def to_text(row: dict[str, Any], tokenizer: Tokenizer, longest: int) -> Text:
    """Return a corpus row as the product would prepare it, cut to the longest length in tokens."""
    prepared = prepare(to_feedback(row))
    document = prepared.document
    encoding = tokenizer.encode(document.text, add_special_tokens=False)
    ids = np.array(encoding.ids[:longest], np.int32)
    starts = np.array([start for start, _ in encoding.offsets[:longest]], np.int32)
    clause = np.full(len(ids), -1, np.int16)
    for i, (start, end) in enumerate(document.clauses):
        clause[(starts >= start) & (starts < end)] = i
    voiced = np.ones(len(ids), bool)
    if document.voiced:
        voiced = np.zeros(len(ids), bool)
        for start, end in document.voiced:
            voiced |= (starts >= start) & (starts < end)
    turns = np.array([-1 if span.turn is None else span.turn for span in prepared.spans], np.int16)
    return Text(row, ids, starts, clause, voiced, turns, document.text)


def plan_gold(texts: Sequence[Text], kept: np.ndarray, n_tokens: int, draw: np.random.Generator) -> Iterator[Step]:
    """Yield the batches of one pass over the kept gold texts."""
    for chosen in by_length(texts, kept, n_tokens, draw):
        yield Step("gold", "gold", chosen)


def plan_others(sets: dict[str, list[Text]], n_tokens: int, draw: np.random.Generator) -> Iterator[Step]:
    """Yield the batches of one cycle over the other sets, mixed."""
    steps: list[Step] = []
    for name, (kind, n) in KINDS.items():
        texts = sets[name]
        if kind == "pairs":
            pairs = draw.choice(len(texts) // 2, n // 2, replace=False)
            groups = [np.stack([2 * part, 2 * part + 1], axis=1).reshape(-1) for part in np.array_split(pairs, max(1, n // 96))]
        elif kind == "intents":
            groups = [_few_of_each(texts, 12, draw) for _ in range(n // (12 * _TEXTS_AN_INTENT))]
        else:
            groups = by_length(texts, draw.choice(len(texts), min(n, len(texts)), replace=False), n_tokens, draw)
        steps += [Step(kind, name, group) for group in groups]
    yield from (steps[i] for i in draw.permutation(len(steps)))


def by_length(texts: Sequence[Text], kept: np.ndarray, n_tokens: int, draw: np.random.Generator) -> list[np.ndarray]:
    """Return shuffled batches of texts of like length, each of about `n_tokens` tokens with padding."""
    order = draw.permutation(kept)
    batches: list[np.ndarray] = []
    for first in range(0, len(order), 1_024):
        pool = sorted(order[first : first + 1_024].tolist(), key=lambda i: -len(texts[i].ids))
        while pool:
            n = max(1, n_tokens // (len(texts[pool[0]].ids) + 6))
            batches.append(np.array(pool[:n]))
            pool = pool[n:]
    return [batches[i] for i in draw.permutation(len(batches))]


def _few_of_each(texts: Sequence[Text], n_intents: int, draw: np.random.Generator) -> np.ndarray:
    of_intent: dict[str, list[int]] = defaultdict(list)
    for i, text in enumerate(texts):
        of_intent[text.row["labels"]["intent"]].append(i)
    names = draw.choice(sorted(of_intent), n_intents, replace=False)
    return np.concatenate([draw.choice(of_intent[name], _TEXTS_AN_INTENT, replace=False) for name in names])


def fingerprints() -> dict[str, dict[str, str]]:
    """Return the licence note and the hash of each file that is learnt from."""
    gold, folder = corpora()
    paths = {"gold": gold / "train.jsonl"} | {name: folder / f"{name}.jsonl.gz" for name in KINDS}
    return {name: {"licence": LICENCES[name], "sha256": hashlib.sha256(path.read_bytes()).hexdigest()[:16]} for name, path in paths.items()}


def corpora() -> tuple[Path, Path]:
    """Return the folders of $CXNLP_GOLD and $CXNLP_CORPORA."""
    return Path(os.environ["CXNLP_GOLD"]), Path(os.environ["CXNLP_CORPORA"])
