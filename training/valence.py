"""Valence of given aspect terms (DimABSA): the mean feeling of the clauses that hold the term, through the public pipeline."""

from typing import Any

import numpy as np
from product import Rows, open_service, read_records
from public_sets import pearson

from cxnlp.evaluation.scoring import Figure
from cxnlp.heads import Network, load_network
from cxnlp.heads.network import VALUES
from cxnlp.pipeline import Analyzed
from cxnlp.records import Vector

SETS = ("eng_laptop", "eng_restaurant", "zho_finance", "zho_laptop", "zho_restaurant")
_UNNAMED = ("NULL", "", None)


def measure(parts: dict[str, Rows]) -> dict[str, Figure]:
    """Return Pearson's r of each set and of all together; n counts (text, term) pairs.

    A term with several valences in one text, for several categories, counts once with their mean. Aspects without a term, and terms that do not
    stand in the text as given, are left out.

    Args:
        parts: Rows by name of the set.
    """
    service = open_service()
    network = load_network(service.settings.heads or service.settings.models_dir / "heads")
    found: dict[str, Figure] = {}
    everything = []
    for name, rows in parts.items():
        pairs = [
            (valence, value)
            for row, one in zip(rows, read_records(service, rows), strict=True)
            for valence, value in _pairs(row, one, feel(network, one))
        ]
        everything += pairs
        found[f"{name}_pearson"] = pearson(*np.array(pairs).T)
    return found | {"pearson": pearson(*np.array(everything).T)}


def feel(network: Network, one: Analyzed) -> Vector:
    """Return (n_clauses,) feelings in [-1, 1] of the clauses of one record."""
    vectors = one.vectors
    scores = network.score(vectors.document[None], vectors.clauses, np.array([len(vectors.spans)]))
    feeling: Vector = scores.feeling @ VALUES
    return feeling


def _pairs(row: dict[str, Any], one: Analyzed, feeling: Vector) -> list[tuple[float, float]]:
    valences: dict[str, list[float]] = {}
    for term, _, _, valence in row["labels"]["aspects"]:
        if term not in _UNNAMED:
            valences.setdefault(term, []).append(valence)
    pairs = []
    for term, own in valences.items():
        places = _places(one.feedback.text, term)
        holding = [i for i, span in enumerate(one.vectors.spans) if any(span.start < end and start < span.end for start, end in places)]
        if holding:
            pairs.append((float(np.mean(own)), float(feeling[holding].mean())))
    return pairs


def _places(text: str, term: str) -> list[tuple[int, int]]:
    text, term = text.lower(), term.lower()
    starts = [i for i in range(len(text)) if text.startswith(term, i)]
    return [(start, start + len(term)) for start in starts]
