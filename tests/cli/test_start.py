import subprocess
import sys

import pytest


@pytest.mark.parametrize("library", ["sqlalchemy", "faiss", "httpx", "uvicorn", "fastapi", "pyarrow", "jieba", "opencc"])
def test_the_command_line_starts_without_what_only_some_commands_need(loaded, library):
    assert library not in loaded


@pytest.fixture(scope="module")
def loaded():
    code = "import sys, cxnlp.cli; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
