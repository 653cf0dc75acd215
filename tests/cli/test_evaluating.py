"""evaluate, as a user runs it."""

import json

import pytest

from tests.cli.conftest import TEXTS, run, write_lines

pytestmark = pytest.mark.usefixtures("fakes")

LABELLED = (
    {"text": "too slow", "channel": "review", "sentiment": -1, "intent": "complaint", "observations": [["delivery", "slow", -1]], "risks": []},
    {"text": "很好", "channel": "survey", "label": "positive"},
    {"text": "lovely", "channel": "survey", "label": "negative"},
)


def _figures(path):
    return {name: (figure["value"], figure["n"]) for name, figure in json.loads(path.read_text(encoding="utf-8"))["figures"].items()}


def test_evaluate_shows_each_figure_with_n_and_interval(home, tmp_path):
    done = run("evaluate", write_lines(tmp_path / "in.jsonl", LABELLED), home=home)
    assert done.code == 0, done.err
    assert "words-1 on 3 texts" in done.out
    polarity = next(line for line in done.out.splitlines() if line.startswith("negative, neutral or positive"))
    assert polarity.split()[-5:] == ["0.667", "0.000", "to", "1.000", "3"]
    assert "negative  positive     1" in " ".join(done.out.split("commonest confusions")[1].splitlines())
    assert done.err.splitlines()[-1] == "3 scored, 0 rejected, 0 without a label passed over"
    assert not home.exists()


def test_without_resamples_there_are_no_intervals(home, tmp_path):
    done = run("evaluate", write_lines(tmp_path / "in.jsonl", LABELLED), "--resamples", "0", home=home)
    assert " to " not in done.out.split("commonest")[0].split("\n", 1)[1]


def test_bad_rows_are_rejected_with_row_field_value_and_remedy_and_the_others_are_scored(home, tmp_path):
    rows = [LABELLED[0], {"text": "fine", "sentiment": 7}, {"text": "", "label": "positive"}, {"text": "no label"}, LABELLED[1]]
    done = run("evaluate", write_lines(tmp_path / "in.jsonl", rows), "--json", tmp_path / "out.json", home=home)
    assert done.code == 0
    assert "in.jsonl row 2: sentiment '7' is no number from -1 to 1; write" in done.err
    assert done.err.splitlines()[-1] == "2 scored, 2 rejected, 1 without a label passed over"
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert [(r["number"], r["field"]) for r in report["rejected"]] == [(2, "sentiment"), (3, "text")]
    assert report["n"] == 2
    assert _figures(tmp_path / "out.json")["pair_micro_f1"] == (1.0, 1)


def test_a_table_needs_no_more_than_text_and_label(home, tmp_path):
    (tmp_path / "in.csv").write_text("comment,Label\n太慢了,negative\nlovely,positive\n", encoding="utf-8")
    done = run("evaluate", tmp_path / "in.csv", "--json", tmp_path / "out.json", home=home)
    assert "attributes" not in done.err
    assert _figures(tmp_path / "out.json")["sentiment_polarity"] == (1.0, 2)


def test_what_analyze_wrote_can_be_corrected_and_scored(home, tmp_path):
    _check_corrected(home, tmp_path, ("analyze", write_lines(tmp_path / "in.jsonl", TEXTS), "-o"), "out.jsonl")


def test_what_export_wrote_can_be_corrected_and_scored(kept, tmp_path):
    _check_corrected(kept, tmp_path, ("export", "-o"), "out.csv")


def _check_corrected(home, tmp_path, command, name):
    assert run(*command, tmp_path / name, home=home).code == 0
    text = (tmp_path / name).read_text(encoding="utf-8-sig")
    assert "complaint" in text
    (tmp_path / name).write_text(text.replace("complaint", "inquiry"), encoding="utf-8")
    run("evaluate", tmp_path / name, "--json", tmp_path / "report.json", home=home)
    figures = _figures(tmp_path / "report.json")
    assert figures["intent_accuracy"] == (0.5, 4)
    assert figures["pair_micro_f1"] == (1.0, 4)


def test_figures_are_split_by_channel(home, tmp_path):
    done = run("evaluate", write_lines(tmp_path / "in.jsonl", LABELLED), "--by", "channel", "--json", tmp_path / "out.json", home=home)
    groups = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["by"]
    assert {name: (g["n"], g["figures"]["sentiment_polarity"]["value"]) for name, g in groups.items()} == {"survey": (2, 0.5), "review": (1, 1.0)}
    assert any(line.split()[:3] == ["survey", "2", "0.500"] for line in done.out.splitlines())


def test_labels_are_shown_on_request(home, tmp_path):
    source = write_lines(tmp_path / "in.jsonl", LABELLED)
    assert "precision  recall" not in run("evaluate", source, home=home).out
    shown = run("evaluate", source, "--labels", home=home).out
    assert any(line.split() == ["cause", "slow", "1.000", "1.000", "1.000", "1"] for line in shown.splitlines())


def test_the_shipped_cases_can_be_scored_by_kind(home):
    done = run("evaluate", "--cases", "--by", "kind", "--resamples", "0", home=home)
    assert done.code == 0, done.err
    assert {"irony", "dialect", "conversation"} <= {line.split()[0] for line in done.out.splitlines() if line}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name one labelled file"),
        (["in.jsonl", "--cases"], "name one labelled file"),
        (["in.jsonl", "--by", "kind"], "needs --cases"),
        (["gone.jsonl"], "does not exist"),
        (["in.jsonl", "--json", "no/such/folder/out.json"], "cannot be written"),
    ],
)
def test_wrong_calls_say_what_to_do(home, tmp_path, arguments, said):
    write_lines(tmp_path / "in.jsonl", LABELLED)
    done = run("evaluate", *arguments, home=home)
    assert done.code == 1
    assert said in done.err


def test_a_file_without_labels_is_told(home, tmp_path):
    done = run("evaluate", write_lines(tmp_path / "in.jsonl", [{"text": "slow"}]), home=home)
    assert done.code == 1
    assert "no row has a label" in done.err
