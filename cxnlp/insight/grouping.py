"""Many findings, few incidents: what moves only because of the records of another movement belongs to that one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.insight.detection import Baseline, sums_over, weighted_p
from cxnlp.insight.findings import Finding
from cxnlp.insight.series import ALL, COUNTS, Key, answers_of
from cxnlp.insight.tails import Numbers

_EXPLAINED_FROM: Final = 0.01
_NARROWER_FROM: Final = 0.8
_WIDE_FROM: Final = 0.6
_BROADER: Final = {"touchpoint": 1, "cause": 2, "segment": 3, "channel": 4, "stage": 5, ALL: 6}


@dataclass(frozen=True)
class Member:
    """The records of one series in the last days.

    Attributes:
        seqs: (n,) numbers of the records.
        days: (n,) numbers of their days.
        counts: (n, len(COUNTS)) what each adds to the series.
    """

    seqs: npt.NDArray[np.int64]
    days: npt.NDArray[np.int64]
    counts: Numbers

    def within(self, days: range) -> "Member":
        """Return those of some days."""
        inside = (self.days >= days.start) & (self.days < days.stop)
        return Member(self.seqs[inside], self.days[inside], self.counts[inside])

    def without(self, others: npt.NDArray[np.int64]) -> Numbers:
        """Return the sums (len(COUNTS),) of the records that are not among others."""
        found: Numbers = self.counts[~np.isin(self.seqs, others)].sum(axis=0)
        return found


@dataclass(frozen=True, slots=True)
class Incident:
    """One movement.

    Attributes:
        lead: What tells it best.
        others: What moved with it.
    """

    lead: Finding
    others: tuple[Finding, ...] = ()

    @property
    def keys(self) -> tuple[Key, ...]:
        """All series of it, that of the lead first, each once."""
        return tuple(dict.fromkeys([self.lead.key, *(finding.key for finding in self.others)]))


def group(
    findings: Sequence[Finding], records: Mapping[Key, Member], baseline: Baseline, minimum: int, known: Sequence[Key] = ()
) -> tuple[dict[Finding, Key], list[Incident]]:
    """Return which findings belong to movements that are known, and the incidents that the others make, the most certain first.

    The most certain finding leads. Every other one that chance would explain (p of 1 % or more) if the records of all leads so far were taken out of
    its series goes with the lead that it shares most records with; and so on with the rest. What is more of everything leads only where nothing
    narrower is left, shares and means only where the records of no such lead explain them, and what is less of everything leads first: with it goes
    what is less in proportion. The n-th incident must be as certain as the
    n-th discovery of a day has to be, so that many findings of one incident do not lower the bar for others.

    Args:
        findings: Of one day.
        records: Those of each series in the longest window of the findings.
        baseline: Of that day.
        minimum: Fewer records than so many, left in a series that has more, are no news.
        known: Leads of movements that go on.
    """
    left = sorted(findings, key=lambda finding: (_rank(finding, baseline), finding.p, _BROADER.get(finding.key.dimension, 0)))
    leads = [key for key in known if key in records]
    owned, left = _split(left, leads, records, baseline, minimum)
    found = dict(owned)
    news: list[Finding] = []
    while left:
        lead = _narrowest(left[0], left[1:], records)
        if lead.p > lead.bar * (len(news) + 1):
            left = [finding for finding in left if finding is not lead]
            continue
        news.append(lead)
        leads.append(lead.key)
        own, left = _split([finding for finding in left if finding is not lead], leads, records, baseline, minimum)
        found |= own
    told = {lead.key for lead in news}
    incidents = [Incident(lead, tuple(finding for finding, key in found.items() if key == lead.key)) for lead in news]
    return {finding: key for finding, key in found.items() if key not in told}, incidents


def _split(
    findings: Sequence[Finding], leads: Sequence[Key], records: Mapping[Key, Member], baseline: Baseline, minimum: int
) -> tuple[dict[Finding, Key], list[Finding]]:
    """Return the findings that leads explain, each with the lead that it shares most records with, and the others."""
    if not leads:
        return {}, list(findings)
    taken = np.unique(np.concatenate([records[key].seqs for key in leads]))
    owned = {}
    for finding in findings:
        own = records[finding.key]
        if finding.key in leads:
            owned[finding] = finding.key
        elif _is_less(finding):
            if (wider := next((key for key in leads if _is_in_proportion(finding, key, baseline)), None)) is not None:
                owned[finding] = wider
        elif _is_explained(finding, own, taken, baseline, minimum):
            owned[finding] = max(leads, key=lambda key: len(np.intersect1d(records[key].seqs, own.seqs)))
    return owned, [finding for finding in findings if finding not in owned]


def _rank(finding: Finding, baseline: Baseline) -> int:
    """Return which findings lead before others: silence everywhere, more of something, more of nearly everything, shares and means."""
    if finding.measure != "volume":
        return 3
    if finding.direction == "down":
        return 0 if finding.key.dimension == ALL else 1
    total = baseline.panel.row_of.get(Key(ALL, ""))
    everything = np.inf if total is None else float(baseline.before(finding.lag).rates.mean_of(finding.days)[total].sum())
    return 2 if finding.key.dimension == ALL or finding.expected >= _WIDE_FROM * everything else 1


def _is_less(finding: Finding) -> bool:
    return (finding.measure, finding.direction) == ("volume", "down")


def _is_explained(finding: Finding, records: Member, taken: npt.NDArray[np.int64], baseline: Baseline, minimum: int) -> bool:
    """Tell whether a finding is no news any more when records are taken out of its series."""
    rest = records.within(finding.days).without(taken)
    if finding.measure == "volume" and rest[0] < minimum:
        return True
    if answers_of(finding.measure, rest) < 2:
        return True
    p, is_up = _chance(finding, rest, baseline)
    return p >= _EXPLAINED_FROM or is_up != (finding.direction == "up")


def _is_in_proportion(finding: Finding, lead: Key, baseline: Baseline) -> bool:
    """Tell whether a series has no fewer records than it should have if all of the lead's records had become less."""
    panel = baseline.panel
    expected = float(baseline.before(finding.lag).rates.mean_of(finding.days)[panel.row_of[lead]].sum())
    kept = float(sums_over(panel, finding.days)[panel.row_of[lead], 0]) / max(expected, 1e-9)
    if kept >= 1:
        return False
    # What is there by what the lead has kept of its own, against what would be there if nothing had become less.
    whole = sums_over(panel, finding.days)[panel.row_of[finding.key]] / max(kept, 1 / max(expected, 1.0))
    p, is_up = _chance(finding, np.round(whole), baseline)
    return p >= _EXPLAINED_FROM or is_up or kept * expected < 1


def _chance(finding: Finding, counts: Numbers, baseline: Baseline) -> tuple[float, bool]:
    expected = baseline.before(finding.lag).weigh(finding.measure, counts[None], finding.days, [baseline.panel.row_of[finding.key]])
    p, is_up = weighted_p(expected.above, expected.below, finding.measure)
    return float(p[0]), bool(is_up[0])


def _narrowest(lead: Finding, others: Sequence[Finding], records: Mapping[Key, Member]) -> Finding:
    """Return the smallest series whose own excess is four fifths of the lead's excess in number."""
    if lead.measure != "volume" or lead.direction != "up":
        return lead
    most = lead.observed - lead.expected
    seqs = records[lead.key].within(lead.days).seqs
    alike = [
        finding
        for finding in others
        if (finding.measure, finding.direction) == ("volume", "up")
        and len(np.intersect1d(records[finding.key].within(lead.days).seqs, seqs)) - finding.expected * lead.window / finding.window
        >= _NARROWER_FROM * most
        and finding.observed < lead.observed
    ]
    return min(alike, key=lambda finding: finding.observed, default=lead)


def make_member(seqs: Sequence[int], days: Sequence[int], counts: Sequence[Sequence[float]]) -> Member:
    """Return the records of a series from lists."""
    held = np.asarray(counts, np.float64).reshape(len(seqs), len(COUNTS))
    return Member(np.asarray(seqs, np.int64), np.asarray(days, np.int64), held)
