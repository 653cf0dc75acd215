import sys
from pathlib import Path

import pytest


@pytest.fixture(autouse=True, scope="session")
def _training_on_the_path():
    """Training is a folder of scripts, not a package: they import each other by name, as when they are run."""
    folder = str(Path(__file__).resolve().parents[2] / "training")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)
