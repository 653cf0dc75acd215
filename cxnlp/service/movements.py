"""Reading series from the store, and what explains a movement there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from cxnlp.insight import (
    AlertRules,
    Baseline,
    Finding,
    Incident,
    Key,
    Member,
    Panel,
    Part,
    decompose,
    group,
    leading_parts,
    make_member,
    make_panel,
)  # fmt: skip
from cxnlp.insight.series import ALL, ATTRIBUTE, COUNTS, DIMENSIONS
from cxnlp.insight.tails import Numbers
from cxnlp.records import Record
from cxnlp.store import Days, Store, Told

_LONGEST_WINDOW: Final = 28
_HISTORY_DAYS: Final = 84
_N_QUOTES: Final = 3
_LONGEST_QUOTE: Final = 200
_SENTIMENT: Final = COUNTS.index("sentiment")


@dataclass(frozen=True)
class Explained:
    """What explains a movement: its parts, and the ids of records to quote."""

    parts: tuple[Part, ...]
    record_ids: tuple[str, ...]


@dataclass(frozen=True)
class Movements:
    """The series of a store.

    Attributes:
        store: Whose records are counted.
        zone: In whose days.
        rules: Which series there are.
    """

    store: Store
    zone: ZoneInfo
    rules: AlertRules

    @property
    def dimensions(self) -> tuple[str, ...]:
        """All dimensions that are watched."""
        return (*DIMENSIONS, *(ATTRIBUTE + name for name in self.rules.attributes))

    def panel(self, first: int, last: int, dimensions: Iterable[str] | None = None) -> Panel:
        """Return the daily counts of all series from a day to another, by number."""
        days = Days(first, last, self.zone)
        rows = [
            (dimension, value, day, counts)
            for dimension in (self.dimensions if dimensions is None else dimensions)
            for value, day, counts in self.store.series.daily(dimension, days, self.rules.most_values)
        ]
        return make_panel(rows, first, last - first + 1)

    def attribute(self, findings: Sequence[Finding], leads: Sequence[Key], baseline: Baseline) -> tuple[dict[Finding, Key], list[Incident]]:
        """Tell which findings are part of movements that are known, and what is new.

        Args:
            findings: Of one day.
            leads: Series of movements that go on; a finding that is no news without their records belongs to them.
            baseline: Of the day.

        Returns:
            The lead of each finding that belongs to one, and the incidents that the others make.
        """
        if not findings:
            return {}, []
        day = baseline.day
        first = min(finding.days.start for finding in findings)
        records = self._records({finding.key for finding in findings} | set(leads), Days(first, day, self.zone))
        return group(findings, records, baseline, self.rules.minimum, leads)

    def explain(self, finding: Finding, baseline: Baseline) -> Explained:
        """Return what explains a movement, and up to three records that tell of it."""
        lead = finding.key
        now = Days(finding.days.start, finding.day, self.zone)
        before = Days(now.first - _HISTORY_DAYS, now.first - 1, self.zone)
        within = (lead.dimension, lead.value)
        totals = self._total(now, lead), self._total(before, lead)
        parts: list[Part] = []
        for dimension in self.dimensions:
            if dimension not in (ALL, lead.dimension):
                parts += decompose(finding, dimension, self._sums(dimension, now, within), self._sums(dimension, before, within), totals)
        n = max(float(totals[0][0]), finding.expected if finding.measure == "volume" else 0.0)
        telling = leading_parts(parts, lead, _shares(baseline), n)
        return Explained(tuple(telling), self._examples(lead, telling, now))

    def _records(self, keys: set[Key], days: Days) -> dict[Key, Member]:
        held: dict[Key, list[Told]] = {key: [] for key in keys}
        for dimension in sorted({key.dimension for key in keys}):
            for told in self.store.series.told(dimension, days):
                if (own := held.get(Key(dimension, told.value))) is not None:
                    own.append(told)
        return {key: make_member([t.seq for t in own], [t.day for t in own], [t.counts for t in own]) for key, own in held.items()}

    def _sums(self, dimension: str, days: Days, within: tuple[str, str]) -> dict[str, Numbers]:
        sums: dict[str, Numbers] = {}
        for value, _, counts in self.store.series.daily(dimension, days, self.rules.most_values, within, weighted=True):
            sums[value] = sums.get(value, np.zeros(len(COUNTS))) + np.asarray(counts)
        return sums

    def _total(self, days: Days, lead: Key) -> Numbers:
        rows = [counts for value, _, counts in self.store.series.daily(lead.dimension, days, self.rules.most_values) if value == lead.value]
        total: Numbers = np.sum(rows, axis=0) if rows else np.zeros(len(COUNTS))
        return total

    def _examples(self, lead: Key, parts: Sequence[Part], days: Days) -> tuple[str, ...]:
        """Return the ids of the records of the lead that have most of what explains it, the most negative first."""
        feelings = {told.seq: told.counts[_SENTIMENT] for told in self.store.series.told(lead.dimension, days) if told.value == lead.value}
        score = dict.fromkeys(feelings, 0.0)
        for part in parts:
            for told in self.store.series.told(part.key.dimension, days):
                if told.value == part.key.value and told.seq in score:
                    score[told.seq] += part.share
        best = sorted(score, key=lambda seq: (-round(score[seq], 6), feelings[seq], seq))
        return tuple(self.store.series.ids(best[:_N_QUOTES]))


def _shares(baseline: Baseline) -> dict[Key, float]:
    """Return the share of each series in all feedback, in the weeks before."""
    panel = baseline.panel
    counts = panel.of("n")[:, max(0, baseline.history.start - panel.first_day) : baseline.history.stop - panel.first_day].sum(axis=1)
    total = float(counts[panel.row_of[Key(ALL, "")]])
    return {key: float(n) / max(total, 1.0) for key, n in zip(panel.keys, counts, strict=True)}


def quotes_of(line: Mapping[str, Any], records: Mapping[str, Record]) -> list[dict[str, str]]:
    """Return what customers said, masked, as it stands in the store now.

    Of each record that an alert names these are the words about its series or what explains it, else the most negative ones, else how it begins.

    Args:
        line: The alert as JSON.
        records: By id; one that is gone is quoted no more.
    """
    wanted = [Key(series["dimension"], series["value"] or "") for series in (line["series"], *line.get("explained_by", ()))]
    return [{"record_id": i, "text": _quote(records[i], wanted)} for i in line["record_ids"] if i in records]


def _quote(record: Record, wanted: Sequence[Key]) -> str:
    seen = record.analysis.observations if record.analysis else ()
    for key in wanted:
        for observation in sorted(seen, key=lambda o: o.sentiment):
            named = {"touchpoint": observation.touchpoint, "cause": observation.cause, "pair": f"{observation.touchpoint}/{observation.cause}"}
            if named.get(key.dimension) == key.value:
                return observation.quote.text[:_LONGEST_QUOTE]
    if seen:
        return min(seen, key=lambda o: o.sentiment).quote.text[:_LONGEST_QUOTE]
    return " ".join(" ".join(text for _, text in record.feedback.segments()).split())[:_LONGEST_QUOTE]
