"""The three incidents that are hidden in the sample data, read by the shipped model."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cxnlp.insight import load_rules
from cxnlp.service.alerts import Alerts
from cxnlp.service.movements import Movements
from cxnlp.store import open_store
from cxnlp.taxonomy import load_taxonomy

ROOT = Path(__file__).resolve().parents[2]
# The evening on which the records of each first stand out (data/README.md says when they begin), and what has to be named.
INCIDENTS = (
    (
        (9, 10),
        {("attributes.region", "西南"), ("touchpoint", "delivery"), ("cause", "slow"), ("pair", "delivery/slow")},
        ("attributes.region", "西南"),
    ),
    ((10, 13), {("touchpoint", "payment"), ("attributes.product", "Lumo Pay")}, ("attributes.app_version", "8.2.0")),
    ((11, 2), {("touchpoint", "pricing"), ("cause", "overpriced"), ("pair", "pricing/overpriced")}, ("attributes.product", "Lumo Plus")),
)


@pytest.mark.slow
def test_the_three_incidents_of_the_sample_data_are_told_at_once_each_once_and_nothing_else(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CXNLP_")} | {"CXNLP_HOME": str(tmp_path)}
    subprocess.run(
        [Path(sys.executable).with_name("cxnlp"), "ingest", "data"], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=900
    )
    store = open_store(f"sqlite:///{tmp_path}/cxnlp.db")
    at = datetime(2026, 9, 1, 23, 59, tzinfo=UTC)
    movements = Movements(store, ZoneInfo("UTC"), replace(load_rules(), thresholds=()))
    alerts = Alerts(movements, load_taxonomy(), now=lambda: at)
    alerts.check()
    assert alerts.page().alerts == []
    known = set()
    for (month, day), some, needed in INCIDENTS:
        at = datetime(2026, month, day, 23, 59, tzinfo=UTC)
        alerts.check()
        (alert,) = [found for found in alerts.page().alerts if found.id not in known]
        known.add(alert.id)
        line = alerts.line(alert)
        named = {(series["dimension"], series["value"]) for series in (line["series"], *line["explained_by"], *line["along"])}
        assert needed in named and named & some, line
        assert (line["state"], line["worse"], len(line["quotes"])) == ("open", True, 3)
    at = datetime(2026, 11, 15, 23, 59, tzinfo=UTC)
    alerts.check()
    assert {alert.id for alert in alerts.page().alerts} == known
    told = [event.data["id"] for event in store.events.read(0, 100_000) if event.type == "alert.opened"]
    assert sorted(told) == sorted(known)
    store.close()
