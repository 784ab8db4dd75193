"""What the engine's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of small real CTs and chest X-rays; tests that need it skip where it is not there."""
    folder = Path(os.environ.get("NERP_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"real data not found in {folder}; set NERP_DATA to use it")
    return folder
