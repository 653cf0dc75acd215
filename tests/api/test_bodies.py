import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.bodies import LINES_AT_ONCE, batches_of_lines, items_of, read_object
from cxnlp.errors import InvalidFeedback
from cxnlp.ingest.lines import MOST_LINE_BYTES


def split(*chunks, pause_after=()):
    async def stream():
        for i, chunk in enumerate(chunks):
            yield chunk
            if i in pause_after:
                await asyncio.sleep(0.5)

    async def collect():
        return [batch async for batch in batches_of_lines(stream())]

    with ThreadPoolExecutor(1) as thread:  # in this one a browser's loop may run, which other tests of this folder began
        return thread.submit(lambda: asyncio.run(collect())).result()


def flat(batches):
    return [line for batch in batches for line in batch]


def test_lines_are_numbered_wherever_the_chunks_break():
    whole = b'{"a":1}\n{"b":2}\r\n\n   \n{"c":3}'
    expected = [(1, b'{"a":1}'), (2, b'{"b":2}\r'), (5, b'{"c":3}')]
    assert flat(split(whole)) == expected
    assert flat(split(*(bytes([byte]) for byte in whole))) == expected


def test_a_byte_order_mark_is_passed_over():
    assert flat(split(b"\xef\xbb\xbf{}\n{}")) == [(1, b"{}"), (2, b"{}")]


def test_a_line_that_is_too_long_is_marked_and_the_next_one_kept():
    part = b"x" * (1 << 20)
    batches = split(b"{}\n", *([part] * ((MOST_LINE_BYTES >> 20) + 1)), b"x\n{}\n")
    assert flat(batches) == [(1, b"{}"), (2, None), (3, b"{}")]


def test_batches_hold_up_to_500_lines():
    sizes = [len(batch) for batch in split(b"{}\n" * 1_201)]
    assert sizes == [LINES_AT_ONCE, LINES_AT_ONCE, 201]


def test_a_sender_who_pauses_gets_answers_meanwhile():
    assert [len(batch) for batch in split(b"{}\n{}\n", b"{}\n", pause_after={0})] == [2, 1]


def test_nothing_sent_yields_nothing():
    assert split() == []
    assert split(b"\n \n") == []


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[1]", b'"x"', b"[" * 100_000, b"null"])
def test_what_is_no_object_is_refused_with_a_remedy(raw):
    with pytest.raises(InvalidFeedback) as raised:
        read_object(raw)
    assert raised.value.remedy
    assert raised.value.value == ""


def test_not_a_number_is_left_to_the_validator():
    assert read_object(b'{"rating": NaN}')["rating"] != 0


def test_one_record_may_have_a_field_called_items():
    assert items_of({"text": "x", "items": [1]}) is None
    assert items_of({"items": []}) == []
    with pytest.raises(InvalidFeedback):
        items_of({"items": 5})
