from types import MappingProxyType

import pytest

from cxnlp.errors import InvalidQuery
from cxnlp.filters import Filter, Range
from cxnlp.store.paging import decode_cursor, encode_cursor, scope_of


def test_cursor_comes_back_exactly():
    scope = scope_of(Filter(), True)
    assert decode_cursor(encode_cursor(1795176000.123456, 7, scope), scope) == (1795176000.123456, 7)


def test_every_damage_is_refused():
    scope = scope_of(Filter(), True)
    cursor = encode_cursor(1795176000.123456, 7, scope)
    damaged = [cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1 :] for i in range(len(cursor))]
    for text in [*damaged, "", "x", "é", "!!", cursor[:-4], cursor * 2]:
        with pytest.raises(InvalidQuery, match="start again without a cursor"):
            decode_cursor(text, scope)


def test_scope_tells_filters_apart_and_not_their_spelling():
    asked = Filter(channel=("chat",), sentiment=Range(lte=-0.3), attributes=MappingProxyType({"a": ("1",), "b": ("2",)}))
    same = Filter(channel=("chat",), sentiment=Range(lte=-0.3), attributes={"b": ("2",), "a": ("1",)})
    assert scope_of(asked, True) == scope_of(same, True)
    others = [scope_of(asked, False), scope_of(Filter(channel=("chat",)), True), scope_of(Filter(sentiment=Range(lt=-0.3)), True)]
    assert len({scope_of(asked, True), *others}) == 4
