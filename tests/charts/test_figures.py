"""Each figure shows the data that it was given, in both languages and on both grounds."""

import json
import re

import pytest

from cxnlp.charts import (
    LANGUAGES,
    MEASURES,
    THEMES,
    Bar,
    Curve,
    Grid,
    Join,
    Look,
    Mark,
    Node,
    Shift,
    draw_bars,
    draw_curves,
    draw_grid,
    draw_joins,
    draw_map,
    draw_nodes,
    draw_shifts,
    write_value,
)
from cxnlp.charts.look import fade
from cxnlp.errors import InvalidQuery

DAYS = ["2026-11-01", "2026-11-02", "2026-11-03"]
CURVE = Curve("All", DAYS, DAYS, [0.1, None, -0.3], [4, 0, 7], [0.0, None, -0.5], [0.2, None, -0.1], [(0.0, -0.2, 0.2)] * 3)
CHAT = Curve("chat", DAYS, DAYS, [0.5, 0.4, 0.3], [2, 2, 2], key={"channel": "chat"})
BARS = [Bar("物流与配送", 0.4, 30, 0.25, 0.57, 0.3, {"touchpoint": "delivery"}), Bar("Support <b>", 0.2, 12, 0.07, 0.45)]
GRID = Grid(
    ["t-1", "t-2"],
    ["delivery", "payment"],
    [[3, None], [1, 2]],
    [[3, 0], [1, 2]],
    [{"topic": "t-1"}, {"topic": "t-2"}],
    [{"touchpoint": "delivery"}, {}],
)
SHIFTS = [Shift("快递", 0.1, 0.2, 10, 22, True, {"topic": "t-1"}), Shift("退款", 0.2, 0.1, 20, 11, True), Shift("old", 0.3, 0.31, 30, 33, False)]
NODES = [Node("t-1", "A", 10), Node("t-2", "B", 5, "t-1"), Node("t-3", "C", 4, "gone")]
MARKS = [
    Mark(0, 0.1, "A", "waited & waited", 30, {"topic": "t-1"}),
    Mark(0.5, -0.4, "B", "", 10),
    Mark(0.1, 0.1, "A", "太慢了" * 60),
    Mark(0.3, 0.3, None, "else"),
]
FIGURES = {
    "curve": lambda look: draw_curves([CURVE], "sentiment", look),
    "curves": lambda look: draw_curves([CURVE, CHAT], "sentiment", look, "By channel"),
    "bars": lambda look: draw_bars(BARS, "negative_share", look, "By touchpoint", "Touchpoint"),
    "grid": lambda look: draw_grid(GRID, "volume", look, "Topic by touchpoint", ("Topic", "Touchpoint")),
    "shifts": lambda look: draw_shifts(SHIFTS, look, "Growth", "Topic"),
    "nodes": lambda look: draw_nodes(NODES, look, "Nesting"),
    "joins": lambda look: draw_joins(NODES, [Join(0, 2, 0.9), Join(1, 3, 0.4)], look, "Alike"),
    "map": lambda look: draw_map(MARKS, look, "Map"),
}


def drawn(name, language="en", theme="light"):
    return json.loads(FIGURES[name](Look(language, theme)).to_json())


def contrast(one, other):
    """Relative luminances as WCAG 2.2 compares them."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_json_with_a_table_of_what_it_shows(name, language, theme):
    figure = drawn(name, language, theme)
    meta = figure["layout"]["meta"]
    assert meta["title"] and meta["title"] == figure["layout"]["title"]["text"]
    assert meta["rows"] and all(len(row) == len(meta["columns"]) for row in meta["rows"])
    assert len(meta["keys"]) == len(meta["rows"])
    assert "bdata" not in json.dumps(figure["data"])
    assert figure["layout"]["paper_bgcolor"] == Look(language, theme).ground["paper"]
    assert "Noto Sans CJK SC" in figure["layout"]["font"]["family"]


def test_words_of_a_figure_are_in_the_language_asked_for():
    assert [trace["name"] for trace in drawn("curve")["data"]] == ["Expected (95 %)", "95 % interval", "All"]
    chinese = drawn("curve", "zh")
    assert [trace["name"] for trace in chinese["data"]] == ["预期范围（95%）", "95% 区间", "All"]
    assert chinese["layout"]["title"]["text"] == chinese["layout"]["yaxis"]["title"]["text"] == "平均情感"
    assert not re.search("[a-z]{4}", json.dumps([drawn("shifts", "zh")["layout"]["meta"]["columns"][1:]], ensure_ascii=False))
    assert set(MEASURES) >= {"volume", "negative_share", "complaint_share", "sentiment", "csat", "nps"}


def test_a_curve_has_its_values_gaps_bands_and_days():
    expected, interval, line = drawn("curve")["data"]
    assert line["x"] == DAYS and line["y"] == [0.1, None, -0.3] and line["connectgaps"] is False
    assert line["customdata"][2] == {"from": "2026-11-03", "to": "2026-11-03"}
    assert expected["x"][:6] == [*DAYS, *reversed(DAYS)] and expected["y"][:6] == [0.2] * 3 + [-0.2] * 3
    assert interval["x"] == [DAYS[0], DAYS[0], None, DAYS[2], DAYS[2], None], "the day without answers is left out"
    assert interval["y"] == [0.2, 0.0, None, -0.1, -0.5, None]
    assert "−0.30  (−0.50 … −0.10)" in line["hovertext"][2] and "Records: 7" in line["hovertext"][2]


def test_several_curves_differ_in_more_than_colour_and_keep_their_filters():
    one, other = drawn("curves")["data"]
    assert one["marker"]["symbol"] != other["marker"]["symbol"] and one["line"]["color"] != other["line"]["color"]
    assert other["customdata"][0] == {"channel": "chat", "from": DAYS[0], "to": DAYS[0]}
    assert drawn("curves")["layout"]["title"]["text"] == "By channel"


def test_the_volume_of_everything_is_bars_of_counts_from_zero():
    figure = json.loads(draw_curves([Curve("All", DAYS, DAYS, [4, 0, 7], [4, 0, 7])], "volume", Look()).to_json())
    assert figure["data"][0]["type"] == "bar" and figure["data"][0]["y"] == [4, 0, 7]
    assert figure["layout"]["yaxis"]["rangemode"] == "tozero"
    assert figure["layout"]["meta"]["columns"] == ["From", "Series", "Records"]


def test_bars_have_intervals_what_was_before_and_filters():
    bars, before = drawn("bars")["data"]
    assert bars["x"] == [0.4, 0.2] and bars["orientation"] == "h" and bars["customdata"][0] == {"touchpoint": "delivery"}
    assert bars["error_x"]["array"] == pytest.approx([0.17, 0.25]) and bars["error_x"]["arrayminus"] == pytest.approx([0.15, 0.13])
    assert before["x"] == [0.3, None]
    assert drawn("bars")["layout"]["meta"]["rows"][0] == ["物流与配送", "40.0%", "30.0%", "30"]


def test_markup_in_names_and_texts_is_shown_and_not_read():
    assert drawn("bars")["data"][0]["y"][1] == "Support &lt;b&gt;"
    assert drawn("bars")["layout"]["meta"]["rows"][1][0] == "Support <b>", "a table of text nodes needs no escape"
    topics = drawn("map")["data"][1]
    assert "waited &amp; waited" in topics["hovertext"][0]


def test_parts_of_the_same_name_stay_apart():
    figure = json.loads(draw_bars([Bar("x" * 50, 1, 1), Bar("x" * 51, 2, 2), Bar("x" * 52, 3, 3)], "volume", Look(), "t").to_json())
    assert len(set(figure["data"][0]["y"])) == 3


def test_a_heat_map_has_all_cells_and_says_which_records_each_is():
    trace = drawn("grid")["data"][0]
    assert trace["z"] == [[3, None], [1, 2]] and trace["x"] == ["delivery", "payment"] and trace["y"] == ["t-1", "t-2"]
    assert trace["customdata"][0] == [{"topic": "t-1", "touchpoint": "delivery"}, {"topic": "t-1"}]
    assert trace["text"] == [["3", ""], ["1", "2"]] and trace["zmin"] == 0
    feeling = json.loads(draw_grid(GRID, "sentiment", Look(), "t").to_json())["data"][0]
    assert feeling["zmid"] == 0 and len(feeling["colorscale"]) == 3


def test_growth_beyond_chance_is_told_from_chance():
    figure = drawn("shifts")
    told = {trace["name"]: trace["x"] for trace in figure["data"] if trace.get("showlegend") and trace["mode"] == "markers"}
    assert told == {"More than chance": [0.2], "Less than chance": [0.1], "Within chance": [0.31]}
    assert figure["layout"]["yaxis"]["categoryarray"] == ["快递", "退款", "old"]
    assert figure["layout"]["meta"]["rows"][0] == ["快递", "10.0%", "20.0%", "22", "More than chance"]


def test_a_hierarchy_stands_even_if_a_parent_is_not_shown():
    trace = drawn("nodes")["data"][0]
    assert trace["parents"] == ["", "t-1", ""] and trace["values"] == [10, 5, 4] and trace["branchvalues"] == "remainder"
    assert trace["marker"]["colors"][0] == trace["marker"]["colors"][1] != trace["marker"]["colors"][2]


def test_a_dendrogram_joins_the_most_alike_first_and_crosses_no_lines():
    lines, ends = drawn("joins")["data"]
    assert lines["x"] == [1.0, 0.9, 0.9, 1.0, None, 1.0, 0.4, 0.4, 0.9, None]
    names = drawn("joins")["layout"]["yaxis"]["ticktext"]
    assert names.index("A") - names.index("C") in (1, -1)
    assert lines["y"][:4] == [names.index("A")] * 2 + [names.index("C")] * 2 and len(ends["y"]) == 3


def test_a_map_has_topics_over_records_in_the_colour_of_their_topic():
    records, topics = drawn("map")["data"]
    assert (records["x"], records["y"]) == ([0.1, 0.3], [0.1, 0.3]) and topics["text"] == ["A", "B"]
    assert records["marker"]["color"] == [topics["marker"]["color"][0], Look().ground["soft"]]
    assert topics["marker"]["size"][0] > topics["marker"]["size"][1] and topics["customdata"][0] == {"topic": "t-1"}
    assert "太慢了" in records["hovertext"][0] and max(len(line) for line in records["hovertext"][0].split("<br>")) <= 60
    assert "without a topic" in records["hovertext"][1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_said_in_words(language):
    look = Look(language)
    of_figures = [draw_curves([], "volume", look), draw_bars([], "volume", look, "t"), draw_grid(Grid([], [], [], []), "volume", look, "t")]
    of_topics = [draw_shifts([], look, "t"), draw_nodes([], look, "t"), draw_joins([], [], look, "t"), draw_map([], look, "t")]
    for words, figures in (("empty", of_figures), ("no_topics", of_topics)):
        for figure in figures:
            assert not figure.data and figure.layout.annotations[0].text == look.say(words)
            assert list(figure.layout.meta["rows"]) == []


@pytest.mark.parametrize("theme", THEMES)
def test_colours_can_be_seen_on_their_ground(theme):
    look = Look(theme=theme)
    assert all(contrast(look.colour(at), look.ground["paper"]) >= 3 for at in range(8))
    assert all(contrast(look.ground[name], look.ground["paper"]) >= 4.5 for name in ("ink", "soft"))
    assert len({look.colour(at) for at in range(8)}) == 8
    assert fade("#0072b2", 0.5) == "rgba(0,114,178,0.5)"


def test_values_are_written_as_people_read_them():
    assert [write_value("volume", 1204.0), write_value("negative_share", 0.1234), write_value("sentiment", -0.2)] == ["1,204", "12.3%", "−0.20"]
    assert [write_value("nps", 12.4), write_value("volume", None), write_value("volume", 2.25)] == ["+12", "–", "2.2"]


@pytest.mark.parametrize("wrong", [{"language": "fr"}, {"theme": "sepia"}])
def test_an_unknown_look_says_which_there_are(wrong):
    with pytest.raises(InvalidQuery, match="write one of"):
        Look(**wrong)
