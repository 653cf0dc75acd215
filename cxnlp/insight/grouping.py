"""Many findings, few incidents: what moves only because of the records of another movement belongs to that one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cxnlp.insight.detection import Baseline, Finding, weighted_p
from cxnlp.insight.series import ALL, COUNTS, Key, answers_of
from cxnlp.insight.tails import Numbers

_EXPLAINED_FROM: Final = 0.01
_NARROWER_FROM: Final = 0.8


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
    findings: Sequence[Finding], records: Mapping[Key, Member], baseline: Baseline, known: Sequence[Key] = ()
) -> tuple[dict[Finding, Key], list[Incident]]:
    """Return which findings belong to movements that are known, and the incidents that the others make, the most certain first.

    The most certain finding leads. Every other one that chance would explain (p of 1 % or more) if the records of all leads so far were taken out of
    its series goes with the lead that it shares most records with; and so on with the rest. What holds for all records together leads only where
    nothing narrower is left.

    Args:
        findings: Of one day.
        records: Those of each series in the longest window of the findings.
        baseline: Of that day.
        known: Leads of movements that go on.
    """
    left = sorted(findings, key=lambda finding: (finding.key.dimension == ALL, finding.p))
    leads = [key for key in known if key in records]
    owned, left = _split(left, leads, records, baseline)
    found = dict(owned)
    news: list[Finding] = []
    while left:
        lead = _narrowest(left[0], left[1:], records)
        news.append(lead)
        leads.append(lead.key)
        own, left = _split([finding for finding in left if finding is not lead], leads, records, baseline)
        found |= own
    told = {lead.key for lead in news}
    incidents = [Incident(lead, tuple(finding for finding, key in found.items() if key == lead.key)) for lead in news]
    return {finding: key for finding, key in found.items() if key not in told}, incidents


def _split(
    findings: Sequence[Finding], leads: Sequence[Key], records: Mapping[Key, Member], baseline: Baseline
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
        elif _is_explained(finding, own, taken, baseline):
            owned[finding] = max(leads, key=lambda key: len(np.intersect1d(records[key].seqs, own.seqs)))
    return owned, [finding for finding in findings if finding not in owned]


def _is_explained(finding: Finding, records: Member, taken: npt.NDArray[np.int64], baseline: Baseline) -> bool:
    """Tell whether a finding is no news any more when records are taken out of its series."""
    rest = records.within(finding.days).without(taken)
    if finding.measure != "volume" and answers_of(finding.measure, rest) < 2:
        return True
    row = baseline.panel.row_of[finding.key]
    expected = baseline.weigh(finding.measure, rest[None], finding.days, [row])
    p, is_up = weighted_p(expected.above, expected.below, finding.measure)
    return bool(p[0] >= _EXPLAINED_FROM or is_up[0] != (finding.direction == "up"))


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
