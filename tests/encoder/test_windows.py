import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cxnlp.encoder.windows import TOKENS_A_BATCH, Window, cut, pack


@given(st.integers(0, 3_000), st.integers(1, 600))
def test_windows_cover_every_token_once_and_fit(n_tokens, longest):
    windows = list(cut(7, range(n_tokens), range(n_tokens), longest))
    assert all(len(w.ids) <= longest and w.text == 7 for w in windows)
    assert np.concatenate([w.ids for w in windows]).tolist() == list(range(n_tokens))


def test_windows_of_one_text_are_of_even_length():
    lengths = [len(w.ids) for w in cut(0, range(1_000), range(1_000), 508)]
    assert lengths == [500, 500]


@given(st.lists(st.integers(0, 508), max_size=300))
def test_batches_hold_every_window_once_and_stay_within_the_limit(lengths):
    windows = [Window(i, np.zeros(n, np.int32), np.zeros(n, np.int32)) for i, n in enumerate(lengths)]
    batches = list(pack(windows, 4))
    assert sorted(w.text for batch in batches for w in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = (max(len(w.ids) for w in batch) + 4) * len(batch)
        assert len(batch) == 1 or padded <= TOKENS_A_BATCH


def test_long_inputs_are_packed_as_they_come():
    taken = []

    def windows():
        for i in range(1_000):
            taken.append(i)
            yield Window(i, np.zeros(500, np.int32), np.zeros(500, np.int32))

    next(pack(windows(), 4))
    assert len(taken) < 200


def test_a_few_windows_are_spread_over_the_streams():
    windows = [Window(i, np.zeros(10, np.int32), np.zeros(10, np.int32)) for i in range(8)]
    assert [len(batch) for batch in pack(windows, 5, n_streams=2)] == [4, 4]
    assert [len(batch) for batch in pack(windows, 5)] == [8]
