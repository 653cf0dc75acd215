import numpy as np

from cxnlp.encoder import Document, States, encode
from tests.fakes import HashingEncoder


class Fixed:
    """Gives one prepared list of states, window by window."""

    dim = 2

    def __init__(self, *windows):
        self.windows = windows

    def states(self, texts):
        yield from self.windows


def _window(starts, states, text=0):
    return States(text, np.array(starts, np.int32), np.array(states, np.float32))


def test_a_clause_is_the_mean_of_its_tokens():
    encoder = Fixed(_window([0, 2, 4, 6], [[1, 0], [1, 0], [0, 3], [0, 1]]))
    (found,) = encode(encoder, [Document("aabbccdd", ((0, 4), (4, 8)))])
    np.testing.assert_allclose(found.clauses, [[1, 0], [0, 1]])
    np.testing.assert_allclose(found.document, np.array([2, 4]) / np.sqrt(20), rtol=1e-6)


def test_only_voiced_spans_make_the_document_vector():
    encoder = Fixed(_window([0, 2], [[1, 0], [0, 1]]))
    (found,) = encode(encoder, [Document("aabb", ((2, 4),), voiced=((2, 4),))])
    np.testing.assert_allclose(found.document, [0, 1])


def test_windows_of_one_text_are_pooled_together_in_any_order():
    one, two = _window([0, 2], [[1, 0], [1, 0]]), _window([4, 6], [[0, 1], [0, 1]])
    clauses = ((0, 3), (3, 8))
    forth = encode(Fixed(one, two), [Document("aabbccdd", clauses)])[0]
    back = encode(Fixed(two, one), [Document("aabbccdd", clauses)])[0]
    np.testing.assert_allclose(forth.document, [np.sqrt(0.5)] * 2, rtol=1e-6)
    np.testing.assert_allclose(forth.clauses, back.clauses)


def test_a_clause_without_a_token_takes_the_vector_of_the_document():
    encoder = Fixed(_window([0], [[3, 4]]))
    (found,) = encode(encoder, [Document("ab", ((0, 1), (1, 2)))])
    np.testing.assert_allclose(found.clauses[1], found.document)


def test_no_documents_give_no_vectors():
    assert encode(HashingEncoder(), []) == []


def test_alike_texts_are_nearer_than_others():
    a, b, c = (e.document for e in encode(HashingEncoder(), [Document("快递太慢了"), Document("快递太慢"), Document("味道很好吃")]))
    assert a @ b > a @ c
