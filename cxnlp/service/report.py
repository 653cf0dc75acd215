"""A report of a period: the figures of the dashboard in one page."""

from typing import Final

from cxnlp import charts
from cxnlp.charts import Look
from cxnlp.service.dashboard import Dashboard, DashboardQuestion

FIGURES: Final = ("sentiment", "volume", "touchpoints", "causes", "stages", "channels", "problems", "topics", "topics_over_time", "topics_map")
_TITLE: Final = ("Customer feedback", "客户反馈报告")
_LEAD: Final = ("{} to {}, compared with the period of the same length before", "{} 至 {}，与之前同样长的时段相比")


def make_report(dashboard: Dashboard, question: DashboardQuestion, look: Look, title: str | None = None) -> str:
    """Return the report of a period as an HTML page that needs no network.

    Raises:
        InvalidQuery: Something of the question is unknown.
    """
    at = charts.LANGUAGES.index(look.language)
    period = dashboard.period(question)
    lead = _LEAD[at].format(period.first.isoformat(), period.last.isoformat())
    tiles = [one.to_json(look) for one in dashboard.headline(question)]
    figures = [dashboard.draw(name, question, look) for name in FIGURES]
    return charts.write_report(charts.Report(title or _TITLE[at], lead, tiles, figures), look)
