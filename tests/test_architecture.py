"""What holds for the project as a whole."""

import ast
import importlib
import json
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import api
import cxnlp
from api.errors import STATUSES
from cxnlp import errors
from cxnlp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "spacy", "bertopic", "sklearn", "transformers", "sentence_transformers")
_ALL_HEAVY = f"print([m for m in {HEAVY!r} if m in sys.modules])"


def _modules(package):
    return [package.__name__, *(m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))]


def _sources():
    return [path for folder in ("cxnlp", "api") for path in (ROOT / folder).rglob("*.py")]


def test_layers_hold():
    subprocess.run([Path(sys.executable).with_name("lint-imports")], cwd=ROOT, check=True, capture_output=True)


def test_every_error_has_a_status():
    tree = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.CxnlpError)]
    assert set(tree) == set(STATUSES)


def test_every_error_is_drawn_in_the_tree():
    names = {name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, errors.CxnlpError)}
    assert names <= set(re.findall(r"\w+", errors.__doc__))


def test_every_setting_is_documented():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`CXNLP_{name.upper()}`" not in text] == []


@pytest.mark.parametrize("path", [p for p in _sources() if "store" not in p.parts], ids=lambda p: p.name)
def test_sql_is_in_the_store_only(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert not [name for name in imported if name.split(".")[0] in ("sqlalchemy", "sqlite3", "psycopg", "alembic")]


def test_modules_stay_small():
    assert {p.name: n for p in _sources() if (n := len(p.read_text(encoding="utf-8").splitlines())) > 320} == {}


def test_nothing_is_loaded_from_another_host():
    pages = [p for folder in ("templates", "static") for p in (ROOT / "api" / folder).rglob("*") if p.suffix in (".html", ".js", ".css")]
    assert pages
    assert {
        p.name for p in pages if re.search(r"""(?:src|href|url|import|fetch)\s*[=(]?\s*["'(]?(?:https?:)?//(?!127\.0\.0\.1)""", p.read_text())
    } == set()


def test_every_module_can_be_imported_without_the_heavy_libraries():
    apart = ("cxnlp.encoder.external", "cxnlp.text.spacy_tokens", "cxnlp.heads.retraining", "cxnlp.heads.trainable", "cxnlp.__main__")
    names = [n for p in (cxnlp, api) for n in _modules(p) if n not in apart and not n.startswith("cxnlp.topics") and ".migrations" not in n]
    code = f"import importlib, sys\nfor n in {names!r}: importlib.import_module(n)\n{_ALL_HEAVY}"
    assert _run(code) == "[]"


@pytest.mark.slow
def test_analyze_imports_no_heavy_library(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"text": "快递太慢了，等了一个星期"}, ensure_ascii=False), encoding="utf-8")
    code = f"""
import sys
from cxnlp.cli import app
app(["analyze", {str(source)!r}, "-o", {str(tmp_path / "out.jsonl")!r}], standalone_mode=False)
{_ALL_HEAVY}"""
    assert _run(code, CXNLP_HOME=str(tmp_path / "home")).splitlines()[-1] == "[]"
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["label"] == "negative"


def _run(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ | environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_public_names_exist():
    for name in _modules(cxnlp):
        if name == "cxnlp.__main__" or ".migrations" in name:
            continue
        if name in ("cxnlp.encoder.external", "cxnlp.text.spacy_tokens", "cxnlp.heads.retraining", "cxnlp.heads.trainable") or name.startswith(
            "cxnlp.topics"
        ):
            continue
        module = importlib.import_module(name)
        assert [n for n in getattr(module, "__all__", ()) if not hasattr(module, n)] == []
