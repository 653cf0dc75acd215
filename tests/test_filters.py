import pytest

from cxnlp.errors import InvalidQuery
from cxnlp.filters import CHOICES, NUMBERS, TIMES, Filter, Range, as_text, filter_line, parse_filter


def test_nothing_restricts_nothing():
    assert parse_filter(None) == parse_filter({}) == parse_filter({"channel": None}) == Filter()
    assert Filter().is_empty


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_takes_one_value_or_several(name):
    one, several = parse_filter({name: "a"}), parse_filter({name: ["a", 3, 4.5, True]})
    assert getattr(one, name) == ("a",)
    assert getattr(several, name) == ("a", "3", "4.5", "true")
    assert not one.is_empty


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_takes_bounds(name):
    assert getattr(parse_filter({name: {"gte": -1, "lt": 0.5}}), name) == Range(gte=-1.0, lt=0.5)


@pytest.mark.parametrize("name", TIMES)
def test_a_time_takes_bounds_and_is_utc_without_a_zone(name):
    assert getattr(parse_filter({name: {"gte": "2026-11-01", "lte": "2026-11-01T08:00:00+08:00"}}), name) == Range(gte=1793491200, lte=1793491200)


def test_attributes_compare_as_text():
    assert parse_filter({"attributes": {"region": "西南", "floor": [3, False]}}).attributes == {"region": ("西南",), "floor": ("3", "false")}
    assert [as_text(v) for v in (True, 3, 3.5, "x")] == ["true", "3", "3.5", "x"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"colour": "red"}, "known are source, channel"),
        ({"channel": []}, "one value or a list"),
        ({"channel": {"gte": 1}}, "one value or a list"),
        ({"channel": [None]}, "one value or a list"),
        ({"channel": [["chat"]]}, "one value or a list"),
        ({"channel": ["x"] * 1001}, "at most 1000"),
        ({"attributes": "region"}, "unknown field 'attributes'"),
        ({"attributes": {"region": {"gte": 1}}}, "attributes.region"),
        ({"sentiment": -0.3}, '{"lte": -0.3}'),
        ({"sentiment": {}}, '{"lte": -0.3}'),
        ({"sentiment": {"below": 0}}, "gte, gt, lte, lt"),
        ({"sentiment": {"lte": "low"}}, "sentiment.lte"),
        ({"sentiment": {"lte": True}}, "finite number"),
        ({"sentiment": {"lte": float("nan")}}, "finite number"),
        ({"sentiment": {"lte": float("inf")}}, "finite number"),
        ({"sentiment": {"lte": 10**400}}, "finite number"),
        ({"created_at": "2026-11-01"}, '{"gte": "2026-11-01T00:00:00Z"}'),
        ({"created_at": {"gte": "yesterday"}}, "created_at.gte"),
        ({"created_at": {"gte": 1793491200}}, "ISO 8601"),
    ],
)
def test_a_mistake_is_told_with_its_field_and_what_to_write(given, told):
    with pytest.raises(InvalidQuery) as caught:
        parse_filter(given)
    assert told in str(caught.value)


def test_a_filter_is_written_as_it_is_read():
    given = {
        "channel": ["ticket", "chat"], "touchpoint": ["delivery"], "sentiment": {"gt": -1.0, "lte": -0.3}, "rating": {"lt": 0.0},
        "created_at": {"gte": "2026-11-01T00:00:00+00:00", "lt": "2026-11-02T12:30:00.123456+00:00"}, "attributes": {"region": ["西南"]},
    }  # fmt: skip
    assert filter_line(parse_filter(given)) == given
    assert parse_filter(filter_line(parse_filter(given))) == parse_filter(given)
    assert filter_line(Filter()) == {}
    assert parse_filter(filter_line(parse_filter({"received_at": {"gt": "2026-11-01T08:00:00+08:00"}}))).received_at == Range(gt=1793491200)
