"""Models on disk and the pictures drawn with them: from the terminal, in a set, and as training draws."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path

import nerp
import numpy as np
import pytest
from learned_models import TONE, learned, patient, tone_only
from nerp import Camera, NerpError, Volume, fixed_radiance
from nerp.cli import main
from nerp.display import Display, display_of, thick_window_of
from nerp.models import METADATA, WEIGHTS, describe_model, find_models, named_model

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("safetensors")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Little tensors wait for threads longer than they are worked on."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def ct_file(tmp_path: Path) -> Path:
    import SimpleITK as sitk

    volume = patient()
    image = sitk.GetImageFromArray(volume.hu)
    image.SetSpacing((12.0, 12.0, 14.0))
    sitk.WriteImage(image, tmp_path / "ct.nii.gz")
    return tmp_path / "ct.nii.gz"


def numbers(path: Path) -> np.ndarray:
    import SimpleITK as sitk

    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0]


def pa(volume: Volume, size: int = 24) -> Camera:
    return Camera.preset("PA", volume, size, size)


# --- what is on disk ----------------------------------------------------------------------------------------


def test_a_description_needs_no_weights(tmp_path: Path) -> None:
    folder = learned(tmp_path / "run" / "model", name="a\nname")
    (folder / WEIGHTS).unlink()
    found = describe_model(tmp_path / "run")
    assert (found.folder, found.name, found.method, found.label) == (folder, "a name", "vrr", "VRR")
    with pytest.raises(NerpError, match=r"model\.safetensors cannot be read"):
        nerp.load_model(folder)


def test_the_hash_is_of_what_decides_the_pictures(tmp_path: Path) -> None:
    folder = tone_only(tmp_path / "one")
    first = describe_model(folder).sha256
    record = json.loads((folder / METADATA).read_text(encoding="utf-8"))

    def changed(**values: object) -> str:
        (folder / METADATA).write_text(json.dumps({**record, **values}), encoding="utf-8")
        return describe_model(folder).sha256

    assert changed(card={"name": "another"}) == first
    assert len({first, changed(opacity_ratio=50.0), changed(tone=[0.0, 1.0])}) == 3


def test_models_are_found_in_runs_and_folders_each_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nerp.models._shipped", list)
    tone_only(tmp_path / "b_run" / "model", "second")
    tone_only(tmp_path / "b_run_copy" / "model", "second")
    folder = tmp_path / "a"
    nerp.networks.model.RadianceModel(None, None, 8.0, 50.0, TONE, {"name": "First"}).save(folder)
    broken = tone_only(tmp_path / "broken")
    (broken / METADATA).write_text("{", encoding="utf-8")
    (tmp_path / "other").mkdir()
    found, refused = find_models([tmp_path, folder, tmp_path / "nowhere"])
    assert [model.name for model in found] == ["First", "second"]
    assert len(refused) == 1 and "metadata.json is damaged" in refused[0]


def test_the_one_model_that_nerp_comes_with_needs_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nerp.models.resource", lambda *parts: tmp_path / "shipped")
    with pytest.raises(NerpError, match=r"none comes with nerp.*nerp train"):
        named_model()
    film = tone_only(tmp_path / "shipped" / "films", "film look")
    assert named_model("film look").folder == named_model("films").folder == film
    with pytest.raises(NerpError, match="none comes with nerp"):
        named_model()
    folder = learned(tmp_path / "shipped" / "small")
    assert named_model().folder == named_model("little").folder == named_model("small").folder == folder
    learned(tmp_path / "shipped" / "other", name="other", seed=4)
    with pytest.raises(NerpError, match="choose one with --model: little, other"):
        named_model()
    with pytest.raises(NerpError, match=r"no model elsewhere.*comes with film look, little, other"):
        named_model("elsewhere")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"architecture": 7}, "names no architecture"),
        ({"sha256": 7}, "names no architecture and weights"),
        ({"tone": [0.0, 0.9, 0.5]}, "rises"),
        ({"tone": "abc"}, "lacks something"),
        ({"architecture": "resnet"}, "no mapper 'resnet'"),
        ({"sha256": None}, "is not the file"),
    ],
)
def test_a_damaged_description_is_refused_by_name(values: dict, told: str, tmp_path: Path) -> None:
    folder = learned(tmp_path / "model")
    record = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    (folder / METADATA).write_text(json.dumps({**record, **values}), encoding="utf-8")
    with pytest.raises(NerpError, match=told) as refused:
        nerp.load_model(folder)
    assert str(folder) in str(refused.value) and "\n" not in str(refused.value)


def test_info_lists_models_with_their_cards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nerp.models._shipped", list)
    learned(tmp_path / "run" / "model")
    assert main(["info", "--models", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "Model little: VRR" in told and "  data: none" in told
    assert main(["info", "--json", "--models", str(tmp_path)]) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert model["sha256"] == describe_model(tmp_path / "run").sha256


# --- fields and pictures ------------------------------------------------------------------------------------


def test_a_zero_head_draws_the_fixed_radiance(tmp_path: Path) -> None:
    volume, model = patient(), nerp.load_model(learned(tmp_path / "model", changed=0))
    picture = model.draw(volume, pa(volume), 64)
    expected = nerp.project(volume, pa(volume), "fixed", 64)
    assert np.abs(picture.image - expected.image).max() <= 1e-6
    assert picture.method == "vrr" and picture.model is not None
    assert picture.model.correlation_with_fixed == pytest.approx(1, abs=1e-6)


def test_what_is_not_the_body_stays_empty(tmp_path: Path) -> None:
    volume, model = patient(), nerp.load_model(learned(tmp_path / "model"))
    fields = model(volume)
    assert volume.removed.any() and not fields.opacity[~volume.body].any()
    assert (fields.opacity[volume.body] > 0).all()
    assert np.abs(fields.matter - fixed_radiance(volume).matter).max() > 0.01


def test_pictures_do_not_depend_on_how_the_array_lies(tmp_path: Path) -> None:
    """All 48 orders and directions of axes give one picture."""
    volume, model = patient(), nerp.load_model(learned(tmp_path / "model"))
    camera = pa(volume, 12)
    expected = nerp.project(model(volume), camera, samples=48).image
    for order in permutations(range(3)):
        for flips in product((False, True), repeat=3):
            turn = [axis for axis in range(3) if flips[axis]]
            old_from_new = np.zeros((4, 4))
            old_from_new[3, 3] = 1
            shape = [volume.shape[axis] for axis in order]
            for new, old in enumerate(order):
                sign = -1 if flips[new] else 1
                old_from_new[2 - old, 2 - new] = sign
                old_from_new[2 - old, 3] = shape[new] - 1 if flips[new] else 0
            other = Volume(
                np.flip(volume.hu.transpose(order), turn),
                volume.ras_from_ijk @ old_from_new,
                np.flip(volume.body.transpose(order), turn),
            )
            found = nerp.project(model(other), camera, samples=48).image
            assert np.abs(found - expected).max() <= 2e-6


def test_training_draws_the_same_picture(tmp_path: Path) -> None:
    """Training marches through a coarse copy of the CT: the Mapper sees means of means of its voxels and the
    march interpolates between fewer, so pictures correlate, and are equal where the grid is the same."""
    from nerp.datasets.coarse import coarse_volume
    from nerp.networks.learned import learned_matter, learned_opacity, residuals
    from nerp.training.patients import Patient

    volume, _ = nerp.thorax(seed=2, spacing_mm=6.0)
    model = nerp.load_model(learned(tmp_path / "model", changed=0.2))
    coarse = coarse_volume(volume, 8.0)
    trained, camera = Patient.of(coarse), pa(volume, 48)
    with torch.no_grad():
        found = residuals(model.mapper, trained.matter, trained.spacing_mm, model.mapper_mm)
        matter = learned_matter(trained.matter, found[:, :1])
        opacity = learned_opacity(trained.body, found[:, 1:], model.opacity_ratio)
        image = trained.pictures(matter, opacity, [camera], 128)[0][0].numpy()
    same_grid, drawn = model.draw(coarse, camera, 128), model.draw(volume, camera, 128)
    assert np.abs(same_grid.image - image).max() <= 1e-5
    inside = same_grid.opacity > 0
    assert drawn.model.correlation_with_fixed < 0.999, "the model changes something"
    assert np.corrcoef(drawn.image[inside], image[inside])[0, 1] > 0.99


def test_weights_of_any_precision_are_read(tmp_path: Path) -> None:
    import hashlib

    from safetensors.torch import load, save

    folder, volume = learned(tmp_path / "model"), patient()
    weights = load((folder / WEIGHTS).read_bytes())
    assert {value.dtype for value in weights.values()} == {torch.float16}
    expected = nerp.load_model(folder)(volume).matter
    content = save({name: value.float() for name, value in weights.items()})
    (folder / WEIGHTS).write_bytes(content)
    record = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    record["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / METADATA).write_text(json.dumps(record), encoding="utf-8")
    assert np.array_equal(nerp.load_model(folder)(patient()).matter, expected)


def test_what_progress_raises_ends_the_work_and_leaves_nothing(tmp_path: Path) -> None:
    volume, model = patient(), nerp.load_model(learned(tmp_path / "model"))
    shares: list[float] = []

    def stop(share: float, text: str) -> None:
        shares.append(share)
        if share > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model(volume, stop)
    assert not model.is_ready(volume) and shares == sorted(shares) and len(shares) > 3
    model(volume, lambda share, text: shares.append(share))
    assert model.is_ready(volume) and max(shares) <= 1


def test_too_little_memory_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr("nerp.networks.learned.learned_fields", full)
    with pytest.raises(NerpError, match="not enough memory for little on ct"):
        nerp.load_model(learned(tmp_path / "model"))(patient())


def test_black_and_white_are_the_fixed_pictures(tmp_path: Path) -> None:
    volume, model = patient(), nerp.load_model(learned(tmp_path / "model", changed=1.0))
    camera = nerp.Camera.preset("PA", volume, 48, 48)
    picture = model.draw(volume, camera, 64)
    shown = display_of(picture)
    assert (shown.low, shown.high) == thick_window_of(nerp.project(volume, camera, "fixed", 64))
    assert (shown.low, shown.high) != pytest.approx(thick_window_of(picture), rel=1e-3), "not its own"


def test_the_eye_sees_the_tone_curve_and_numbers_stay_raw(tmp_path: Path) -> None:
    volume, model = patient(), nerp.load_model(tone_only(tmp_path / "model"))
    picture, plain = model.draw(volume, pa(volume), 64), nerp.project(volume, pa(volume), "fixed", 64)
    assert np.array_equal(picture.image, plain.image) and picture.method == "fixed"
    thick = picture.opacity >= 0.5 * picture.opacity.max()
    low, high = np.percentile(picture.image[thick], (0.5, 99.5))
    assert display_of(picture) == Display(low, high, "tone", tone=TONE.grey)
    expected = TONE(np.clip((picture.image - low) / (high - low), 0, 1))
    assert np.abs(display_of(picture).grey(picture.image) / 255 - expected).max() <= 0.5 / 255 + 1e-6
    assert display_of(picture, "paper").curve == "linear"


# --- the terminal -------------------------------------------------------------------------------------------


def projected(ct_file: Path, out: Path, *more: str) -> dict:
    call = ["project", str(ct_file), "--out", str(out), "--size", "24", "--samples", "64", *more]
    assert main(call) == 0
    return json.loads((out / "projection.json").read_text(encoding="utf-8"))


def test_project_by_a_model_says_what_it_changed(
    ct_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = learned(tmp_path / "run" / "model")
    record = projected(ct_file, tmp_path / "out", "--method", "vrr", "--model", str(tmp_path / "run"))
    assert "VRR by little, correlation with the fixed radiance 0." in capsys.readouterr().err
    assert record["method"] == "vrr" and record["model"] == "little"
    assert record["model_sha256"] == describe_model(folder).sha256
    assert record["display"]["curve"] == "tone" and 0 < record["correlation_with_fixed"] < 0.9999
    volume = nerp.read_ct(ct_file)
    expected = nerp.load_model(folder).draw(volume, Camera.from_dict(record["camera"]), 64)
    assert np.array_equal(numbers(tmp_path / "out" / "radiograph.nrrd"), expected.image)
    again = projected(ct_file, tmp_path / "again", "--model", str(folder))
    assert again == record, "a model's method is known"


def test_project_by_a_tone_curve_is_never_called_vrr(
    ct_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tone_only(tmp_path / "model"))
    record = projected(ct_file, tmp_path / "out", "--model", folder)
    told = capsys.readouterr().err
    assert "fixed radiance, tone curve of film look" in told and "VRR" not in told
    assert (record["method"], record["model"], record["correlation_with_fixed"]) == (
        "fixed",
        "film look",
        1.0,
    )
    call = ["project", str(ct_file), "--out", str(tmp_path / "o"), "--model", folder, "--method"]
    for method in ("vrr", "drr"):
        assert main([*call, method]) == 2
        assert "film look are of the method fixed (Fixed radiance, tone curve)" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_the_learned_model_that_comes_along_draws(
    ct_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["project", str(ct_file), "--out", str(out), "--method", "vrr", "--size", "32"]) == 0
    assert "VRR by Small" in capsys.readouterr().err
    assert json.loads((out / "projection.json").read_text(encoding="utf-8"))["model_sha256"]


def test_vrr_without_a_model_says_how_to_get_one(
    ct_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nerp.models._shipped", list)
    assert main(["project", str(ct_file), "--out", str(tmp_path / "out"), "--method", "vrr"]) == 2
    told = capsys.readouterr().err
    assert "nerp train" in told and "--model" in told and told.count("\n") == 1
    assert main(["project", str(ct_file), "--out", str(tmp_path / "out"), "--model", str(tmp_path)]) == 2
    assert "is no model's folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_set_by_a_model_says_so_and_keeps_to_it(
    ct_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = learned(tmp_path / "one"), learned(tmp_path / "other", name="another", seed=4)
    call = ["export", str(ct_file), "--out", str(tmp_path / "set"), "--size", "16", "--samples", "48"]
    call += ["--raw", "--views"]
    assert main([*call, "1", "--method", "vrr", "--model", str(one)]) == 0
    assert main([*call, "2", "--model", str(one)]) == 0
    dataset = json.loads((tmp_path / "set" / "dataset.json").read_text(encoding="utf-8"))
    sha256 = describe_model(one).sha256
    assert (dataset["model"], dataset["model_sha256"]) == ("little", sha256)
    assert dataset["settings"]["model"] == sha256 and dataset["complete"]
    assert str(tmp_path) not in json.dumps(dataset), "no path of this machine"
    lines = (tmp_path / "set" / "projections.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    near = [record["correlation_with_fixed"] for record in records]
    assert len(near) == 2 and dataset["correlation_with_fixed"]["least"] == min(near) < 0.9999
    assert dataset["correlation_with_fixed"]["mean"] == pytest.approx(sum(near) / 2, abs=1e-6)
    assert {record["model_sha256"] for record in records} == {sha256}
    volume, camera = nerp.read_ct(ct_file), Camera.from_dict(records[1]["camera"])
    expected = nerp.load_model(one).draw(volume, camera, 48).image
    assert np.array_equal(numbers(tmp_path / "set" / "raw" / f"{records[1]['id']}.nrrd"), expected)
    capsys.readouterr()
    for wrong in (["--model", str(other)], ["--method", "fixed"]):
        assert main([*call, "2", *wrong]) == 2
        assert "model is " in capsys.readouterr().err


def test_an_export_job_draws_by_the_model_that_it_names(tmp_path: Path, ct_file: Path) -> None:
    from nerp.cli.job import KINDS
    from nerp.jobs import create
    from nerp.jobs.job import run_job
    from nerp.settings import ExportSettings

    folder = learned(tmp_path / "model")
    settings = ExportSettings(
        views=1, rows=16, columns=16, samples=48, method="vrr", model=describe_model(folder).sha256
    )
    configuration = {
        "cases": [{"name": "ct", "ct": str(ct_file), "labels": None}],
        "settings": settings.to_dict(),
        "out": str(tmp_path / "set"),
        "model": str(folder),
    }
    assert run_job(create(tmp_path / "job", "export", configuration), KINDS) == "done"
    assert json.loads((tmp_path / "set/dataset.json").read_text(encoding="utf-8"))["model"] == "little"
    other = {**configuration, "model": str(learned(tmp_path / "other", seed=4)), "out": str(tmp_path / "no")}
    with pytest.raises(NerpError, match="not the one that these settings name"):
        run_job(create(tmp_path / "second", "export", other), KINDS)
    assert not (tmp_path / "no").exists()


def test_a_saved_picture_is_by_the_model_that_it_names(tmp_path: Path) -> None:
    from nerp.export.saving import save_view
    from nerp.settings import ExportSettings

    volume, model = patient(), nerp.load_model(learned(tmp_path / "model"))
    camera = pa(volume, 16).to_dict()
    settings = ExportSettings(
        views=0, cameras=(camera,), rows=16, columns=16, samples=48, method="vrr", model=model.hash
    )
    record = save_view(volume, None, settings, tmp_path / "set", "ct", model=model)
    assert (record["method"], record["model"]) == ("vrr", "little")
    with pytest.raises(NerpError, match="not the one"):
        save_view(volume, None, settings, tmp_path / "other", "ct")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"method": "vrr"}, "needs a trained model"),
        ({"method": "drr", "model": "0" * 64}, "no part in the method drr"),
        ({"method": "fixed", "model": 7}, "named by its SHA-256"),
    ],
)
def test_settings_name_a_model_where_one_is_needed(values: dict, told: str) -> None:
    from nerp.settings import ExportSettings

    with pytest.raises(NerpError, match=told):
        ExportSettings(**values)


def test_without_torch_one_line_says_what_to_install(tmp_path: Path) -> None:
    """A tone curve needs none."""
    program = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in ("torch", "monai", "safetensors"):
            return self.finder.find_spec(name, path, target)
sys.meta_path = [Without(finder) for finder in sys.meta_path]
import nerp
from nerp.errors import NerpError
print(nerp.load_model(sys.argv[1]).name)
try:
    nerp.load_model(sys.argv[2])
except NerpError as error:
    print(error)
"""
    folders = str(tone_only(tmp_path / "tone")), str(learned(tmp_path / "learned"))
    done = subprocess.run(
        [sys.executable, "-c", program, *folders], check=True, capture_output=True, text=True
    )
    name, told = done.stdout.splitlines()
    assert name == "film look"
    assert "torch, monai, safetensors" in told and 'pip install "nerpslicer[train]"' in told
