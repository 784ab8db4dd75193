"""Scene and panel tests: real MRML (slicer-core), views drawn off-screen, the stand-in application.

Where slicer-core, PySide6 or an OpenGL library is missing, every test here skips and says why.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTING = Path(__file__).resolve().parents[1]
MODULE = TESTING.parent
for folder in (TESTING, MODULE):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from scene.panels import driver  # noqa: E402, F401
from scene.trainer_panels import trainer  # noqa: E402, F401


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """VTK's own array module still sets shapes, which NumPy 2.5 announces to end."""
    for item in items:
        if item.path.is_relative_to(TESTING / "scene"):
            item.add_marker(pytest.mark.filterwarnings("ignore:Setting the shape:DeprecationWarning"))


@pytest.fixture(scope="session")
def _host():
    if sys.version_info < (3, 12):
        pytest.skip("scene tests need Python 3.12, as Slicer has it")
    import host

    try:
        running = host.start()
    except (ImportError, OSError) as error:
        pytest.skip(f"scene tests need slicer-core, PySide6 and OpenGL: {error}")
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def app(_host):
    """The stand-in application with an empty scene; errors in slots and observers fail the test."""
    from host import errors

    _host.reset()
    errors.take()
    yield _host
    _host.wait(0)
    raised = errors.take()
    assert not raised, f"errors in slots or observers: {raised}"


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of small real CTs and chest X-rays; tests that need it skip where it is not there."""
    import os

    folder = Path(os.environ.get("NERP_DATA", MODULE.parents[1] / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"real data not found in {folder}; set NERP_DATA to use it")
    return folder
