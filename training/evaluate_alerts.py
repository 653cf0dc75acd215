"""How soon alerts find what moves, and how often they cry wolf: simulated series, and the three incidents of the sample data.

    .venv/bin/python training/evaluate_alerts.py simulate [--days 120] [--seeds 8]
    .venv/bin/python training/evaluate_alerts.py sample HOME      # a data folder into which `cxnlp ingest data` was run
    .venv/bin/python training/evaluate_alerts.py speed

`simulate` draws companies of over 100 series each: records by a negative binomial with a weekly pattern, each with a touchpoint, a cause if
negative, a channel, a product and a region, so that series overlap as real ones do. False alarms are alerts in companies where nothing happens;
delays are those of one kind of incident a company, from its first day. Everything is seeded.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from cxnlp.insight import Baseline, Finding, Key, Member, Panel, detect, group, load_rules, make_member, make_panel
from cxnlp.insight.detection import compare, discover
from cxnlp.insight.rules import SENSITIVITIES

FIRST_DAY = 739_800
WARM_DAYS = 84
WEEKLY = np.array([1.25, 1.15, 1.1, 1.05, 1.0, 0.75, 0.7])
N_TOUCHPOINTS, N_CAUSES, N_CHANNELS, N_PRODUCTS, N_REGIONS = 12, 8, 5, 20, 8
NEGATIVE = 0.35


@dataclass(frozen=True)
class Config:
    """What is simulated.

    Attributes:
        a_day: Records a day.
        n_days: Days that are looked at, after 84 of history.
        noise: Variance by mean of the records of a day.
    """

    a_day: float
    n_days: int
    noise: float = 1.5


@dataclass(frozen=True)
class Incident:
    """What happens, from the 30th day that is looked at on.

    Attributes:
        name: Of the kind.
        extra: Records a day of one touchpoint, cause and region, by all records a day.
        drift: Whether these come gradually, over four weeks.
        shift: What the share negative of one channel rises by.
        growth: What the records of one channel come to be more, -1 or above, by what they were; gradually, over eight weeks.
        days: How long.
    """

    name: str
    extra: float = 0.0
    drift: bool = False
    shift: float = 0.0
    growth: float = 0.0
    days: int = 14


INCIDENTS = (
    Incident("spike: a fifth more records, of one problem", extra=0.2),
    Incident("small spike: a twentieth more", extra=0.05),
    Incident("share shift: +20 points negative in one channel", shift=0.2, days=28),
    Incident("slow drift to a tenth more in 4 weeks", extra=0.1, drift=True, days=42),
    Incident("slow rise of one channel by 60 % in 8 weeks", growth=0.6, days=84),
    Incident("slow fall of one channel by 50 % in 8 weeks", growth=-0.5, days=84),
)
ONSET = 30
GROWTH_DAYS = 56


def draw_day(draw: np.random.Generator, config: Config, day: int, incident: Incident | None) -> np.ndarray:
    """Return the records of a day: (n, 7) of touchpoint, cause or -1, channel, product, region, and sentiment in percent, whether of the incident."""
    mean = config.a_day * WEEKLY[(FIRST_DAY + day - 1) % 7]
    n = draw.poisson(draw.gamma(mean / (config.noise - 1), config.noise - 1))
    popular = {size: (p := 1 / np.arange(1, size + 1)) / p.sum() for size in (N_TOUCHPOINTS, N_CAUSES, N_CHANNELS, N_PRODUCTS, N_REGIONS)}
    sizes = (N_TOUCHPOINTS, N_CAUSES, N_CHANNELS, N_PRODUCTS, N_REGIONS)
    rows = np.zeros((n, 7))
    for column, size in enumerate(sizes):
        rows[:, column] = draw.choice(size, n, p=popular[size])
    since = day - WARM_DAYS - ONSET
    on = incident is not None and 0 <= since < incident.days
    negative = NEGATIVE + np.where(rows[:, 2] == 1, incident.shift if incident and on else 0.0, 0.0)
    is_negative = draw.random(n) < negative
    rows[:, 1] = np.where(is_negative, rows[:, 1], -1)
    rows[:, 5] = np.where(is_negative, draw.normal(-60, 20, n), draw.normal(40, 30, n)).clip(-100, 100)
    if incident and on and incident.extra:
        more = draw.poisson(config.a_day * incident.extra * (min(1.0, (since + 1) / 28) if incident.drift else 1.0))
        added = np.zeros((more, 7))
        added[:, 0], added[:, 1], added[:, 4], added[:, 6] = 5, 5, 3, 1
        added[:, 2], added[:, 3] = draw.choice(N_CHANNELS, more, p=popular[N_CHANNELS]), draw.choice(N_PRODUCTS, more, p=popular[N_PRODUCTS])
        added[:, 5] = draw.normal(-60, 20, more).clip(-100, 100)
        rows = np.vstack([rows, added])
    if incident and on and incident.growth:
        rows = grow(draw, rows, incident.growth * min(1.0, (since + 1) / GROWTH_DAYS))
    return rows


def grow(draw: np.random.Generator, rows: np.ndarray, by: float) -> np.ndarray:
    """Return rows with the records of one channel made more by a part of them, or fewer, at random; what is more is as what is there."""
    own = np.flatnonzero(rows[:, 2] == 1)
    if by < 0:
        return np.delete(rows, own[draw.random(len(own)) < -by], axis=0)
    return np.vstack([rows, rows[own[draw.random(len(own)) < by]]])


NAMES = ("touchpoint", "cause", "channel", "attributes.product", "attributes.region")


def keys_of(row: Sequence[float]) -> Iterator[Key]:
    """Yield the series that a record belongs to."""
    yield Key("all", "")
    for name, value in zip(NAMES, row, strict=False):
        if value >= 0:
            yield Key(name, str(int(value)))
    if row[1] >= 0:
        yield Key("pair", f"{int(row[0])}/{int(row[1])}")


def counts_of(row: Sequence[float]) -> list[float]:
    """Return what a record adds to its series."""
    feeling = row[5] / 100
    return [1.0, float(feeling <= -0.25), float(row[1] >= 0), feeling, feeling * feeling, 0, 0, 0, 0, 0]


def simulate_company(config: Config, incident: Incident | None, seed: int) -> tuple[Panel, list[np.ndarray]]:
    """Return the panel and the records of each day of a company."""
    draw = np.random.default_rng(seed)
    days = [draw_day(draw, config, day, incident) for day in range(WARM_DAYS + config.n_days)]
    sums: dict[tuple[Key, int], np.ndarray] = {}
    for day, rows in enumerate(days):
        counts = np.array([counts_of(row) for row in rows]).reshape(len(rows), 10)
        sums[Key("all", ""), day] = counts.sum(axis=0)
        named = [(name, rows[:, at]) for at, name in enumerate(NAMES)]
        for name, values in (*named, ("pair", np.where(rows[:, 1] >= 0, rows[:, 0] * 100 + rows[:, 1], -1))):
            for value in np.unique(values[values >= 0]).astype(int).tolist():
                told = f"{value // 100}/{value % 100}" if name == "pair" else str(value)
                sums[Key(name, told), day] = counts[values == value].sum(axis=0)
    return make_panel([(*key, FIRST_DAY + day, counts) for (key, day), counts in sums.items()], FIRST_DAY, len(days)), days


def members_of(findings: Sequence[Finding], days: Sequence[np.ndarray]) -> dict[Key, Member]:
    """Return the records of the series of findings in the longest of their windows."""
    first, last = min(finding.days.start for finding in findings), findings[0].day
    held: dict[Key, tuple[list[int], list[int], list[list[float]]]] = {finding.key: ([], [], []) for finding in findings}
    number = 0
    for day in range(first, last + 1):
        for row in days[day - FIRST_DAY]:
            number += 1
            for key in keys_of(row):
                if key in held:
                    for column, value in zip(held[key], (number, day, counts_of(row)), strict=True):
                        column.append(value)
    return {key: make_member(*columns) for key, columns in held.items()}


def watch(panel: Panel, days: Sequence[np.ndarray], first: int) -> dict[str, list[tuple[int, Key]]]:
    """Return (day, lead) of each alert by sensitivity, from a day on; a series that moves again within a week of its last finding is the same."""
    rules = replace(load_rules(), thresholds=())
    opened: dict[str, list[tuple[int, Key]]] = {name: [] for name in SENSITIVITIES}
    seen: dict[str, dict[Key, int]] = {name: {} for name in SENSITIVITIES}
    for day in range(FIRST_DAY + WARM_DAYS + first, panel.last_day + 1):
        compared, baseline = compare(panel, day, rules), Baseline(panel, day)
        for name in SENSITIVITIES:
            findings = discover(compared, replace(rules, sensitivity=name))
            fresh = [finding for finding in findings if day - seen[name].get(finding.key, -99) > 7]
            seen[name] |= {finding.key: day for finding in findings}
            if fresh:
                news = {finding.key for finding in fresh}
                known = [finding.key for finding in findings if finding.key not in news]
                _, incidents = group(fresh, members_of(findings, days), baseline, rules.minimum, known)
                opened[name] += [(day - FIRST_DAY - WARM_DAYS, incident.lead.key) for incident in incidents]
    return opened


def simulate(n_days: int, n_seeds: int) -> None:
    """Print delays and false alarms at each sensitivity and size."""
    for a_day in (10.0, 60.0, 300.0):
        config = Config(a_day, n_days)
        companies = [simulate_company(config, None, seed) for seed in range(n_seeds)]
        print(f"{a_day:.0f} records a day, {np.mean([len(panel.keys) for panel, _ in companies]):.0f} series", flush=True)
        false = [watch(panel, days, 0) for panel, days in companies]
        told = {name: {"false_a_month": round(30 * sum(len(found[name]) for found in false) / (n_days * n_seeds), 2)} for name in SENSITIVITIES}
        print(json.dumps(told), flush=True)
        for incident in INCIDENTS:
            short = replace(config, n_days=ONSET + incident.days)
            runs = [watch(*simulate_company(short, incident, 1_000 + seed), ONSET) for seed in range(n_seeds)]
            for name in SENSITIVITIES:
                found = [delay for run in runs if (delay := delay_of(run[name], incident)) is not None]
                print(f"{incident.name} | {name} | {np.median(found) if found else None} days | {len(found)}/{n_seeds}", flush=True)


def delay_of(opened: Sequence[tuple[int, Key]], incident: Incident) -> int | None:
    """Return how many days after the first an incident was told with a series of its own, 0 on the same evening; None if it was missed."""
    own = (
        {Key("channel", "1")}
        if incident.shift or incident.growth
        else {Key("touchpoint", "5"), Key("cause", "5"), Key("pair", "5/5"), Key("attributes.region", "3")}
    )
    return next((day - ONSET for day, lead in opened if lead in own or lead.dimension == "all"), None)


def sample(home: Path) -> None:
    """Replay the sample data day by day and print what is told on which day."""
    from cxnlp.bootstrap import Service
    from cxnlp.service import Alerts, Movements
    from cxnlp.settings import Settings

    service = Service(Settings(home=home))
    for name in ("low", "medium", "high"):
        at = [datetime(2026, 8, 17, 23, 59, tzinfo=UTC)]
        with service.store.database.write() as connection:
            connection.exec_driver_sql("DELETE FROM alerts")
        movements = Movements(service.store, service.zone, replace(service.movements.rules, sensitivity=name, thresholds=()))
        alerts = Alerts(movements, service.taxonomy, now=lambda at=at: at[0])  # type: ignore[misc]
        last, last_seq = datetime(2026, 11, 16, tzinfo=UTC), service.store.events.last_seq()
        while at[0] < last:
            alerts.check()
            for event in service.store.events.read(last_seq, 1_000):
                last_seq = event.seq
                if event.type == "alert.opened":
                    print(name, at[0].date(), event.data["summary"]["en"])
            at[0] += timedelta(days=1)


def speed() -> None:
    """Print the CPU seconds of 90 days of 300 series."""
    config = Config(300.0, 90)
    panel, _ = simulate_company(config, None, 1)
    begun = time.process_time()
    for day in range(FIRST_DAY + WARM_DAYS, panel.last_day + 1):
        detect(panel, day, load_rules())
    print(f"{len(panel.keys)} series x {config.n_days} days: {time.process_time() - begun:.1f} CPU seconds")


def main() -> None:
    """Run one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("simulate", "sample", "speed"))
    parser.add_argument("home", nargs="?", type=Path)
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seeds", type=int, default=8)
    asked = parser.parse_args()
    if asked.part == "simulate":
        simulate(asked.days, asked.seeds)
    elif asked.part == "speed":
        speed()
    else:
        sample(asked.home)


if __name__ == "__main__":
    main()
