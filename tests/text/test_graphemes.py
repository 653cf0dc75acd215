"""Borders of graphemes and placeholders."""

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from cxnlp.text.graphemes import has_joiners, widen

FAMILY = "👩‍👩‍👧"


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        ("好吃，再来", (1, 2), (1, 2)),
        (f"a{FAMILY}b", (0, 2), (0, 6)),
        (f"a{FAMILY}b", (3, 7), (1, 7)),
        ("🇨🇳🇫🇷", (1, 3), (0, 4)),
        ("🇨🇳🇫🇷", (2, 4), (2, 4)),
        ("cafe\u0301 ok", (0, 4), (0, 5)),
        ("a\r\nb", (0, 2), (0, 3)),
        ("打[PHONE]吧", (3, 5), (1, 8)),
        ("打[PHONE]吧", (1, 8), (1, 8)),
        ("打[PHONE]吧", (0, 1), (0, 1)),
        ("[PHONE][ID_CARD]", (2, 9), (0, 16)),
        ("见[注1]说明", (2, 3), (2, 3)),
    ],
)
def test_widen_moves_a_span_outside_what_it_cuts(text, span, expected):
    assert widen(text, *span) == expected


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([FAMILY, "🇨🇳", "👍🏽", "e\u0301", "a", "好", "\r\n", "각", "[PHONE]", "1️⃣", "न्"]), min_size=1, max_size=12).map("".join),
    st.data(),
)
def test_widened_spans_lie_on_grapheme_borders(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = widen(text, start, end)
    borders = {cluster.start() for cluster in regex.finditer(r"\X", text)} | {len(text)}
    assert first <= start < end <= last
    assert {first, last} <= borders


@pytest.mark.parametrize(("text", "expected"), [("ok", False), ("好😀", False), ("a\r\n", True), (FAMILY, True), ("🇨🇳", True), ("e\u0301", True)])
def test_has_joiners(text, expected):
    assert has_joiners(text) is expected
