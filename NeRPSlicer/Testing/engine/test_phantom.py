"""The digital thorax: deterministic, complete, in place, and realistic in HU and size."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from nerp import Camera, NerpError, Structures, Volume, project
from nerp.body import separate_body
from nerp.geometry import transform_points
from nerp.phantom import LOBES, draw_anatomy, thorax
from nerp.resources import structure_group

SPACING_MM = 4.0
PAIRED = ("lung", "bronchus", "clavicula", "scapula", "humerus", *(f"rib_{{}}_{n}" for n in range(1, 13)))
SINGLE = (
    *("body", "skin", "subcutaneous_fat", "muscle", "diaphragm", "liver", "spleen", "stomach", "stomach_gas"),
    *("heart", "heart_atrium_left", "heart_atrium_right", "heart_ventricle_left", "heart_ventricle_right"),
    *("aorta", "pulmonary_artery", "superior_vena_cava", "inferior_vena_cava", "oesophagus", "trachea"),
    *("lung_vessels", "lung_upper_lobe_left", "lung_lower_lobe_left", "lung_upper_lobe_right"),
    *("lung_middle_lobe_right", "lung_lower_lobe_right", "sternum", "costal_cartilages", "spinal_cord"),
    *(f"vertebrae_t{n}" for n in range(1, 13)),
    *("vertebrae_c7", "vertebrae_l1"),
)

Person = tuple[Volume, Structures]


def named(stem: str, side: str) -> str:
    return stem.format(side) if "{}" in stem else f"{stem}_{side}"


def litres(structures: Structures, name: str) -> float:
    return structures.counts()[name] * SPACING_MM**3 / 1e6


def points(structures: Structures, name: str) -> np.ndarray:
    """Centres in RAS mm of a structure's voxels: ``[n, 3]``."""
    ijk = np.argwhere(structures.mask(name))[:, ::-1]
    return transform_points(structures.ras_from_ijk, ijk.astype(float))


@pytest.fixture(scope="module")
def person() -> Person:
    return thorax(seed=1, spacing_mm=SPACING_MM)


@pytest.fixture(scope="module", params=[1, 2, 28, 57])
def anyone(request: pytest.FixtureRequest) -> Person:
    return thorax(seed=request.param, spacing_mm=SPACING_MM)


# --- the same and different people --------------------------------------------------------------------------


def test_a_seed_is_one_person_bit_for_bit(person: Person) -> None:
    again, labels = thorax(seed=1, spacing_mm=SPACING_MM)
    assert again.hash == person[0].hash
    assert np.array_equal(labels.combination, person[1].combination)
    assert labels.combinations == person[1].combinations


def test_another_seed_is_another_person(person: Person) -> None:
    _, other = thorax(seed=2, spacing_mm=SPACING_MM)
    for name in ("lung_left", "heart", "body", "liver"):
        assert abs(litres(other, name) / litres(person[1], name) - 1) > 0.01, name


def test_a_population_differs_in_every_parameter() -> None:
    people = [draw_anatomy(seed) for seed in range(40)]
    for item in fields(people[0]):
        values = [getattr(someone, item.name) for someone in people]
        assert len(set(values)) >= (2 if item.name == "female" else 10), item.name
    assert 8 < sum(someone.female for someone in people) < 32
    assert {someone.breast_mm > 0 for someone in people if someone.female} == {True}
    assert {someone.breast_mm for someone in people if not someone.female} == {0.0}


def test_a_person_is_drawn_the_same_on_every_machine() -> None:
    someone = draw_anatomy(7)
    assert someone.width == pytest.approx(0.9563458127197392, abs=1e-9), (
        "a change of what a seed draws is a new version of the phantom"
    )
    assert someone.dome_right_mm == pytest.approx(-70.48112396645323, abs=1e-9)


# --- complete and in place ----------------------------------------------------------------------------------


def test_every_structure_is_there_and_inside_the_body(anyone: Person) -> None:
    volume, structures = anyone
    body, counts = volume.body, structures.counts()
    for name in (*SINGLE, *(named(stem, side) for stem in PAIRED for side in ("left", "right"))):
        assert counts[name] > 0, name
    for name in structures.names:
        assert not (structures.mask(name) & ~body).any(), name
    assert (volume.hu[~body] == -1000).all()
    assert np.array_equal(structures.mask("body"), body)


def test_every_structure_belongs_to_a_group(person: Person) -> None:
    assert {name for name in person[1].names if structure_group(name) == "Other"} == set()


def test_outlines_show_on_grey_and_apart(person: Person) -> None:
    colors = {item.name: np.array(item.color) for item in person[1].items}
    for name, color in colors.items():
        assert np.ptp(color) > 60 and color.max() > 200, name
    apart = ("lung_left", "lung_right", "heart", "aorta", "liver", "spleen", "vertebrae_t6", "diaphragm")
    for n, name in enumerate(apart):
        for other in apart[:n]:
            assert np.abs(colors[name] - colors[other]).max() > 40, (name, other)


def test_right_is_right_and_left_is_left(anyone: Person) -> None:
    for stem in PAIRED:
        right, left = (points(anyone[1], named(stem, side))[:, 0] for side in ("right", "left"))
        assert right.mean() > 15 and left.mean() < -15, stem
        assert abs(right.size / left.size - 1) < 0.3, stem
    assert points(anyone[1], "liver")[:, 0].mean() > 20
    assert points(anyone[1], "spleen")[:, 0].max() < 0


def test_lobes_fill_their_lung(anyone: Person) -> None:
    structures = anyone[1]
    for side in ("left", "right"):
        parts = [name for name in structures.names if "_lobe_" in name and name.endswith(side)]
        masks = np.array([structures.mask(name) for name in parts])
        assert np.array_equal(masks.any(axis=0), structures.mask(f"lung_{side}"))
        assert (masks.sum(axis=0) <= 1).all()


def test_chambers_share_the_heart_and_muscle_is_nothing_else(anyone: Person) -> None:
    structures = anyone[1]
    chambers = np.array([structures.mask(name) for name in structures.names if name.startswith("heart_")])
    heart = structures.mask("heart")
    assert (chambers.sum(axis=0) <= 1).all() and not (chambers.any(axis=0) & ~heart).any()
    assert chambers.sum() > 0.8 * heart.sum()
    others = set(structures.names) - {"body", "muscle"}
    muscle = structures.mask("muscle")
    assert not any((structures.mask(name) & muscle).any() for name in others)


def test_ribs_are_ordered_and_hang_on_their_vertebrae(anyone: Person) -> None:
    from scipy.spatial import cKDTree

    structures = anyone[1]
    for side in ("left", "right"):
        heads = []
        for number in range(1, 13):
            rib = points(structures, f"rib_{side}_{number}")
            vertebra = points(structures, f"vertebrae_t{number}")
            assert cKDTree(vertebra).query(rib)[0].min() < 8, (side, number)
            heads.append(rib[np.argmin(np.abs(rib[:, 0])), 2])
            if 2 <= number <= 10:
                front, back = rib[np.argmax(rib[:, 1]), 2], rib[np.argmin(rib[:, 1]), 2]
                assert front < back - 20, "ribs fall toward the front"
        assert (np.diff(heads) < -8).all(), heads


def test_organs_stand_as_they_should(anyone: Person) -> None:
    structures = anyone[1]
    dome = points(structures, "diaphragm")
    right, left = dome[dome[:, 0] > 20], dome[dome[:, 0] < -20]
    assert 3 < right[:, 2].max() - left[:, 2].max() < 30
    assert np.abs(points(structures, "trachea")[:, 0]).max() < 20
    aorta, trachea = points(structures, "aorta"), points(structures, "trachea")
    arch = aorta[aorta[:, 2] > 50]
    assert arch[:, 0].min() < trachea[:, 0].min() - 8
    sharp = points(structures, "lung_right")
    assert sharp[:, 2].min() < right[:, 2].max() - 38, "the recess lies far below the dome"
    assert points(structures, "oesophagus")[:, 1].mean() < trachea[:, 1].mean()
    clavicle = points(structures, "clavicula_right")
    near = np.linalg.norm(clavicle[:, None] - points(structures, "sternum")[None], axis=2).min()
    assert near < 12, "the clavicle reaches the sternum"


# --- size and density ---------------------------------------------------------------------------------------


def test_sizes_are_human(anyone: Person) -> None:
    structures = anyone[1]
    assert 3.0 < litres(structures, "lung_left") + litres(structures, "lung_right") < 7.0
    assert 0.85 < litres(structures, "lung_left") / litres(structures, "lung_right") < 1.0
    for name, low, high in (("heart", 0.4, 1.0), ("liver", 0.8, 2.0), ("spleen", 0.08, 0.35)):
        assert low < litres(structures, name) < high, name


def test_tissues_have_their_hu(anyone: Person) -> None:
    volume, structures = anyone
    expected = {
        "lung_left": (-900, -700),
        "lung_right": (-900, -700),
        "heart": (20, 60),
        "liver": (40, 80),
        "muscle": (0, 100),
        "subcutaneous_fat": (-130, -50),
        "trachea": (-1000, -700),
        "stomach_gas": (-1000, -600),
        **{f"vertebrae_t{n}": (120, 350) for n in range(1, 13)},
        **{f"rib_{side}_{n}": (150, 700) for n in range(1, 13) for side in ("left", "right")},
        "clavicula_left": (250, 800),
        "sternum": (80, 350),
    }
    for name, (low, high) in expected.items():
        assert low < volume.hu[structures.mask(name)].mean() < high, name
    liver = volume.hu[structures.mask("liver")]
    assert 5 < liver.std() < 40, "tissue is neither flat nor wild"


def test_organs_of_the_abdomen_lie_in_fat(anyone: Person) -> None:
    from scipy.ndimage import binary_dilation

    volume, structures = anyone
    alone = structures.combinations.index((structures.names.index("body"),))
    for name in ("liver", "spleen"):
        z = np.argwhere(structures.mask(name))[:, 0].min()
        below = binary_dilation(structures.mask(name), iterations=3) & (structures.combination == alone)
        below[z + 6 :] = False
        assert -100 < volume.hu[below].mean() < -20, name


def test_the_body_is_found_without_its_mask(person: Person) -> None:
    volume = person[0]
    found = separate_body(volume.hu, volume.ras_from_ijk)
    assert 2 * (found & volume.body).sum() / (found.sum() + volume.body.sum()) > 0.97


# --- on a radiograph ----------------------------------------------------------------------------------------


def test_a_pa_view_shows_a_normal_chest(anyone: Person) -> None:
    volume, structures = anyone
    camera = Camera.preset("PA", volume, 128, 128)
    wanted = structures.select(["heart", "lung_left", "lung_right", "vertebrae_t6"])
    picture = project(volume, camera, "drr", structures=wanted)
    lungs = picture.mask("lung_left", 10) | picture.mask("lung_right", 10)
    heart = picture.mask("heart", 5)
    middle = np.nonzero(picture.mask("vertebrae_t6", 5))[1].mean()
    across = np.nonzero(heart)[1]
    assert (across > middle).mean() > 0.6, "the patient's left is on the viewer's right"
    columns = np.flatnonzero(lungs.any(axis=0))
    ratio = np.ptp(np.flatnonzero(heart.any(axis=0))) / np.ptp(columns)
    assert 0.38 < ratio < 0.52, ratio
    assert picture.image[lungs & ~heart].mean() < 0.8 * picture.image[heart].mean()
    assert 0 < columns[0] and columns[-1] < 127, "the chest lies inside the field"


def test_a_lateral_view_has_no_ruler_edge(anyone: Person) -> None:
    volume, _ = anyone
    thickness = volume.body.sum(axis=2) * SPACING_MM
    rows = transform_points(volume.ras_from_ijk, np.array([[0.0, j, 0.0] for j in range(thickness.shape[1])]))
    slices = slice(*(int((z - volume.ras_from_ijk[2, 3]) / SPACING_MM) for z in (-110, -10)))
    flank = thickness[slices][:, np.abs(rows[:, 1] + 15) < 18].mean(axis=0)
    assert np.abs(np.diff(flank, 2)).max() < 3, "the flank's thickness bends nowhere at once"


# --- findings -----------------------------------------------------------------------------------------------


def test_lesions_are_nodules_inside_lungs(person: Person) -> None:
    volume, structures = thorax(seed=1, spacing_mm=SPACING_MM, lesions=4)
    lungs = structures.mask("lung_left") | structures.mask("lung_right")
    assert [name for name in structures.names if name.startswith("lesion")] == [
        f"lesion_{n}" for n in range(1, 5)
    ]
    for number in range(1, 5):
        mask = structures.mask(f"lesion_{number}")
        assert not (mask & ~lungs).any()
        assert volume.hu[mask].mean() > person[0].hu[mask].mean() + 300
        assert 3e-4 < mask.sum() * SPACING_MM**3 / 1e6 < 0.025


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_effusion_is_fluid_at_the_base(person: Person, side: str) -> None:
    volume, structures = thorax(seed=1, spacing_mm=SPACING_MM, effusion=side)
    fluid = structures.mask(f"pleural_effusion_{side}")
    assert -20 < volume.hu[fluid].mean() < 45
    assert 0.2 < litres(structures, f"pleural_effusion_{side}") < 1.5
    lung = f"lung_{side}"
    assert litres(structures, lung) < litres(person[1], lung) - 0.2
    assert not (fluid & structures.mask(lung)).any()
    z, air = points(structures, f"pleural_effusion_{side}")[:, 2], points(structures, lung)[:, 2]
    assert z.mean() < air.mean() - 60
    right_share = (points(structures, f"pleural_effusion_{side}")[:, 0] > 0).mean()
    # The right pleura reaches over the midline, before and behind the heart.
    assert right_share > 0.95 if side == "right" else right_share < 0.02


@pytest.mark.parametrize("lobe", LOBES)
def test_a_collapsed_lobe_shrinks_and_loses_its_air(person: Person, lobe: str) -> None:
    volume, structures = thorax(seed=1, spacing_mm=SPACING_MM, collapse=lobe)
    side, part = lobe.split("_")
    name = f"lung_{part}_lobe_{side}"
    assert np.array_equal(structures.mask(f"collapse_{lobe}"), structures.mask(name))
    assert litres(structures, name) < 0.65 * litres(person[1], name)
    assert litres(structures, f"lung_{side}") < litres(person[1], f"lung_{side}")
    assert -150 < volume.hu[structures.mask(name)].mean() < 80


@pytest.mark.parametrize(
    "bad",
    [
        {"seed": 1.5},
        {"seed": True},
        {"seed": "one"},
        {"spacing_mm": 0.0},
        {"spacing_mm": 20},
        {"spacing_mm": float("nan")},
        {"lesions": -1},
        {"lesions": 99},
        {"lesions": 1.0},
        {"effusion": "both"},
        {"collapse": "left_middle"},
    ],
)
def test_bad_arguments_are_refused_in_one_line(bad: dict[str, object]) -> None:
    with pytest.raises(NerpError) as error:
        thorax(**bad)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
