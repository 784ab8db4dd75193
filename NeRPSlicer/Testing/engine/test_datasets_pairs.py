"""Training pairs: drawn by seed and step alone, MONAI on top; nothing of torch before they are asked for."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from nerp import NerpError, Volume
from nerp.datasets import CtRecord, XrayRecord
from nerp.datasets.draws import drawn, step_seed
from training_files import small_ct


def records() -> tuple[list[CtRecord], list[XrayRecord]]:
    cts = [
        CtRecord(f"c{n}", f"c{n}", Volume(small_ct(n), np.diag([10.0, 10, 10, 1]), name=f"c{n}"), None)
        for n in range(3)
    ]
    rng = np.random.default_rng(0)
    xrays = [XrayRecord(f"x{n}", f"x{n}", rng.random((8, 8), np.float32), None) for n in range(5)]
    return cts, xrays


def test_every_case_comes_once_an_epoch_in_another_order() -> None:
    epochs = [[drawn(7, "ct", 10 * epoch + n, 10) for n in range(10)] for epoch in range(20)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 15
    assert [drawn(7, "ct", n, 10) for n in range(10)] != [drawn(8, "ct", n, 10) for n in range(10)]
    assert [drawn(7, "ct", n, 10) for n in range(10)] != [drawn(7, "xray", n, 10) for n in range(10)]
    first = Counter(drawn(seed, "ct", 0, 4) for seed in range(400))
    assert min(first.values()) > 70


def test_draws_are_the_same_on_every_machine() -> None:
    assert [drawn(1, "xray", n, 6) for n in range(8)] == [4, 3, 5, 2, 0, 1, 3, 1]
    assert step_seed(1, 5) == 413474987


def test_torch_and_monai_load_for_pairs_alone(tmp_path: Path) -> None:
    code = (
        "import sys, nerp.datasets, nerp.io.xray; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'monai', 'numba')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


class TestWithTorch:
    """What needs torch and MONAI."""

    @pytest.fixture(autouse=True)
    def _needs_monai(self) -> None:
        pytest.importorskip("torch")
        pytest.importorskip("monai")

    def test_a_step_is_the_same_whenever_it_is_asked_for(self) -> None:
        from nerp.datasets import CtAugmentation, training_pairs

        augmentation = CtAugmentation(("lung", "soft", "bone"), histogram_points=5)
        whole = training_pairs(*records(), seed=3, steps=12, xrays_per_step=2, augmentation=augmentation)
        forward = [whole[step] for step in range(12)]
        resumed = training_pairs(*records(), seed=3, steps=12, xrays_per_step=2, augmentation=augmentation)
        for step in (11, 4, 7, 4):
            pair = resumed[step]
            assert (pair["ct"], pair["xrays"]) == (forward[step]["ct"], forward[step]["xrays"])
            assert pair["hu"].equal(forward[step]["hu"]) and pair["images"].equal(forward[step]["images"])
        assert len(whole) == 12
        other = training_pairs(*records(), seed=4, steps=12, augmentation=augmentation)
        assert any(not other[step]["hu"].equal(forward[step]["hu"]) for step in range(12))

    def test_a_pair_holds_what_was_prepared(self) -> None:
        import torch
        from nerp.datasets import training_pairs

        cts, xrays = records()
        pair = training_pairs(cts, xrays, seed=0, steps=9, xrays_per_step=4)[8]
        volume = cts[pair["ct"]].volume
        assert type(pair["hu"]) is torch.Tensor and pair["hu"].dtype == torch.float32
        assert pair["hu"].shape == (1, *volume.shape) and (pair["hu"][0].numpy() == volume.hu).all()
        assert pair["body"].dtype == torch.bool and (pair["body"][0].numpy() == volume.body).all()
        assert pair["images"].shape == (4, 1, 8, 8)
        assert all(
            (image[0].numpy() == xrays[n].image).all()
            for image, n in zip(pair["images"], pair["xrays"], strict=True)
        )
        pair["hu"] += 1
        pair["images"] += 1
        assert volume.hu.min() == -1000 and max(xray.image.max() for xray in xrays) < 1

    def test_windows_stretch_hu(self) -> None:
        import torch
        from nerp.datasets.pairs import RandWindowd

        hu = torch.tensor([-2000.0, -500, 400, 1300, 3000])
        shown = RandWindowd("hu", ["bone"])({"hu": hu})["hu"]
        assert shown.tolist() == pytest.approx([-1000, -1000, 0, 1000, 1000], abs=1e-3)
        window = RandWindowd("hu", ["full", "bone"]).set_random_state(0)
        drawn_windows = Counter()
        for _ in range(100):
            window({"hu": hu})
            drawn_windows[window.chosen] += 1
        assert min(drawn_windows.values()) > 30 and len(drawn_windows) == 2

    def test_a_histogram_shift_is_monotone_and_keeps_the_ends(self) -> None:
        from nerp.datasets import CtAugmentation, training_pairs

        cts, xrays = records()
        pairs = training_pairs(cts, xrays, 0, 6, augmentation=CtAugmentation(histogram_points=5))
        changed = 0
        for step in range(6):
            pair = pairs[step]
            before, after = cts[pair["ct"]].volume.hu.ravel(), pair["hu"].numpy().ravel()
            order = np.argsort(before, kind="stable")
            assert (np.diff(after[order]) >= -1e-3).all()
            assert after.min() == pytest.approx(before.min()) and after.max() == pytest.approx(before.max())
            changed += not np.allclose(before, after, atol=1)
        assert changed > 3

    def test_a_loader_loads_the_pairs(self) -> None:
        from nerp.datasets import training_pairs
        from torch.utils.data import DataLoader

        loaded = list(DataLoader(training_pairs(*records(), seed=0, steps=4), batch_size=None))
        assert [pair["step"] for pair in loaded] == [0, 1, 2, 3]

    def test_what_makes_no_sense_is_refused(self) -> None:
        from nerp.datasets import CtAugmentation, training_pairs

        cts, xrays = records()
        with pytest.raises(NerpError, match="at least one CT"):
            training_pairs([], xrays, 0, 1)
        with pytest.raises(NerpError, match="at least one CT, one X-ray, one step"):
            training_pairs(cts, xrays, 0, 0)
        with pytest.raises(NerpError, match="no CT window 'brain'"):
            CtAugmentation(("brain",))
        with pytest.raises(NerpError, match="at least 3 control points"):
            CtAugmentation(histogram_points=2)
