"""Topics: which become more, which stand under which, which are alike, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cxnlp.charts.data import Join, Mark, Node, Shift
from cxnlp.charts.look import Look, apart, compose, fade, short, write_value

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_ROW_PIXELS: Final = 25
_MOST_CHARACTERS: Final = 30
_LINE_CHARACTERS: Final = 60
_SMALLEST, _LARGEST = 10.0, 44.0


def draw_shifts(shifts: Sequence[Shift], look: Look, title: str, dimension: str = "") -> Figure:
    """Return the shares of topics before and now, those that chance does not explain in colour.

    Args:
        shifts: In the order to show.
        look: Language and theme.
        title: Of the figure.
        dimension: What the parts are, for people.
    """
    from plotly.graph_objects import Scatter

    names = apart([shift.name for shift in shifts])
    kinds = {"grown": look.colour(1), "shrunk": look.colour(0), "steady": look.ground["soft"]}
    traces: list[Any] = []
    for kind, colour in kinds.items():
        rows = [row for row, shift in enumerate(shifts) if _kind(shift) == kind]
        if not rows:
            continue
        x = [value for row in rows for value in (shifts[row].before, shifts[row].after, None)]
        y = [name for row in rows for name in (names[row], names[row], None)]
        traces.append(Scatter(x=x, y=y, mode="lines", line={"color": colour, "width": 3}, hoverinfo="skip", showlegend=False))
        hover = [_told(shifts[row], look) for row in rows]
        keys = [dict(shifts[row].key) for row in rows]
        for shown, symbol, values in (
            ("before", "circle-open", [shifts[r].before for r in rows]),
            ("after", "circle", [shifts[r].after for r in rows]),
        ):
            marker = {"color": colour, "size": 11, "symbol": symbol, "line": {"width": 2, "color": colour}}
            name = look.say(kind) if shown == "after" else look.say("before")
            common = {"hovertext": hover, "hoverinfo": "text", "customdata": keys, "showlegend": shown == "after"}
            traces.append(Scatter(x=values, y=[names[row] for row in rows], mode="markers", marker=marker, name=name, **common))
    return compose(
        traces,
        look,
        title,
        _shift_table(shifts, look, dimension),
        empty="no_topics",
        xaxis={"tickformat": ".0%", "rangemode": "tozero", "title": {"text": look.name("share")}},
        yaxis={"type": "category", "categoryorder": "array", "categoryarray": names, "autorange": "reversed"},
        height=150 + _ROW_PIXELS * max(4, len(shifts)),
    )


def draw_nodes(nodes: Sequence[Node], look: Look, title: str) -> Figure:
    """Return a hierarchy as nested areas, as large as what belongs to each node.

    Args:
        nodes: Each with a parent that is among them, or none.
        look: Language and theme.
        title: Of the figure.
    """
    from plotly.graph_objects import Treemap

    known = {node.id: node for node in nodes}
    above = {node.id: known.get(node.parent or "") for node in nodes}
    tops = {node.id: _top(node, known) for node in nodes}
    order = {top: at for at, top in enumerate(dict.fromkeys(tops.values()))}
    ground = look.ground
    colours = [fade(look.colour(order[tops[node.id]]), 0.35) for node in nodes]
    trace = Treemap(
        ids=[node.id for node in nodes],
        labels=[short(node.name, _LINE_CHARACTERS) for node in nodes],
        parents=[parent.id if (parent := above[node.id]) else "" for node in nodes],
        values=[node.n for node in nodes],
        branchvalues="remainder",
        customdata=[dict(node.key) for node in nodes],
        hoverinfo="label+value",
        texttemplate="%{label}<br>%{value}",
        marker={"colors": colours, "line": {"color": ground["paper"], "width": 2}, "pad": {"t": 24}},
        textfont={"color": ground["ink"]},
        pathbar={"visible": False},
        root={"color": ground["paper"]},
        tiling={"pad": 2},
    )
    rows = [[node.name, f"{node.n:,}", parent.name if (parent := above[node.id]) else "–"] for node in nodes]
    table = {"columns": [look.say("topic"), look.say("n"), look.say("parent")], "rows": rows, "keys": [dict(node.key) for node in nodes]}
    return compose([trace] if nodes else [], look, title, table, "no_topics", height=460, margin={"t": 48, "r": 8, "b": 8, "l": 8})


def draw_joins(leaves: Sequence[Node], joins: Sequence[Join], look: Look, title: str) -> Figure:
    """Return a dendrogram: which topics are most alike, joined step by step.

    Args:
        leaves: The n topics.
        joins: n - 1 steps at most, the most alike first.
        look: Language and theme.
        title: Of the figure.
    """
    from plotly.graph_objects import Scatter

    order = _order(len(leaves), joins)
    heights = {leaf: float(place) for place, leaf in enumerate(order)}
    reached = dict.fromkeys(range(len(leaves)), 1.0)
    x: list[float | None] = []
    y: list[float | None] = []
    for step, join in enumerate(joins, start=len(leaves)):
        one, other = heights[join.left], heights[join.right]
        x += [reached[join.left], join.likeness, join.likeness, reached[join.right], None]
        y += [one, one, other, other, None]
        heights[step], reached[step] = (one + other) / 2, join.likeness
    names = [short(leaves[leaf].name, _MOST_CHARACTERS) for leaf in order]
    lines = Scatter(x=x, y=y, mode="lines", line={"color": look.colour(0), "width": 1.5}, hoverinfo="skip")
    hover = [f"<b>{name}</b><br>{look.say('n')}: {leaves[leaf].n:,}" for name, leaf in zip(names, order, strict=True)]
    keys = [dict(leaves[leaf].key) for leaf in order]
    common = {"hovertext": hover, "hoverinfo": "text", "customdata": keys}
    ends = Scatter(x=[1.0] * len(order), y=list(range(len(order))), mode="markers", marker={"color": look.colour(0), "size": 8}, **common)
    table = {"columns": [look.say("topic"), look.say("n")], "rows": [[leaves[i].name, f"{leaves[i].n:,}"] for i in order], "keys": keys}
    return compose(
        [lines, ends] if leaves else [],
        look,
        title,
        table,
        empty="no_topics",
        xaxis={"title": {"text": look.say("likeness")}, "zeroline": False},
        yaxis={"side": "right", "tickmode": "array", "tickvals": list(range(len(order))), "ticktext": names, "showgrid": False, "zeroline": False},
        height=130 + _ROW_PIXELS * max(4, len(order)),
        showlegend=False,
    )


def draw_map(marks: Sequence[Mark], look: Look, title: str) -> Figure:
    """Return a map: records as points, topics as circles over them; what lies near is alike.

    Args:
        marks: Topics, whose `n` is more than 0, and single records.
        look: Language and theme.
        title: Of the figure.
    """
    topics = [mark for mark in marks if mark.n > 0]
    colours = {topic.name: look.colour(at) for at, topic in enumerate(topics)}
    records = [mark for mark in marks if mark.n == 0]
    axis = {"visible": False, "showgrid": False, "zeroline": False}
    traces: list[Any] = []
    if records:
        marker = {"size": 5, "opacity": 0.55, "color": [colours.get(record.name, look.ground["soft"]) for record in records]}
        traces.append(_scatter(records, look, marker))
    if topics:
        most = max(topic.n for topic in topics)
        sizes = [max(_SMALLEST, _LARGEST * (topic.n / most) ** 0.5) for topic in topics]
        edge = {"color": look.ground["ink"], "width": 1}
        shown = {"size": sizes, "opacity": 0.85, "color": [colours[topic.name] for topic in topics], "line": edge}
        texts = [short(topic.name or "", 22) for topic in topics]
        traces.append(_scatter(topics, look, shown, mode="markers+text", text=texts, textposition="top center", textfont={"size": 11}))
    return compose(
        traces,
        look,
        title,
        _map_table(topics, look),
        empty="no_topics",
        xaxis=axis,
        yaxis=axis | {"scaleanchor": "x"},
        height=560,
        showlegend=False,
        hovermode="closest",
        margin={"t": 48, "r": 8, "b": 8, "l": 8},
    )


def _kind(shift: Shift) -> str:
    if not shift.beyond_chance:
        return "steady"
    return "grown" if shift.after > shift.before else "shrunk"


def _told(shift: Shift, look: Look) -> str:
    before, after = write_value("share", shift.before), write_value("share", shift.after)
    lines = [f"<b>{short(shift.name, 80)}</b>", f"{before} → {after}", f"{shift.n_before:,} → {shift.n:,}", look.say(_kind(shift))]
    return "<br>".join(lines)


def _shift_table(shifts: Sequence[Shift], look: Look, dimension: str) -> Mapping[str, Any]:
    columns = [dimension, look.say("before"), look.say("after"), look.say("n"), look.say("change")]
    rows = [
        [shift.name, write_value("share", shift.before), write_value("share", shift.after), f"{shift.n:,}", look.say(_kind(shift))]
        for shift in shifts
    ]
    return {"columns": columns, "rows": rows, "keys": [dict(shift.key) for shift in shifts]}


def _top(node: Node, known: Mapping[str, Node]) -> str:
    while parent := known.get(node.parent or ""):
        node = parent
    return node.id


def _order(n: int, joins: Sequence[Join]) -> list[int]:
    """Return the leaves from bottom to top so that no two lines of the dendrogram cross."""
    groups = {leaf: [leaf] for leaf in range(n)}
    for step, join in enumerate(joins, start=n):
        groups[step] = groups.pop(join.left) + groups.pop(join.right)
    return [leaf for group in groups.values() for leaf in group]


def _scatter(marks: Sequence[Mark], look: Look, marker: Mapping[str, Any], **more: Any) -> Any:
    from plotly.graph_objects import Scatter

    hover = []
    for mark in marks:
        lines = [f"<b>{short(mark.name or look.say('without'), 80)}</b>" + (f"  {mark.n:,}" if mark.n else "")]
        hover.append("<br>".join([*lines, *_wrapped(short(mark.text))]))
    keys = [dict(mark.key) for mark in marks]
    common = {"x": [mark.x for mark in marks], "y": [mark.y for mark in marks], "hovertext": hover, "hoverinfo": "text", "customdata": keys}
    return Scatter(**({"mode": "markers"} | common | {"marker": marker} | more))


def _wrapped(text: str) -> list[str]:
    """Return a text in lines, Chinese anywhere, English between words; entities are not cut."""
    if not text:
        return []
    cuts = [0]
    while len(text) - cuts[-1] > _LINE_CHARACTERS:
        start, end = cuts[-1], cuts[-1] + _LINE_CHARACTERS
        space = text.rfind(" ", start + 1, end)
        entity = text.rfind("&", start + 1, end)
        if space > start:
            end = space + 1
        elif entity > end - 5:
            end = entity
        cuts.append(end)
    return [text[a:b].strip() for a, b in pairwise([*cuts, len(text)])]


def _map_table(topics: Sequence[Mark], look: Look) -> Mapping[str, Any]:
    columns = [look.say("topic"), look.say("n"), look.say("text")]
    rows = [[topic.name or "", f"{topic.n:,}", short(topic.text, 120)] for topic in topics]
    return {"columns": columns, "rows": rows, "keys": [dict(topic.key) for topic in topics]}
