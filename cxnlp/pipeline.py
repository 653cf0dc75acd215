"""Feedback to Analysis, pure: clean, split into clauses, encode once, read the heads.

The pipeline owns the protocols of what it consumes, and is the only place where text, encoder and heads meet.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from cxnlp.encoder import Document, Encoded, encode
from cxnlp.encoder.pooling import TokenEncoder
from cxnlp.heads import Passage
from cxnlp.records import Analysis, Feedback, Matrix, Span, Vectors
from cxnlp.taxonomy import Label
from cxnlp.text.clauses import split
from cxnlp.text.cleaning import Cleaned, clean
from cxnlp.text.language import detect

RECORDS_A_BATCH: Final = 256
_FIRST_BATCH: Final = 16
_CHARACTERS_A_BATCH: Final = 500_000


class Encoder(TokenEncoder, Protocol):
    """Anything that turns texts into token states.

    Attributes:
        id: Vectors of another id are not comparable.
        likeness: Slope and offset of the curve from the cosine of two document vectors to the probability that the texts are alike.
    """

    id: str
    likeness: tuple[float, float]


class Heads(Protocol):
    """Anything that reads analyses off vectors."""

    def read(self, passages: Sequence[Passage]) -> list[Analysis]:
        """Return one analysis a passage, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """One record as the encoder reads it.

    Attributes:
        document: The cleaned text with its clauses; turns are joined by line breaks, and only customers' turns have clauses and a voice.
        spans: Where each clause stands in the record.
        language: As `cxnlp.text.language.detect` says.
    """

    document: Document
    spans: tuple[Span, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Analyzed:
    """What one pass yields for one record."""

    feedback: Feedback
    analysis: Analysis
    vectors: Vectors


@dataclass(frozen=True)
class Pipeline:
    """The stages in order."""

    encoder: Encoder
    heads: Heads

    def analyze(self, items: Sequence[Feedback]) -> list[Analyzed]:
        """Return one result an item, in order."""
        if not items:
            return []
        prepared = [prepare(item) for item in items]
        return self._read(items, prepared, self._encode(prepared))

    def stream(self, items: Iterable[Feedback]) -> Iterator[Analyzed]:
        """Yield results in the order of `items`, holding two batches at a time.

        Batches grow from 16 records to 256, so that the first results come soon, and are cut short at 500,000 characters, so that memory is flat.
        From the second on, a batch is read and prepared, and the results of the one before are read off and used, while the encoder is busy: it
        lets go of the interpreter.
        """
        batches = _batches(items)
        yield from self.analyze(next(batches, []))
        with ThreadPoolExecutor(1) as thread:
            under_way: tuple[list[Feedback], list[Prepared], Future[list[Encoded]]] | None = None
            for batch in batches:
                prepared = [prepare(item) for item in batch]
                started = batch, prepared, thread.submit(self._encode, prepared)
                if under_way:
                    yield from self._read(*under_way[:2], under_way[2].result())
                under_way = started
            if under_way:
                yield from self._read(*under_way[:2], under_way[2].result())

    def _encode(self, prepared: Sequence[Prepared]) -> list[Encoded]:
        return encode(self.encoder, [p.document for p in prepared])

    def _read(self, items: Sequence[Feedback], prepared: Sequence[Prepared], encoded: Sequence[Encoded]) -> list[Analyzed]:
        passages = [_passage(item, p, e) for item, p, e in zip(items, prepared, encoded, strict=True)]
        analyses = self.heads.read(passages)
        return [
            Analyzed(item, analysis, Vectors(passage.document, passage.clauses, passage.spans))
            for item, analysis, passage in zip(items, analyses, passages, strict=True)
        ]


def _batches(items: Iterable[Feedback]) -> Iterator[list[Feedback]]:
    batch: list[Feedback] = []
    n_characters, most = 0, _FIRST_BATCH
    for item in items:
        batch.append(item)
        n_characters += len(item.text) + sum(len(turn.text) for turn in item.turns)
        if len(batch) >= most or n_characters >= _CHARACTERS_A_BATCH:
            yield batch
            batch, n_characters, most = [], 0, min(2 * most, RECORDS_A_BATCH)
    if batch:
        yield batch


def prepare(feedback: Feedback) -> Prepared:
    """Return a record as the encoder reads it."""
    if not feedback.turns:
        cleaned = clean(feedback.text)
        clauses = tuple(split(cleaned.text))
        return Prepared(Document(cleaned.text, clauses), _spans(cleaned, clauses, None), detect(cleaned.text))
    parts: list[str] = []
    clauses_of_all: list[tuple[int, int]] = []
    voiced: list[tuple[int, int]] = []
    spans: list[Span] = []
    at = 0
    for number, turn in enumerate(feedback.turns):
        cleaned = clean(turn.text)
        if turn.speaker == "customer" and cleaned.text.strip():
            clauses = tuple(split(cleaned.text))
            clauses_of_all += [(at + start, at + end) for start, end in clauses]
            spans += _spans(cleaned, clauses, number)
            voiced.append((at, at + len(cleaned.text)))
        parts.append(cleaned.text)
        at += len(cleaned.text) + 1
    text = "\n".join(parts)
    language = detect("\n".join(text[start:end] for start, end in voiced))
    return Prepared(Document(text, tuple(clauses_of_all), tuple(voiced)), tuple(spans), language)


def _spans(cleaned: Cleaned, clauses: Sequence[tuple[int, int]], turn: int | None) -> tuple[Span, ...]:
    return tuple(Span(*cleaned.original(start, end), turn) for start, end in clauses)


def _passage(feedback: Feedback, prepared: Prepared, encoded: Encoded) -> Passage:
    return Passage(feedback, prepared.language, encoded.document, encoded.clauses, prepared.spans)


def embed_labels(encoder: TokenEncoder, labels: Sequence[Label]) -> dict[str, Matrix]:
    """Return (n_texts, dim) vectors of each label's description and examples, by label id; for labels without a trained head."""
    return {
        label.id: np.stack([e.document for e in encode(encoder, [Document(text) for text in (label.about or label.en or label.zh, *label.examples)])])
        for label in labels
        if not label.trained
    }
