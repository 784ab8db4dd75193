"""Lungs found in films without masks: what is plausible, what is shipped, what the cut films are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from nerp import Camera, NerpError, project, thorax
from nerp.datasets import Cache, find_xrays, load_lung_finder, prepare_xrays
from nerp.datasets.lung_finder import NAME, UnetLungFinder, plausible_lungs
from nerp.display import display_of
from nerp.io.xray import Xray
from training_files import film, lungs, write_picture

LEFT, RIGHT = lungs(96, 80)
FILM = film(96, 80)


def test_two_lungs_are_plausible_and_specks_and_holes_go() -> None:
    both = LEFT | RIGHT
    spoilt = both.copy()
    spoilt[2:4, 2:4] = True
    spoilt[40:44, 18:22] = False
    assert np.array_equal(plausible_lungs(spoilt, FILM), both)


@pytest.mark.parametrize(
    "found",
    [
        np.zeros((96, 80), bool),
        np.ones((96, 80), bool),
        LEFT,
        LEFT | (RIGHT & (np.arange(96)[:, None] < 24)),
        np.roll(LEFT | RIGHT, 40, axis=0) & (np.arange(96)[:, None] > 48),
        (LEFT | RIGHT)[:, :] & (np.abs(np.arange(96) - 43) < 8)[:, None],
    ],
    ids=["nothing", "everything", "one lung", "a stump", "at the edge", "a band"],
)
def test_what_cannot_be_two_lungs_is_none(found: np.ndarray) -> None:
    assert plausible_lungs(found, FILM) is None


def test_lungs_are_darker_than_what_is_between_them() -> None:
    assert plausible_lungs(LEFT | RIGHT, FILM.max() - FILM) is None
    assert plausible_lungs(LEFT | RIGHT, np.random.default_rng(0).uniform(0, 1, FILM.shape)) is None


@pytest.fixture(scope="module")
def finder() -> UnetLungFinder:
    pytest.importorskip("torch")
    pytest.importorskip("monai")
    return load_lung_finder()


@pytest.fixture(scope="module")
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """A digital thorax that the finder has not seen, not square, and its lungs."""
    volume, structures = thorax(1, 4)
    picture = project(
        volume,
        Camera.preset("PA", volume, 150, 128),
        "drr",
        structures=structures.select(["lung_left", "lung_right"]),
    )
    thick = picture.mask("lung_left", 15) | picture.mask("lung_right", 15)
    return display_of(picture).grey(picture.image, 16), thick


def test_the_shipped_finder_finds_the_lungs_of_a_drawn_film_with_borders(
    finder: UnetLungFinder, drawn: tuple[np.ndarray, np.ndarray]
) -> None:
    image, truth = (np.pad(array, ((20, 0), (0, 30))) for array in drawn)
    found = finder(Xray(image.astype(np.float32), None))
    assert found is not None and found.shape == image.shape
    assert (found & truth).sum() > 0.8 * found.sum(), "it finds lung"
    assert (found & truth).sum() > 0.5 * truth.sum(), "and most of what heart and spine do not hide"


def test_no_lungs_are_found_where_there_are_none(finder: UnetLungFinder) -> None:
    rng = np.random.default_rng(3)
    for image in (*rng.uniform(0, 255, (2, 90, 70)), np.mgrid[0:90, 0:70][0]):
        assert finder(Xray(image.astype(np.float32), None)) is None


def test_films_without_masks_are_cut_and_the_cache_knows_by_which_finder(
    finder: UnetLungFinder, drawn: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    image, _ = drawn
    write_picture(tmp_path / "films" / "one.png", image)
    cases, cache = find_xrays(tmp_path / "films"), Cache(tmp_path / "cache")
    (cut,) = prepare_xrays(cases, 64, 64, finder, cache)
    (whole,) = prepare_xrays(cases, 64, 64, cache=cache)
    assert whole.is_whole and not cut.is_whole and cut.lungs is not None
    rows, columns = (np.flatnonzero(cut.lungs.any(axis=axis)) for axis in (1, 0))
    longer = max(np.ptp(rows), np.ptp(columns)) + 1
    assert abs(longer * 1.16 - 64) <= 3, "the lungs and a margin of 8 % fill the picture"

    class Other(UnetLungFinder):
        def __call__(self, xray: Xray) -> None:
            return None

    other = Other(finder.unet, finder.size, finder.widths, "another")
    assert prepare_xrays(cases, 64, 64, other, cache)[0].is_whole
    assert not prepare_xrays(cases, 64, 64, finder, cache)[0].is_whole


def test_a_finder_is_written_and_read_and_a_damaged_one_refused(
    finder: UnetLungFinder, tmp_path: Path
) -> None:
    finder.save(tmp_path, {"name": "test"})
    again = load_lung_finder(tmp_path)
    assert again.key == finder.key
    film = np.random.default_rng(1).uniform(0, 1, (50, 40)).astype(np.float32)
    assert np.array_equal(again.probability(film), finder.probability(film))
    card, weights = tmp_path / f"{NAME}.json", tmp_path / f"{NAME}.safetensors"
    content = weights.read_bytes()
    assert len(content) < 700_000
    weights.write_bytes(content[:-1])
    with pytest.raises(NerpError, match="not the file"):
        load_lung_finder(tmp_path)
    weights.write_bytes(content)
    record = json.loads(card.read_text())
    for damaged in (
        {**record, "format": "other"},
        {**record, "widths": "many"},
        {"format": record["format"]},
    ):
        card.write_text(json.dumps(damaged))
        with pytest.raises(NerpError):
            load_lung_finder(tmp_path)
    card.unlink()
    with pytest.raises(NerpError, match="no lung finder"):
        load_lung_finder(tmp_path)
