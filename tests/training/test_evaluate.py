"""What training/evaluate.py makes of outputs and figures; the measuring itself needs the data sets."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cxnlp.evaluation.scoring import Figure
from tests.fakes import HashingEncoder

ROOT = Path(__file__).resolve().parents[2]


def _line(*pairs, sentiment=-0.8, confidence=0.9, risks=()):
    observations = [{"touchpoint": t, "cause": c, "sentiment": sentiment, "confidence": p} for t, c, p in pairs]
    return {"sentiment": sentiment, "confidence": confidence, "intent": "complaint", "observations": observations, "risks": list(risks)}


def test_the_reason_is_that_of_the_surest_negative_pair():
    from airline_reasons import UNKNOWN, features, read_reason

    assert read_reason(_line(("delivery", "slow", 0.5), ("delivery", "wrong_item", 0.8), ("product", None, 0.9))) == "Lost Luggage"
    assert read_reason(_line(("support", "attitude", 0.4))) == "Customer Service Issue"
    assert read_reason(_line(("loyalty", "other", 0.9))) == read_reason(_line()) == UNKNOWN
    assert features(_line(("delivery", "slow", 0.5)))["delivery/slow confidence"] == 0.5


def test_a_threshold_is_the_lowest_that_gives_the_precision():
    from thresholds import find_thresholds

    rows = [{"sentiment": -1.0 if i < 190 else 0.0, "observations": [], "risks": []} for i in range(240)]
    lines = [_line(confidence=0.9 if i < 200 else 0.5) for i in range(240)]
    flag = find_thresholds(rows, lines)[0]
    assert (flag.confidence, flag.n, flag.recall) == (0.9, 200, 1.0)
    assert flag.precision == pytest.approx(0.95)
    assert find_thresholds(rows[150:], lines[150:])[0].confidence is None


def test_precision_at_ten_counts_the_nearest_others():
    from similarity import same_intent, same_question

    said = {"late": "parcel late again", "lost": "丢件没有人管"}
    rows = [{"id": f"{name}{i}", "text": f"{text} {i}", "labels": {"intent": name}} for name, text in said.items() for i in range(12)]
    rows.append({"id": "x", "text": "few others", "labels": {"intent": "rare"}})
    found = same_intent(HashingEncoder(), rows)["precision_at_10"]
    assert (found.value, found.n) == (1.0, 24)
    pairs = [{"text": "parcel late", "text2": "late parcel", "same": 1}, {"text": "parcel late", "text2": "退款没到", "same": 0}] * 20
    assert same_question(HashingEncoder(), pairs)["auc"].value == 1.0


def test_the_tenth_held_out_is_a_tenth():
    from similarity import is_held_out

    assert 0.08 < np.mean([is_held_out({"id": f"banking77-train{i}"}) for i in range(5_000)]) < 0.12


def test_the_table_says_what_holds_and_what_falls_short(tmp_path):
    from targets import table

    (tmp_path / "weights").write_bytes(bytes(2_000_000))
    figures = {"chnsenticorp": {"accuracy": Figure(0.96, 1_200, 0.95, 0.97)}, "gold": {"sentiment_mae": Figure(0.2, 486, 0.18, 0.22)}}
    figures["bq"] = {"auc": Figure(0.8, 99, 0.7, 0.9)}
    lines = table(figures, {"bq": {"auc": Figure(0.75, 99, 0.7, 0.8)}}, {"chnsenticorp": "test", "gold": "dev", "bq": "dev"}, tmp_path)
    text = "\n".join(lines)
    assert "| test | 1,200 | BERT-base 0.943, ERNIE 1.0 0.954 (110M, test) | 0.954 | 0.960 | 0.950 to 0.970 | holds |" in text
    assert "| at most 0.15 | 0.200 | 0.180 to 0.220 | falls short by 0.050 |" in text
    assert "base encoder 0.750 | 0.787 | 0.800 | 0.700 to 0.900 | holds |" in text
    assert "not measured" in text and "2.0 | - | holds |" in text


def test_figures_go_to_their_places_in_the_document_and_into_the_card(tmp_path):
    from report import blocks, fill, write_card

    document = tmp_path / "accuracy.md"
    document.write_text("before\n<!-- gold -->\nold\n<!-- /gold -->\n<!-- targets -->\n<!-- /targets -->\nafter\n", encoding="utf-8")
    figures = {"gold": {"flag_f1": Figure(0.9, 486, 0.88, 0.92)}}
    parts = blocks(figures, {}, {"gold": "dev"}, tmp_path)
    fill(document, parts)
    fill(document, parts)
    text = document.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("after\n") and "\nold\n" not in text
    assert text.count("| a flag: F1 | 0.900 | 0.880 to 0.920 | 486 |") == 1
    with pytest.raises(SystemExit, match="confusions"):
        fill(document, {"confusions": []})
    (tmp_path / "card.json").write_text('{"name": "x", "metrics": {"kept": 1}}', encoding="utf-8")
    write_card(tmp_path, figures, {}, {"gold": "dev"}, [])
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert card["name"] == "x" and card["metrics"]["kept"] == 1
    assert card["metrics"]["gold_dev"]["flag_f1"] == {"value": 0.9, "n": 486, "low": 0.88, "high": 0.92}


def test_the_document_has_a_place_for_everything():
    text = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    for name in ("targets", "gold", "details", "thresholds", "confusions", "labels"):
        assert text.count(f"<!-- {name} -->\n") == text.count(f"<!-- /{name} -->") == 1


def test_the_script_explains_itself():
    done = subprocess.run([sys.executable, "training/evaluate.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--base-encoder" in done.stdout and "--write-floors" in done.stdout
