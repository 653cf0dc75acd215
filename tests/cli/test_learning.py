"""retrain and models, as a user runs them: with a small network, a real store and the real process that learns."""

import pytest

from cxnlp.bootstrap import Service
from cxnlp.records import record_id
from cxnlp.service import retraining
from cxnlp.service.correction import correct
from cxnlp.settings import Settings
from tests.cli.conftest import run, write_lines
from tests.fakes import HashingEncoder, small_network

TEXTS = [
    f"{said}，第{n}次反馈{'了' * (n % 4)}" for n in range(10) for said in ("快递送货太慢", "怎么取消自动续费", "咖啡味道很好喝", "客服一直不回复")
]
SHIPPED, OWN = "small-1", "small-1+1"


@pytest.fixture
def small(monkeypatch):
    """A small encoder and network in place of the shipped ones."""
    encoder, network = HashingEncoder(), small_network()
    monkeypatch.setattr(Service, "encoder", property(lambda _: encoder))
    monkeypatch.setattr(Service, "network", property(lambda _: network))


@pytest.fixture
def corrected(small, home, tmp_path):
    """A home with 40 records, 30 of them corrected to the same."""
    source = write_lines(tmp_path / "desk.jsonl", [{"id": str(n), "text": text} for n, text in enumerate(TEXTS)])
    assert run("ingest", source, home=home).code == 0
    service = Service(Settings(home=home))
    for n in range(30):
        correct(service.store, service.taxonomy, record_id("desk", str(n)), {"intent": "suggestion", "sentiment": 0.0}, "ann")
    service.store.close()
    return home


def _model_of(home, number):
    return run("show", record_id("desk", str(number)), home=home).out.split('"model": "')[1].split('"')[0]


def test_learning_comparing_activating_and_rolling_back(corrected):
    done = run("retrain", "--activate", "--author", "ann", home=corrected)
    assert done.code == 0, done.err
    assert f"{OWN} learnt from" in done.out and f"going on from {SHIPPED}" in done.out
    assert "held-out corrections" in done.out and "regression set" in done.out
    assert f"{OWN} was activated, as told" in done.out

    listed = run("models", "list", home=corrected).out.splitlines()
    assert [line[0] for line in listed] == [" ", "*"]
    assert SHIPPED in listed[0] and OWN in listed[1] and "corrections" in listed[1]

    compared = run("models", "compare", SHIPPED, OWN, home=corrected)
    assert compared.code == 0
    assert compared.out in done.out

    assert _model_of(corrected, 35) == SHIPPED
    assert run("models", "activate", OWN, "--reanalyze", home=corrected).out == f"{OWN} is active\n40 records read anew\n"
    assert _model_of(corrected, 35) == OWN
    assert run("models", "rollback", "--reanalyze", home=corrected).out == f"{SHIPPED} is active again\n40 records read anew\n"
    assert _model_of(corrected, 35) == SHIPPED
    refused = run("models", "rollback", home=corrected)
    assert (refused.code, refused.out) == (1, "") and "no activation is left" in refused.err
    assert run("models", "activate", "small-1+9", home=corrected).code == 1


def test_a_version_that_is_not_wanted_is_kept(corrected):
    done = run("retrain", "--no-activate", home=corrected)
    assert done.code == 0 and "kept and not activated, as told" in done.out
    assert run("models", "list", home=corrected).out.splitlines()[0].startswith("*")


def test_interrupted_the_active_version_stays(corrected, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(retraining, "refit_in_subprocess", interrupt)
    done = run("retrain", home=corrected)
    assert (done.code, done.err) == (130, f"stopped; {SHIPPED} is active, as before\n")
    assert len(run("models", "list", home=corrected).out.splitlines()) == 1
    monkeypatch.undo()


def test_without_corrections_it_says_what_is_needed(kept):
    done = run("retrain", home=kept)
    assert done.code == 1
    assert "retrain" in run("retrain", "--help", home=kept).out


def test_too_few_corrections_are_told(small, home, tmp_path):
    run("ingest", write_lines(tmp_path / "desk.jsonl", [{"id": "1", "text": "快递太慢"}]), home=home)
    done = run("retrain", home=home)
    assert done.code == 1 and "0 records are corrected, and at least 20" in done.err
