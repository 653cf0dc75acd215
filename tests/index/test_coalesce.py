import threading

import pytest

from cxnlp.index import Coalescer


class Doubler:
    """Doubles numbers; holds its first call until it is let go, and notes every batch."""

    def __init__(self):
        self.batches, self.started, self.let_go = [], threading.Event(), threading.Event()

    def __call__(self, questions):
        self.batches.append(list(questions))
        self.started.set()
        assert self.let_go.wait(10)
        if any(question < 0 for question in questions):
            raise ValueError("negative")
        return [2 * question for question in questions]


def ask_all(coalescer, doubler, questions):
    """Ask the first question, then the others while it is being answered; return the answers or errors."""
    answers = {}

    def ask(question):
        try:
            answers[question] = coalescer.ask(question)
        except ValueError as error:
            answers[question] = str(error)

    threads = [threading.Thread(target=ask, args=(question,)) for question in questions]
    threads[0].start()
    assert doubler.started.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(coalescer._waiting) < len(questions) - 1:
        threading.Event().wait(0.001)
    doubler.let_go.set()
    for thread in threads:
        thread.join(10)
    return answers


def test_one_alone_is_served_at_once():
    doubler = Doubler()
    doubler.let_go.set()
    coalescer = Coalescer(doubler)
    assert [coalescer.ask(3), coalescer.ask(4)] == [6, 8]
    assert doubler.batches == [[3], [4]]


def test_those_who_come_during_a_call_share_the_next():
    doubler = Doubler()
    assert ask_all(Coalescer(doubler), doubler, range(20)) == {i: 2 * i for i in range(20)}
    assert [len(batch) for batch in doubler.batches] == [1, 19]


def test_a_call_takes_no_more_than_the_most():
    doubler = Doubler()
    assert ask_all(Coalescer(doubler, most=4), doubler, range(10)) == {i: 2 * i for i in range(10)}
    assert [len(batch) for batch in doubler.batches][:3] == [1, 4, 4]
    assert sum(map(len, doubler.batches)) == 10


def test_the_mistake_of_one_is_not_handed_to_the_others():
    doubler = Doubler()
    assert ask_all(Coalescer(doubler), doubler, [1, 2, -3, 4]) == {1: 2, 2: 4, -3: "negative", 4: 8}


def test_a_failed_call_does_not_block_the_next():
    doubler = Doubler()
    doubler.let_go.set()
    coalescer = Coalescer(doubler)
    with pytest.raises(ValueError, match="negative"):
        coalescer.ask(-1)
    assert coalescer.ask(1) == 2


def test_many_threads_each_get_their_own_answer():
    coalescer = Coalescer(lambda questions: [3 * question for question in questions])
    wrong = []

    def ask(first):
        wrong.extend(i for i in range(first, first + 300) if coalescer.ask(i) != 3 * i)

    threads = [threading.Thread(target=ask, args=(1_000 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []
    assert not any(thread.is_alive() for thread in threads)
