from dataclasses import replace

import numpy as np

from cxnlp.insight import Key, detect, group, make_member
from cxnlp.insight.detection import Baseline
from tests.insight.samples import RULES, counts, noise, panel_of

FIRST, DAY = 739_800, 739_899
TOTAL, PAY, CAUSE, EAST = Key("all", ""), Key("touchpoint", "payment"), Key("cause", "broken"), Key("attributes.region", "east")


def incidents_of(members, panel):
    findings = detect(panel, DAY, RULES)
    records = {key: make_member(seqs, [DAY] * len(seqs), [counts(1)] * len(seqs)) for key, seqs in members.items()}
    belongs, incidents = group(findings, records, Baseline(panel, DAY), 5)
    assert belongs == {}
    return incidents


def panel(**today):
    return panel_of(**{name: [*noise(mean, 99, seed=i), today[name]] for i, (name, mean) in enumerate(MEANS.items())})


MEANS = {"all__": 20, "touchpoint__payment": 1, "cause__broken": 1, "attributes.region__east": 1}


def test_one_incident_is_one_alert_and_the_widest_certain_series_leads_it():
    moved = panel(**{"all__": 60, "touchpoint__payment": 41, "cause__broken": 36, "attributes.region__east": 1})
    (incident,) = incidents_of({TOTAL: range(60), PAY: range(41), CAUSE: range(36), EAST: [50]}, moved)
    assert incident.lead.key in (PAY, CAUSE)
    assert set(incident.keys) == {TOTAL, PAY, CAUSE}


def test_two_things_at_once_are_two_alerts():
    moved = panel(**{"all__": 80, "touchpoint__payment": 31, "cause__broken": 31, "attributes.region__east": 30})
    incidents = incidents_of({TOTAL: range(80), PAY: range(31), CAUSE: range(31), EAST: range(40, 70)}, moved)
    assert len(incidents) == 2
    assert {incident.lead.key for incident in incidents} & {EAST}
    assert all(incident.lead.key != TOTAL for incident in incidents)


def test_what_is_more_of_everything_is_led_by_all():
    moved = panel(**{"all__": 80, "touchpoint__payment": 3, "cause__broken": 3, "attributes.region__east": 3})
    (incident,) = incidents_of({TOTAL: range(80)}, moved)
    assert incident.lead.key == TOTAL


def test_a_share_goes_with_the_records_that_moved_it():
    calm = [counts(40, negative=8)] * 99
    moved = panel_of(all__=[*calm, counts(80, negative=48)], touchpoint__payment=[*noise(1, 99), 40])
    findings = detect(moved, DAY, RULES)
    assert {(f.key, f.measure) for f in findings} >= {(TOTAL, "negative_share"), (PAY, "volume")}
    told = [counts(1, negative=float(i < 48)) for i in range(80)]
    members = {TOTAL: make_member(range(80), [DAY] * 80, told), PAY: make_member(range(40), [DAY] * 40, told[:40])}
    _, (incident,) = group(findings, members, Baseline(moved, DAY), 5)
    assert incident.lead.key == PAY


def test_nothing_moves_nothing_is_grouped():
    assert group([], {}, Baseline(panel_of(all__=noise(20, 100)), DAY), 5) == ({}, [])


def test_what_a_known_movement_explains_belongs_to_it():
    moved = panel(**{"all__": 80, "touchpoint__payment": 31, "cause__broken": 31, "attributes.region__east": 30})
    records = {TOTAL: range(80), PAY: range(31), CAUSE: range(31), EAST: range(40, 70)}
    members = {key: make_member(seqs, [DAY] * len(seqs), [counts(1)] * len(seqs)) for key, seqs in records.items()}
    belongs, incidents = group(detect(moved, DAY, RULES), members, Baseline(moved, DAY), 5, [PAY])
    assert {finding.key: key for finding, key in belongs.items()} == {PAY: PAY, CAUSE: PAY, TOTAL: PAY}
    assert [incident.lead.key for incident in incidents] == [EAST]
    assert incidents[0].others == ()


def test_a_member_is_cut_to_days_and_emptied_of_others():
    member = make_member([1, 2, 3], [10, 11, 12], [counts(1), counts(1), counts(1)])
    assert member.within(range(11, 13)).seqs.tolist() == [2, 3]
    assert member.without(np.array([1, 3]))[0] == 1


def test_silence_everywhere_is_one_alert():
    quiet = panel_of(all__=[*noise(80, 99), 3], touchpoint__payment=[*noise(40, 99, 1), 1], cause__broken=[*noise(40, 99, 2), 2])
    findings = detect(quiet, DAY, RULES)
    assert len({finding.key for finding in findings}) == 3
    members = {key: make_member([], [], []) for key in (TOTAL, PAY, CAUSE)}
    belongs, (incident,) = group(findings, members, Baseline(quiet, DAY), 5)
    assert (belongs, incident.lead.key, len(incident.keys)) == ({}, TOTAL, 3)


def test_one_silent_series_is_not_hidden_by_a_little_less_of_everything():
    quiet = panel_of(all__=[*noise(100, 99), 55], touchpoint__payment=[*noise(40, 99, 1), 1], cause__broken=[*noise(40, 99, 2), 40])
    _, incidents = group(detect(quiet, DAY, RULES), {key: make_member([], [], []) for key in (TOTAL, PAY)}, Baseline(quiet, DAY), 5)
    assert PAY in {incident.lead.key for incident in incidents}


def test_many_findings_of_one_incident_do_not_lower_the_bar_for_others():
    moved = panel(**{"all__": 60, "touchpoint__payment": 41, "cause__broken": 36, "attributes.region__east": 1})
    (lead, *others) = detect(moved, DAY, RULES)
    doubtful = replace(lead, key=EAST, p=1.5 * lead.bar)
    records = {TOTAL: range(60), PAY: range(41), CAUSE: range(36), EAST: range(100, 120)}
    members = {key: make_member(seqs, [DAY] * len(seqs), [counts(1)] * len(seqs)) for key, seqs in records.items()}
    crowded = panel_of(all__=noise(20, 100), **{"attributes.region__east": [*noise(1, 99), 20]})
    assert group([doubtful], members, Baseline(crowded, DAY), 5) == ({}, [])
    _, incidents = group([lead, *others, replace(doubtful, p=4 * lead.bar)], members, Baseline(moved, DAY), 5)
    assert all(incident.lead.key != EAST for incident in incidents)


def test_what_is_most_of_a_bad_day_but_not_of_others_may_lead():
    moved = panel(**{"all__": 60, "touchpoint__payment": 50, "cause__broken": 12, "attributes.region__east": 1})
    (incident,) = incidents_of({TOTAL: range(60), PAY: range(50), CAUSE: range(12), EAST: [50]}, moved)
    assert incident.lead.key == PAY and set(incident.keys) >= {PAY, CAUSE}
