"""The module's self-test for a real Slicer, here on the stand-in with a real worker and a coarse phantom."""

from __future__ import annotations

import time

import pytest
from scene.panels import COARSE_MM, FILM_SIDE, MODULE


@pytest.mark.slow
def test_the_whole_path(app, monkeypatch):
    import slicer

    app.load_module(MODULE)
    import NeRPSlicerLib.example

    monkeypatch.setattr(NeRPSlicerLib.example, "SPACING_MM", COARSE_MM)
    monkeypatch.setattr(NeRPSlicerLib.example, "FILM_SIDE", FILM_SIDE)
    app.select_module("NeRPSlicer")
    panel = slicer.util.getModuleWidget("NeRPSlicer").panel
    panel.parameters.size, panel.parameters.samples = 128, 128
    from NeRPSlicerLib.selfTest import SelfTest

    figures = SelfTest(panel).run()
    assert set(figures) >= {"first radiograph", "move to small picture", "back after a kill", "all"}
    app.unload_module("NeRPSlicer")


def test_the_module_file_is_light():
    """Importing it takes the standard library, vtk and slicer alone, and under 50 ms of processor time."""
    import importlib.util
    import sys

    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location("NeRPSlicerProbe", MODULE)
    module = importlib.util.module_from_spec(spec)
    began = time.process_time()
    spec.loader.exec_module(module)
    assert time.process_time() - began < 0.05
    new = {name.partition(".")[0] for name in set(sys.modules) - before}
    assert not new - set(sys.stdlib_module_names) - {"slicer", "vtk", "vtkmodules", "NeRPSlicerProbe"}
    assert len(MODULE.read_text(encoding="utf-8").splitlines()) < 300


def test_the_help_leads_to_the_tutorial(app):
    import re
    from pathlib import Path
    from urllib.parse import urlparse
    from urllib.request import url2pathname

    app.load_module(MODULE)
    text = app.application.moduleManager().module("NeRPSlicer").helpText
    assert "research use only" in text
    (address,) = re.findall(r'href="(file:[^"]+)"', text)
    page = Path(url2pathname(urlparse(address).path)).read_text(encoding="utf-8")
    assert "<h1>Tutorial</h1>" in page and "Load example" in page
    app.unload_module("NeRPSlicer")
