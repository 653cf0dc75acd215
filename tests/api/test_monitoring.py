"""What Prometheus reads and Grafana draws, against a real Prometheus."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from conftest import free_port, serve
from sqlalchemy import text

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana.json").read_text(encoding="utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
SLOW, GOOD = "快递太慢了，等了八天", "咖啡豆很香，会回购"


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A server with an angry and a happy record of now, a flag that is overdue, and a message that was given up."""
    with serve(tmp_path_factory.mktemp("watched"), webhook_allow_private="true") as server, server.client() as client:
        hook = client.post("/v1/webhooks", json={"url": "http://127.0.0.1:9/", "events": ["record.received"]}).raise_for_status().json()
        items = [{"source": "s", "external_id": said, "text": said, "channel": "chat"} for said in (SLOW, GOOD)]
        assert client.post("/v1/feedback", json={"items": items}).json()["accepted"] == 2
        server.enrich()
        store, delivery = server.service.store, server.service.delivery
        while delivery.flag():
            pass
        with store.database.write() as connection:
            connection.execute(text("UPDATE flags SET deadline = 1"))
        now = datetime.now(UTC)
        store.deliveries.enqueue("test", now, 100, 60)
        store.deliveries.bury(store.deliveries.due(hook["id"], now, 1, "test", 60)[0], "HTTP 500", 500)
        server.catch_up(client)
        server.hook = hook["id"]
        yield server


def values(told, name):
    """Return the samples of a metric by the values of their labels, in the order of the labels' names."""
    samples = re.findall(rf"^{name}{{(.*?)}} (\S+)$", told, re.M)
    return {tuple(re.findall(r'="(.*?)"', labels)): float(value) for labels, value in samples}


def test_metrics_tell_how_customers_feel_and_what_waits(watched):
    with watched.client() as client:
        told = client.get("/metrics").text
    assert values(told, "cxnlp_feedback") == {("chat", "negative"): 1, ("chat", "positive"): 1}
    assert values(told, "cxnlp_feedback_last_day") == {("chat",): 2}
    assert values(told, "cxnlp_sentiment_last_day") == {("chat",): pytest.approx(-0.15)}
    (open_flags,) = values(told, "cxnlp_flags_open").values()
    assert open_flags == 1
    assert values(told, "cxnlp_flags_overdue") == values(told, "cxnlp_flags_open")
    assert values(told, "cxnlp_messages") == {("dead", watched.hook): 1, ("pending", watched.hook): 1}
    assert values(told, "cxnlp_reader_lag")[("webhooks",)] == 0
    assert SLOW not in told


def test_panels_of_the_dashboard_are_apart_and_named_in_both_languages():
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(re.search(r"[a-z].* · .*[\u4e00-\u9fff]", panel["title"]) for panel in panels)
    places = [(x, y) for panel in panels for x in _span(panel, "x", "w") for y in _span(panel, "y", "h")]
    assert len(set(places)) == len(places) and max(x for x, _ in places) < 24


def _span(panel, start, size):
    return range(panel["gridPos"][start], panel["gridPos"][start] + panel["gridPos"][size])


def test_prometheus_scrapes_the_server_and_evaluates_every_panel(watched, tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    shipped = (ROOT / "deploy" / "prometheus.yml").read_text(encoding="utf-8")
    config = shipped.replace("127.0.0.1:8000", watched.url.removeprefix("http://")).replace("15s", "1s")
    (tmp_path / "prometheus.yml").write_text(config, encoding="utf-8")
    at = f"127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address={at}"]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process:
        try:
            with httpx.Client(base_url=f"http://{at}/api/v1/", timeout=30, trust_env=False) as prometheus:
                # Two scrapes, since a rate needs two.
                watched.wait_until(lambda: _first(prometheus, 'count_over_time(up{job="cxnlp"}[10m]) > 1 and up{job="cxnlp"} == 1'))
                known = prometheus.get("metadata").json()["data"]
                for expression in EXPRESSIONS:
                    answer = prometheus.get("query", params={"query": expression}).json()
                    assert answer["status"] == "success", (expression, answer)
                    names = {re.sub(r"_(bucket|total)$", "", name) for name in re.findall(r"(?:cxnlp|process)_[a-z_]+", expression)}
                    assert names <= {re.sub(r"_total$", "", name) for name in known}, expression
                    if "alerts" not in expression:
                        assert answer["data"]["result"], expression
                share = _first(prometheus, next(e for e in EXPRESSIONS if " / sum by (channel)" in e))
                assert (share["metric"], float(share["value"][1])) == ({"channel": "chat"}, 0.5)
        finally:
            process.terminate()


def _first(prometheus, expression):
    try:
        found = prometheus.get("query", params={"query": expression}).json()["data"]["result"]
    except (httpx.TransportError, ValueError, KeyError):  # it is not there yet
        return None
    return found[0] if found else None
