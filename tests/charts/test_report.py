import json
import re

from cxnlp.charts import Bar, Look, Report, draw_bars, write_report

TILES = [{"name": "Records", "shown": {"value": "15", "before": "5", "change": "+200%"}}]


def page(look, name="</script><script>alert(1)</script>"):
    figure = draw_bars([Bar(name, 3, 3), Bar("物流", 2, 2)], "volume", look, "What went <wrong>")
    return write_report(Report("Feedback & more", "a to b", TILES, [figure]), look)


def test_a_report_has_figures_numbers_and_tables_in_one_page():
    made = page(Look("zh"))
    figures = json.loads(re.search(r'<script id="figures" type="application/json">(.*?)</script>', made, re.DOTALL)[1])
    assert figures[0]["data"][0]["x"] == [3, 2] and figures[0]["layout"]["meta"]["rows"][1] == ["物流", "2"]
    assert '<html lang="zh-CN">' in made and "<td>物流</td>" in made and "以表格查看" in made
    assert "<b>15</b>" in made and "Feedback &amp; more" in made and "What went &lt;wrong&gt;" in made


def test_a_report_loads_nothing_and_runs_nothing_that_customers_wrote():
    made = page(Look())
    assert "plotly.js v" in made
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", made)
    assert "<script>alert" not in made and "&lt;script&gt;alert" in made
    assert len(re.findall(r"</script>", made.split('id="figures"')[1])) == 2, "the texts end no script element"
