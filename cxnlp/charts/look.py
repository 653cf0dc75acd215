"""How figures look: language, light or dark, colours, and how values are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cxnlp.errors import InvalidQuery, shorten

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

LANGUAGES: Final = ("en", "zh")
THEMES: Final = ("light", "dark")
SHARES: Final = ("negative_share", "complaint_share", "csat", "share")
SIGNED: Final = ("sentiment", "satisfaction")
MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "volume": ("Records", "反馈数"),
    "negative_share": ("Share negative", "负面占比"),
    "complaint_share": ("Share of complaints", "投诉占比"),
    "sentiment": ("Mean sentiment", "平均情感"),
    "satisfaction": ("Mean satisfaction", "平均满意度"),
    "csat": ("CSAT", "满意度（CSAT）"),
    "nps": ("NPS", "净推荐值（NPS）"),
    "share": ("Share of records", "反馈占比"),
}
"""Name of each measure in the order of `LANGUAGES`."""
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "after": ("Now", "本期"),
    "before": ("Before", "上期"),
    "change": ("Change", "变化"),
    "day": ("From", "起始日"),
    "empty": ("Nothing to show for these filters", "当前筛选条件下没有数据"),
    "expected": ("Expected (95 %)", "预期范围（95%）"),
    "grown": ("More than chance", "显著上升"),
    "interval": ("95 % interval", "95% 区间"),
    "likeness": ("Likeness of the topics joined", "合并主题的相似度"),
    "n": ("Records", "反馈数"),
    "no_topics": ("No topics for these filters; `cxnlp topics fit` finds topics", "当前筛选条件下没有主题；运行 cxnlp topics fit 可生成主题"),
    "parent": ("Under", "上级主题"),
    "series": ("Series", "系列"),
    "shrunk": ("Less than chance", "显著下降"),
    "steady": ("Within chance", "无显著变化"),
    "table": ("As a table", "以表格查看"),
    "text": ("Text", "原文"),
    "topic": ("Topic", "主题"),
    "without": ("without a topic", "未归入主题"),
}
# Okabe & Ito (2008), "Color universal design"; lighter ones of the same hues on dark ground.
_COLOURS: Final[Mapping[str, tuple[str, ...]]] = {
    "light": ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#b8860b", "#3a9ad9", "#555555", "#882255"),
    "dark": ("#56b4e9", "#f0883e", "#2fbf93", "#e59bc4", "#f0d442", "#8fb3ff", "#b0b0b0", "#d98cb3"),
}
_GROUND: Final[Mapping[str, Mapping[str, str]]] = {
    "light": {"paper": "#ffffff", "ink": "#1d2530", "soft": "#59636f", "line": "#dde2e8"},
    "dark": {"paper": "#1c2229", "ink": "#e4e8ed", "soft": "#9ba6b2", "line": "#313a44"},
}
_FONT: Final = 'system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif'
_DIVERGING: Final[Mapping[str, tuple[str, str, str]]] = {  # vermilion to blue, which every kind of colour blindness tells apart
    "light": ("#c1440e", "#f4f1ec", "#0a63a3"),
    "dark": ("#f0883e", "#2b323a", "#56b4e9"),
}
_RISING: Final[Mapping[str, tuple[str, str]]] = {"light": ("#f3f6f9", "#0b4f83"), "dark": ("#232b33", "#7cc4f5")}
_MOST_SHOWN: Final = 200
_MINUS: Final = "−"


@dataclass(frozen=True, slots=True)
class Look:
    """How a figure looks.

    Attributes:
        language: One of `LANGUAGES`.
        theme: One of `THEMES`.

    Raises:
        InvalidQuery: There is no such language or theme.
    """

    language: str = "en"
    theme: str = "light"

    def __post_init__(self) -> None:
        for name, value, known in (("language", self.language, LANGUAGES), ("theme", self.theme, THEMES)):
            if value not in known:
                raise InvalidQuery(f"{name} is {shorten(value)!r}; write one of {', '.join(known)}")

    def say(self, word: str) -> str:
        """Return one of the words that figures use."""
        return _WORDS[word][LANGUAGES.index(self.language)]

    def name(self, measure: str) -> str:
        """Return what people call a measure."""
        return MEASURES[measure][LANGUAGES.index(self.language)]

    def colour(self, number: int) -> str:
        """Return the colour of a series by its number; they repeat after eight."""
        colours = _COLOURS[self.theme]
        return colours[number % len(colours)]

    @property
    def ground(self) -> Mapping[str, str]:
        """The colours `paper`, `ink`, `soft` and `line`."""
        return _GROUND[self.theme]

    def scale(self, measure: str) -> list[list[Any]]:
        """Return the colour scale of a measure: diverging around zero for those with a sign, else from pale to strong."""
        colours = _DIVERGING[self.theme] if measure in (*SIGNED, "nps", "change") else _RISING[self.theme]
        return [[place / (len(colours) - 1), colour] for place, colour in enumerate(colours)]


def write_value(measure: str, value: float | None) -> str:
    """Return a value as people read it: `12.3%`, `+0.21`, `1,204`, and a dash for None."""
    if value is None:
        return "–"
    if measure in SHARES:
        return f"{value:.1%}"
    if measure in SIGNED:
        return f"{value:+.2f}".replace("-", _MINUS)
    if measure == "nps":
        return f"{value:+.0f}".replace("-", _MINUS)
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def write_change(measure: str, value: float | None, before: float | None, look: Look) -> str:
    """Return a change as people read it: of a volume in per cent of before, of a share in points, else in the measure's own unit."""
    if value is None or before is None or (measure == "volume" and not before):
        return "–"
    if measure == "volume":
        shown = f"{value / before - 1:+.0%}"
    elif measure in SHARES:
        shown = f"{100 * (value - before):+.1f} {('points', '个百分点')[LANGUAGES.index(look.language)]}"
    else:
        shown = f"{value - before:+.2f}" if measure in SIGNED else f"{value - before:+.0f}"
    return shown.replace("-", _MINUS)


def write_axis(measure: str) -> dict[str, Any]:
    """Return how the axis of a measure is numbered."""
    return {"tickformat": ".0%" if measure in SHARES else ",.0f" if measure == "volume" else "+.1f" if measure in SIGNED else ""}


def fade(colour: str, opacity: float) -> str:
    """Return `#rrggbb` as a colour that lets through what lies below; `opacity` in [0, 1]."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def short(text: str, most: int = _MOST_SHOWN) -> str:
    """Return a text in one line of at most `most` characters, with what Plotly would read as markup made harmless."""
    said = " ".join(text.split())
    said = said if len(said) <= most else said[: most - 1] + "…"
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def apart(names: Sequence[str], most: int = 34) -> list[str]:
    """Return names short enough for an axis, no two alike, since Plotly would draw those over one another."""
    found: dict[str, None] = {}
    for name in names:
        shown = short(name, most)
        while shown in found:
            shown += "\u200b"
        found[shown] = None
    return list(found)


def compose(traces: Sequence[Any], look: Look, title: str, table: Mapping[str, Any], empty: str = "empty", **layout: Any) -> Figure:
    """Return a figure of traces with the look of all figures; one without traces says that there is nothing.

    Args:
        traces: As Plotly's graph objects.
        look: Language and theme.
        title: Of the figure.
        table: `columns`, `rows` and `keys`, kept at `layout.meta`.
        empty: Name of the words that say that there is nothing.
        layout: More of the layout, laid over the common one.
    """
    from plotly.graph_objects import Figure  # takes 0.2 s, which only those pay who draw

    ground = look.ground
    axis = {"gridcolor": ground["line"], "linecolor": ground["line"], "zerolinecolor": ground["soft"], "automargin": True, "title": {"standoff": 8}}
    common: dict[str, Any] = {
        "template": "none",
        "height": 350,
        "title": {"text": title, "x": 0, "xanchor": "left", "xref": "container", "pad": {"l": 12}, "font": {"size": 17}},
        "font": {"family": _FONT, "size": 13, "color": ground["ink"]},
        "paper_bgcolor": ground["paper"],
        "plot_bgcolor": ground["paper"],
        "margin": {"t": 72, "r": 16, "b": 40, "l": 16},
        "hoverlabel": {"align": "left", "font": {"family": _FONT}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "xaxis": axis | layout.pop("xaxis", {}),
        "yaxis": axis | layout.pop("yaxis", {}),
        "meta": {"title": title, **table},
    }
    if not traces:
        note = {
            "text": look.say(empty),
            "showarrow": False,
            "xref": "paper",
            "yref": "paper",
            "x": 0.5,
            "y": 0.5,
            "font": {"color": ground["soft"]},
        }
        layout |= {"annotations": [note], "xaxis": {"visible": False}, "yaxis": {"visible": False}}
    return Figure(list(traces), layout=common | layout)
