"""Measure topics beside BERTopic's defaults, in the same run on the same vectors, and put the tables into docs/topics.md.

    CXNLP_CORPORA=... python training/evaluate_topics.py --split dev                             parts to tune on
    CXNLP_CORPORA=... python training/evaluate_topics.py --markdown docs/topics.md               the parts that are reported
    ... --encoder "shipped=models/encoder" --encoder "base=/some/other/encoder"                  several encoders, one table

The parts reported are banking77's test part, all of dstc11_insurance (774 texts are too few to part; it was tuned on), the dev part of
online_shopping_10_cats, thinned, and data/. Each method runs in a process of its own, so that memory is its own. Vectors are kept in `--cache` by
encoder and texts, so that only a new encoder costs time.

NMI (arithmetic mean) and ARI count texts without a topic as one more group. NPMI is the mean over pairs of a topic's ten first words, by how many
texts hold both (Lau, Newman & Baldwin 2014), a phrase counting as its words; diversity is the share of different terms among the ten of each topic
(Dieng et al. 2020). BERTopic's words are full of stop-words, which stand together in most texts: `NPMI, no stop-words` leaves them out, and takes the
next ones.
"""

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from features import read_rows
from product import embed_texts, thin
from report import fill

from cxnlp.encoder import ShippedEncoder
from cxnlp.ingest.loading import Loaded, load
from cxnlp.ingest.readers import read
from cxnlp.ingest.validation import Defaults
from cxnlp.text.cleaning import clean
from cxnlp.text.folding import fold
from cxnlp.text.tokens import stop_words, words
from cxnlp.topics.fit import FitConfig, fit_topics

_MOST_TEXTS = 3_100
_N_WORDS = 10
_PUBLIC = {"banking77": "test", "dstc11_insurance": "all", "online_shopping_10_cats": "dev"}
_TUNED = {"banking77": "train", "dstc11_insurance": "train", "online_shopping_10_cats": "train"}


@dataclass(frozen=True)
class Corpus:
    """Texts with what they are about.

    Attributes:
        name: With the part, as the table shows it.
        texts: n texts.
        gold: (n,) names, or None where nobody said.
    """

    name: str
    texts: list[str]
    gold: np.ndarray | None


@dataclass(frozen=True)
class Found:
    """What a method found.

    Attributes:
        groups: (n,) topic of each text, -1 for none.
        terms: The words and phrases of each topic, the most telling first, ten or more.
        cpu_seconds: Of the process, imports included.
        wall_seconds: Likewise, by the clock.
        peak_gib: Largest resident memory of the process.
    """

    groups: np.ndarray
    terms: list[list[str]]
    cpu_seconds: float
    wall_seconds: float
    peak_gib: float


Method = Callable[[np.ndarray, list[str], int], list[tuple[str, np.ndarray, list[list[str]]]]]


def load_corpora(folder: Path, split: str) -> list[Corpus]:
    """Return the parts to report (`test`) or to tune on (`dev`), each thinned to 3,100 texts at most."""
    corpora = []
    for name, part in (_PUBLIC if split == "test" else _TUNED).items():
        rows = [row for row in read_rows(folder / f"{name}.jsonl.gz") if part == "all" or row["split"] == part]
        rows = list(thin(rows, _MOST_TEXTS))
        gold = np.array([next(iter(row["labels"].values())) for row in rows])
        corpora.append(Corpus(f"{name}, {part}", [clean(row["text"]).text for row in rows], gold))
    return [*corpora, Corpus("data/", _own_texts(), None)] if split == "test" else corpora


def embed(encoder: ShippedEncoder, texts: Sequence[str], cache: Path) -> np.ndarray:
    """Return (n, dim) float32 document vectors, from the cache if these texts were encoded before."""
    key = blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()
    path = cache / f"{encoder.id}-{key}.npy"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, embed_texts(encoder, texts))
    vectors: np.ndarray = np.load(path)
    return vectors


def ours(vectors: np.ndarray, texts: list[str], seed: int) -> list[tuple[str, np.ndarray, list[list[str]]]]:
    """Return (name, groups, terms) of `cxnlp topics fit` with its defaults."""
    fit = fit_topics(vectors, texts, FitConfig(seed=seed))
    return [("cxnlp", fit.assignments.astype(np.int64), [list(label.words) for label in fit.labels])]


def bertopic(vectors: np.ndarray, texts: list[str], seed: int) -> list[tuple[str, np.ndarray, list[list[str]]]]:
    """Return (name, groups, terms) of BERTopic as it comes, and after its outlier reduction by vectors.

    Only what must differ does: the seed, since there is none; jieba for Chinese, since whole sentences would be its words; 30 words, so that ten
    remain without stop-words.
    """
    from bertopic import BERTopic
    from hdbscan import HDBSCAN
    from sklearn.feature_extraction.text import CountVectorizer
    from umap import UMAP

    is_chinese = np.mean([not text.isascii() for text in texts]) > 0.5
    vectoriser = CountVectorizer(tokenizer=words, token_pattern=None) if is_chinese else CountVectorizer()
    model = BERTopic(
        language="multilingual",
        umap_model=UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=seed),
        hdbscan_model=HDBSCAN(min_cluster_size=10, prediction_data=True),
        vectorizer_model=vectoriser,
        top_n_words=30,
    )
    groups, _ = model.fit_transform(texts, embeddings=vectors)
    found = [("BERTopic", np.array(groups), _words_of(model))]
    if -1 not in groups:  # it refuses where there is nothing to reduce
        return found
    reduced = model.reduce_outliers(texts, groups, strategy="embeddings", embeddings=vectors)
    model.update_topics(texts, topics=reduced, vectorizer_model=vectoriser, top_n_words=30)
    return [*found, ("BERTopic, outliers reduced", np.array(reduced), _words_of(model))]


def run(method: Method, vectors: np.ndarray, texts: list[str], seed: int) -> dict[str, Found]:
    """Return what a method finds in a fresh process, by name."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_measured, method, vectors, texts, seed).result()


def figures_of(found: Found, corpus: Corpus) -> dict[str, float]:
    """Return the figures of one run."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    held = [set(words(fold(text))) for text in corpus.texts]
    stops = stop_words("zh") | stop_words("en")
    figures = {
        "topics": float(len(set(found.groups.tolist()) - {-1})),
        "outliers": float(np.mean(found.groups < 0)),
        "npmi": npmi([_singles(terms) for terms in found.terms], held),
        "npmi_telling": npmi([_singles([t for t in terms if t not in stops]) for terms in found.terms], held),
        "diversity": len({t for terms in found.terms for t in terms[:_N_WORDS]}) / max(1, sum(len(terms[:_N_WORDS]) for terms in found.terms)),
        "cpu": found.cpu_seconds,
        "wall": found.wall_seconds,
        "peak": found.peak_gib,
    }
    if corpus.gold is not None:
        figures["nmi"] = float(normalized_mutual_info_score(corpus.gold, found.groups))
        figures["ari"] = float(adjusted_rand_score(corpus.gold, found.groups))
    return figures


def npmi(topics: Sequence[Sequence[str]], held: Sequence[set[str]]) -> float:
    """Return the mean normalised pointwise mutual information of pairs of a topic's words, over topics, in [-1, 1].

    Args:
        topics: Their words.
        held: The words of each text.
    """
    texts_with: dict[str, set[int]] = {word: set() for topic in topics for word in topic}
    for number, of_text in enumerate(held):
        for word in of_text & texts_with.keys():
            texts_with[word].add(number)
    means = [np.mean([_npmi(texts_with[a], texts_with[b], len(held)) for a, b in combinations(topic, 2)]) for topic in topics if len(topic) > 1]
    return float(np.mean(means)) if means else 0.0


def table(results: Sequence[tuple[str, Corpus, str, list[dict[str, float]]]]) -> list[str]:
    """Return the lines of Markdown: means over the runs of each method, and in brackets, where runs differ, the lowest and the highest."""
    lines = [
        "| encoder | texts | method | NMI | ARI | topics (gold) | outliers | NPMI | NPMI, no stop-words | diversity | CPU s | s | peak GiB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for encoder, corpus, method, runs in results:
        mean = {name: float(np.mean([one[name] for one in runs])) for name in runs[0]}
        gold = "-" if corpus.gold is None else str(len(set(corpus.gold)))
        lines.append(
            f"| {encoder} | {corpus.name} ({len(corpus.texts):,}) | {method} | {_range(runs, 'nmi', '.3f')} | {_range(runs, 'ari', '.3f')}"
            f" | {_range(runs, 'topics', '.0f')} ({gold}) | {_range(runs, 'outliers', '.1%')} | {_range(runs, 'npmi', '.3f')}"
            f" | {_range(runs, 'npmi_telling', '.3f')} | {_range(runs, 'diversity', '.2f')}"
            f" | {mean['cpu']:.0f} | {mean['wall']:.0f} | {mean['peak']:.2f} |"
        )
    return lines


def main() -> None:
    """Parse, measure, print, and fill the document if one is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpora", type=Path, required=False, help="folder of the corpora; $CXNLP_CORPORA by default")
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--encoder", action="append", metavar="TITLE=FOLDER", help="models/encoder by default; may be given several times")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "cxnlp-topics")
    parser.add_argument("--seeds", type=int, choices=range(1, 11), default=3, metavar="N", help="each method once with each of the seeds 1 to N; 3")
    parser.add_argument("--only", help="names of corpora begin with this")
    parser.add_argument("--no-bertopic", action="store_true")
    parser.add_argument("--markdown", type=Path, help="document with <!-- topics --> ... <!-- /topics -->")
    arguments = parser.parse_args()
    corpora = [c for c in load_corpora(_corpora(arguments.corpora), arguments.split) if c.name.startswith(arguments.only or "")]
    seeds = range(1, arguments.seeds + 1)
    methods: list[Method] = [ours] if arguments.no_bertopic else [ours, bertopic]
    results = []
    for title, folder in (one.split("=", 1) for one in arguments.encoder or ["shipped=models/encoder"]):
        encoder = ShippedEncoder(Path(folder))
        for corpus in corpora:
            vectors = embed(encoder, corpus.texts, arguments.cache)
            of_method: dict[str, list[dict[str, float]]] = {}
            for method in methods:
                for seed in seeds:
                    for name, found in run(method, vectors, corpus.texts, seed).items():
                        of_method.setdefault(name, []).append(figures_of(found, corpus))
            rows = [(title, corpus, name, runs) for name, runs in of_method.items()]
            print("\n".join(table(rows)[2:]), flush=True)
            results += rows
    if arguments.markdown:
        told = f"Means over the seeds {', '.join(map(str, seeds))}; in brackets the lowest and the highest." if len(seeds) > 1 else "Seed 1."
        fill(arguments.markdown, {"topics": [*table(results), "", told]})


def _corpora(folder: Path | None) -> Path:
    if not (folder or os.environ.get("CXNLP_CORPORA")):
        raise SystemExit("set CXNLP_CORPORA to the folder of the corpora")
    return folder or Path(os.environ["CXNLP_CORPORA"])


def _own_texts() -> list[str]:
    items = load(read(Path(__file__).parents[1] / "data"), Defaults("", datetime.now(UTC), b"evaluation"))
    return ["\n".join(clean(text).text for _, text in item.feedback.segments()) for item in items if isinstance(item, Loaded)]


def _measured(method: Method, vectors: np.ndarray, texts: list[str], seed: int) -> dict[str, Found]:
    began, began_cpu = time.perf_counter(), time.process_time()
    found = method(vectors, texts, seed)
    seconds = time.process_time() - began_cpu, time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return {name: Found(groups, of_topics, *seconds, peak) for name, groups, of_topics in found}


def _words_of(model: Any) -> list[list[str]]:
    return [[word for word, _ in said if word] for topic, said in sorted(model.get_topics().items()) if topic >= 0]


def _singles(terms: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(word for term in terms for word in term.split()))[:_N_WORDS]


def _npmi(one: set[int], other: set[int], n: int) -> float:
    both = len(one & other)
    if not both:
        return -1.0
    # A pair that every text holds tells nothing: NPMI's limit is 1, by convention of its authors.
    return 1.0 if both == n else float(np.log(both * n / (len(one) * len(other))) / -np.log(both / n))


def _range(runs: Sequence[dict[str, float]], name: str, form: str) -> str:
    values = [one[name] for one in runs if name in one]
    if not values:
        return "-"
    low, high = f"{min(values):{form}}", f"{max(values):{form}}"
    return f"{np.mean(values):{form}}" + (f" [{low}, {high}]" if low != high else "")


if __name__ == "__main__":
    main()
