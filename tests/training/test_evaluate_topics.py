"""What training/evaluate_topics.py makes of several seeds; the public sets are needed only for measuring."""

import sys

import numpy as np
import pytest


class _Encoder:
    """Vectors lie in the cache already: to encode would be a mistake."""

    id = "test"

    def __init__(self, folder):
        pass


def _found(groups):
    from evaluate_topics import Found

    return {"cxnlp": Found(np.array(groups), [["茶", "tea"]], 1.0, 2.0, 0.5)}


@pytest.mark.parametrize(("n", "told"), [(2, "Means over the seeds 1, 2; in brackets the lowest and the highest."), (1, "Seed 1.")])
def test_each_seed_is_run_on_cached_vectors_and_a_row_has_mean_and_range(tmp_path, monkeypatch, n, told):
    import evaluate_topics as script

    texts = ["茶好喝", "tea is fine", "茶太苦", "bitter tea"]
    corpora = [script.Corpus("named, test", texts, np.array(["a", "a", "b", "b"])), script.Corpus("data/", texts[::-1], None)]
    monkeypatch.setattr(script, "load_corpora", lambda folder, split: corpora)
    monkeypatch.setattr(script, "ShippedEncoder", _Encoder)
    monkeypatch.setattr(script, "embed_texts", lambda encoder, texts: np.zeros((len(texts), 2), np.float32))
    for corpus in corpora:
        script.embed(_Encoder(None), corpus.texts, tmp_path)
    monkeypatch.setattr(script, "embed_texts", None)
    seen = []

    def run(method, vectors, texts, seed):
        seen.append((vectors.shape, seed))
        return _found([0, 0, 1, 1] if seed == 1 else [0, 0, 0, -1])

    monkeypatch.setattr(script, "run", run)
    document = tmp_path / "topics.md"
    document.write_text("<!-- topics -->\n<!-- /topics -->\n", encoding="utf-8")
    asked = ["--corpora", str(tmp_path), "--cache", str(tmp_path), "--no-bertopic", "--seeds", str(n), "--markdown", str(document)]
    monkeypatch.setattr(sys, "argv", ["evaluate_topics.py", *asked])
    script.main()
    assert seen == [((4, 2), seed) for _ in corpora for seed in range(1, n + 1)]
    written = document.read_text(encoding="utf-8")
    assert told in written
    named, own = (next(line for line in written.splitlines() if corpus.name in line).split(" | ") for corpus in corpora)
    ranged, single = ["0.672 [0.344, 1.000]", "0.500 [0.000, 1.000]", "2 [1, 2] (2)", "12.5% [0.0%, 25.0%]"], ["1.000", "1.000", "2 (2)", "0.0%"]
    assert named[3:7] == (ranged if n == 2 else single)
    assert own[3:5] == ["-", "-"]
