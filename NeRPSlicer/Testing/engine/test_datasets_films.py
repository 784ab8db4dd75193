"""Films made alike: borders, lungs, squares, grey levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nerp import NerpError
from nerp.datasets import (
    Cache,
    Cases,
    XrayCase,
    film_window,
    find_xrays,
    prepare_lungs,
    prepare_xray,
    prepare_xray_case,
    prepare_xrays,
)
from nerp.datasets.films import Window, resized
from nerp.io.xray import Xray
from training_files import film, lungs, write_mask, write_picture


def picture(rows: int = 200, columns: int = 200, seed: int = 0) -> np.ndarray:
    return film(rows, columns, seed).astype(np.float32)


def test_grey_levels_run_between_percentiles() -> None:
    image = picture()
    prepared = prepare_xray(Xray(image, None), rows=100, columns=100)
    assert prepared.shape == (100, 100) and prepared.dtype == np.float32
    assert prepared.min() == 0 and prepared.max() == 1
    assert 0.003 < (prepared == 0).mean() < 0.012 and 0.003 < (prepared == 1).mean() < 0.012
    brighter = prepare_xray(Xray(3 * image + 500, None), rows=100, columns=100)
    assert np.allclose(prepared, brighter, atol=1e-4)


def test_one_bright_corner_rescales_nothing() -> None:
    image = picture()
    marked = image.copy()
    marked[:6, :6] = 60000
    plain, with_mark = (prepare_xray(Xray(one, None), rows=100, columns=100) for one in (image, marked))
    assert np.abs(plain - with_mark)[10:].max() < 0.05


@pytest.mark.parametrize("level", [0, 5000], ids=["black", "white"])
def test_borders_go_with_letters_in_them(level: float) -> None:
    image = np.full((260, 300), level, np.float32)
    image[30:230, 70:270] = picture()
    image[10:14, 100:106] = 4000
    assert film_window(image) == Window(30, 70, 200, 200)
    assert film_window(picture()) == Window(0, 0, 200, 200)


def test_a_film_mostly_black_is_not_all_border() -> None:
    image = np.zeros((200, 200), np.float32)
    image[90:110, 90:110] = picture(20, 20)
    assert film_window(image) == Window(0, 0, 200, 200)


def test_a_film_without_mask_is_cut_square_in_its_middle() -> None:
    assert film_window(picture(200, 260)) == Window(0, 30, 200, 200)
    assert film_window(picture(260, 200)) == Window(30, 0, 200, 200)
    assert film_window(picture(260, 200), np.zeros((260, 200), bool)) == Window(30, 0, 200, 200)
    assert film_window(picture(200, 260), aspect=2.0) == Window(35, 0, 130, 260)


def test_lungs_and_margin_are_kept() -> None:
    mask = np.zeros((400, 500), bool)
    mask[120:220, 150:350] = True
    window = film_window(picture(400, 500), mask, margin=0.1)
    assert window == Window(50, 130, 240, 240)
    half = mask[::2, ::2]
    assert film_window(picture(400, 500), half, margin=0.1) == window
    low = np.zeros((400, 500), bool)
    low[250:395, 150:350] = True
    moved = film_window(picture(400, 500), low, margin=0.1)
    assert moved.top + moved.height == 400 and moved.height == moved.width == 240


def test_a_window_too_large_for_the_film_shrinks_about_the_lungs() -> None:
    mask = np.zeros((300, 500), bool)
    mask[20:280, 100:480] = True
    window = film_window(picture(300, 500), mask, margin=0.1)
    assert window == Window(0, 140, 300, 300)


def test_a_mask_of_another_film_is_refused() -> None:
    with pytest.raises(NerpError, match="choose the mask of this X-ray"):
        film_window(picture(200, 200), np.ones((200, 230), bool))


def test_the_mask_follows_its_film() -> None:
    left, right = lungs(300, 400)
    mask = left | right
    image = np.where(mask, 0.0, 1000.0).astype(np.float32)
    window = film_window(image, mask)
    prepared = prepare_xray(Xray(image, None), mask, 96, 96)
    followed = prepare_lungs(mask, window, image, 96, 96)
    assert ((prepared < 0.5) == followed).mean() > 0.995
    small = prepare_lungs(mask[::2, ::2], window, image, 96, 96)
    assert (small == followed).mean() > 0.97


def test_resizing_averages_what_falls_together() -> None:
    """A pattern finer than the new pixels becomes its mean: no aliasing; a ramp stays a ramp."""
    checks = (np.indices((160, 160)).sum(axis=0) % 2).astype(np.float32)
    assert np.allclose(resized(checks, 20, 20)[2:-2, 2:-2], 0.5, atol=0.01)
    ramp = np.tile(np.arange(160, dtype=np.float32), (160, 1))
    assert np.allclose(np.diff(resized(ramp, 20, 20)[10, 2:-2]), 8, atol=1e-3)
    with pytest.raises(NerpError, match="at least one row"):
        resized(ramp, 0, 4)


def write_films(folder: Path) -> Cases[XrayCase]:
    for n in range(3):
        write_picture(folder / "images" / f"f{n}.png", film(120, 100, n))
    write_mask(folder / "masks" / "f0.png", np.logical_or(*lungs(120, 100)))
    return find_xrays(folder)


class Finder:
    """Finds lungs in one film, and counts how often it was asked."""

    key = "test finder 1"

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, xray: Xray) -> np.ndarray | None:
        self.asked += 1
        return np.logical_or(*lungs(120, 100)) if self.asked == 1 else None


def test_films_are_prepared_once(tmp_path: Path) -> None:
    cases, cache, finder = write_films(tmp_path / "set"), Cache(tmp_path / "cache"), Finder()
    first = prepare_xrays(cases, 64, 64, finder, cache)
    assert [record.is_whole for record in first] == [False, False, True] and finder.asked == 2
    again = prepare_xrays(cases, 64, 64, finder, cache)
    assert finder.asked == 2
    for one, other in zip(first, again, strict=True):
        assert one.image.dtype == np.float32 and (one.image == other.image).all()
        assert one.name == other.name and one.is_whole == other.is_whole
        assert one.lungs is None or (other.lungs is not None and (one.lungs == other.lungs).all())
    assert (prepare_xray_case(cases[0], 64, 64).image == first[0].image).all()


def test_a_changed_film_mask_or_setting_is_prepared_anew(tmp_path: Path) -> None:
    cases, cache = write_films(tmp_path / "set"), Cache(tmp_path / "cache")
    first = prepare_xrays(cases, 64, 64, cache=cache)
    write_picture(cases[1].path, film(120, 100, 9))
    write_mask(cases[0].masks[0], lungs(120, 100)[0])
    again = prepare_xrays(cases, 64, 64, cache=cache)
    same = [(one.image == other.image).all() for one, other in zip(first, again, strict=True)]
    assert same == [False, False, True]
    assert prepare_xrays(cases, 32, 48, cache=cache)[0].image.shape == (32, 48)


def test_bad_films_are_left_out_and_listed(tmp_path: Path) -> None:
    write_films(tmp_path)
    write_picture(
        tmp_path / "images" / "photo.png", np.random.default_rng(0).integers(0, 255, (9, 9, 3), np.uint8)
    )
    write_mask(tmp_path / "images" / "white.png", np.ones((9, 9), bool))
    seen: list[tuple[int, int]] = []
    records = prepare_xrays(find_xrays(tmp_path), 32, 32, progress=lambda *at: seen.append(at))
    assert [record.name for record in records] == ["f0", "f1", "f2"]
    reasons = {path.name: why for path, why in records.cases.skipped}
    assert set(reasons) == {"photo.png", "white.png"} and "colour" in reasons["photo.png"]
    assert seen == [(n, 5) for n in range(1, 6)]
    only_bad = Cases((XrayCase("white", "white", tmp_path / "images" / "white.png"),))
    with pytest.raises(NerpError, match=r"no chest X-ray that can be used.*every pixel is the same"):
        prepare_xrays(only_bad)


def test_what_does_not_fit_in_memory_is_read_when_needed(tmp_path: Path) -> None:
    cases, cache = write_films(tmp_path / "set"), Cache(tmp_path / "cache")
    room = 64 * 64 * 4 + 64 * 64
    records = prepare_xrays(cases, 64, 64, cache=cache, memory_bytes=room)
    whole = prepare_xrays(cases, 64, 64, cache=cache)
    assert (records.in_memory, whole.in_memory) == (1, 3)
    assert all((one.image == other.image).all() for one, other in zip(records, whole, strict=True))
    assert [record.name for record in records[1:]] == ["f1", "f2"] and records[-1].name == "f2"
    with pytest.raises(IndexError):
        _ = records[3]
