"""Entries made up for tests, and the plainest possible answers to compare with."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from cxnlp.filters import CHOICES, NUMBERS, TIMES, Filter, Range
from cxnlp.index import IndexView
from cxnlp.records import Entry

DIM = 16
LIKENESS = (4.0, -4.816)
WORDS = ("a", "b", "c")
NAMES = ("region", "product")
SINGLE = ("source", "channel", "language", "label", "intent", "segment", "customer", "topic")
STEPS = (-1.0, -0.3, 0.0, 0.3, 1.0)


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def cluster_vectors(n, dim=DIM, n_clusters=12, seed=0):
    """Return (n, dim) unit vectors in clusters around one common direction, as sentence encoders make them."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((n_clusters, dim))
    return unit(4 * np.ones(dim) + centres[random.integers(0, n_clusters, n)] + 0.6 * random.standard_normal((n, dim)))


def id_of(seq):
    return f"r-{seq:020x}"


def make_entry(seq, document, **given):
    values = {"created_at": float(seq), "received_at": float(seq), "choices": {}, "numbers": {}, "observations": (), "risks": (), "attributes": {}}
    return Entry(seq=seq, id=id_of(seq), document=document, **(values | given))


def entries_of(vectors, first=0, **given):
    return [make_entry(first + i, vector, **given) for i, vector in enumerate(vectors)]


def make_view(dim=DIM):
    """Return an index that fetches the exact vectors of what was put from memory, as from a store."""
    documents = {}

    def fetch(seqs):
        return np.array([documents.get(seq, np.full(dim, np.nan)) for seq in seqs], np.float32).reshape(-1, dim)

    def put(entries):
        documents.update((entry.seq, entry.document) for entry in entries)
        put_in(entries)

    view = IndexView(dim, LIKENESS, fetch)
    view.documents, put_in, view.put = documents, view.put, put
    return view


steps = st.sampled_from(STEPS)
_wanted = st.lists(st.sampled_from((*WORDS, "unheard of")), max_size=2, unique=True).map(tuple)
_bounds = st.builds(Range, **{name: st.none() | steps for name in ("gte", "gt", "lte", "lt")})
filters = st.builds(
    Filter,
    **dict.fromkeys(CHOICES, st.just(()) | st.just(()) | _wanted),
    **dict.fromkeys((*NUMBERS, *TIMES), st.none() | st.none() | st.none() | _bounds),
    attributes=st.dictionaries(st.sampled_from((*NAMES, "none")), _wanted, max_size=2),
)


def _some(random, values, most):
    return [values[i] for i in random.integers(0, len(values), random.integers(0, most + 1))]


def _random_entries(n, n_ids, seed):
    random = np.random.default_rng(seed)
    return [
        make_entry(
            int(random.integers(0, n_ids)),
            unit(np.random.default_rng(random.integers(0, 20)).standard_normal(DIM)),
            created_at=STEPS[random.integers(0, 5)],
            received_at=STEPS[random.integers(0, 5)],
            choices={name: WORDS[random.integers(0, 3)] for name in _some(random, SINGLE, 10)},
            numbers={name: STEPS[random.integers(0, 5)] for name in _some(random, NUMBERS, 5)},
            observations=tuple((WORDS[t % 3], WORDS[s % 3], (*WORDS, None)[c]) for t, s, c in random.integers(0, 4, (random.integers(0, 4), 3))),
            risks=tuple(_some(random, WORDS, 2)),
            attributes={name: WORDS[random.integers(0, 3)] for name in _some(random, NAMES, 2)},
        )
        for _ in range(n)
    ]


def entry_lists(max_size=25, n_ids=12):
    """Lists of entries, several of one id among them; drawn by a seed, since field by field is slow."""
    return st.builds(_random_entries, st.integers(0, max_size), st.just(n_ids), st.integers(0, 2**32 - 1))


def _within(value, bounds):
    tests = ((bounds.gte, "__ge__"), (bounds.gt, "__gt__"), (bounds.lte, "__le__"), (bounds.lt, "__lt__"))
    given = [(bound, test) for bound, test in tests if bound is not None]
    return not given or (value is not None and all(getattr(float(value), test)(bound) for bound, test in given))


def matching_observations(entry: Entry, filter: Filter):
    wanted = (filter.touchpoint, filter.stage, filter.cause)
    return [o for o in entry.observations if all(not w or v in w for v, w in zip(o, wanted, strict=True))]


def passes(entry: Entry, filter: Filter) -> bool:
    """Evaluate the filter the plainest way."""
    if any(getattr(filter, name) and entry.choices.get(name) not in getattr(filter, name) for name in SINGLE):
        return False
    if any(getattr(filter, name) and not _within(entry.numbers.get(name), getattr(filter, name)) for name in NUMBERS):
        return False
    if any(getattr(filter, name) and not _within(getattr(entry, name), getattr(filter, name)) for name in TIMES):
        return False
    if (filter.touchpoint or filter.stage or filter.cause) and not matching_observations(entry, filter):
        return False
    if filter.risk and not set(filter.risk) & set(entry.risks):
        return False
    return all(not values or entry.attributes.get(name) in values for name, values in filter.attributes.items())


def nearest(entries: Sequence[Entry], query, k: int, filter: Filter | None = None) -> list[str]:
    """Search the plainest way, ties by the newer created_at, then the higher seq."""
    found = [e for e in entries if passes(e, filter or Filter())]
    return [e.id for e in sorted(found, key=lambda e: (-round(float(e.document @ query), 4), -e.created_at, -e.seq))[:k]]
