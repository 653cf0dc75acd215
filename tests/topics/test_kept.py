import numpy as np

from cxnlp.topics.kept import Kept, key_of

from .samples import clusters, texts_of

VECTORS, TRUTH = clusters(2, 6)


def test_what_was_made_is_not_made_again(tmp_path):
    made = []

    def make():
        made.append(1)
        return np.arange(3)

    found = []
    kept = Kept(tmp_path, "a", lambda: found.append(1))
    assert kept.get("groups", make).tolist() == kept.get("groups", make).tolist() == [0, 1, 2]
    assert made == found == [1]
    assert Kept(tmp_path, "b").get("groups", make).tolist() == [0, 1, 2] and made == [1, 1]
    assert Kept().get("groups", make).tolist() == [0, 1, 2] and made == [1, 1, 1]


def test_what_was_written_in_part_is_made_anew(tmp_path):
    (tmp_path / "groups-a.npy").write_bytes(b"\x93NUMPY")
    assert Kept(tmp_path, "a").get("groups", lambda: np.arange(2)).tolist() == [0, 1]
    assert Kept(tmp_path, "a").get("groups", lambda: np.zeros(0)).tolist() == [0, 1]


def test_the_key_is_another_for_other_vectors_texts_or_parameters():
    texts = texts_of(TRUTH)
    keys = [key_of(VECTORS, texts, 1, None), key_of(VECTORS, texts, 2, None), key_of(VECTORS[::-1], texts, 1, None)]
    keys += [key_of(VECTORS, [*texts[:-1], "other"], 1, None)]
    assert len(set(keys)) == 4 and keys[0] == key_of(VECTORS.copy(), list(texts), 1, None)
