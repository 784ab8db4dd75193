"""What a worker keeps between requests, and what it does for each."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..display import display_of
from ..errors import NerpError
from ..geometry import Camera
from ..installation import gpu_names, processor_name
from ..models import lacking_packages
from ..phantom import thorax
from ..projector import Radiograph, backend_name, project
from ..projector.prepared import fixed_fields
from ..projector.radiograph import likeness
from ..projector.threads import thread_count
from ..radiance import Fields
from ..settings import LEARNED, METHODS, ExportSettings
from ..structures import Structures
from ..volume import Volume
from .bands import project_in_bands
from .buffers import DoubleBuffer, read_array, write_array
from .drawing import Drawing, frame_of, has_numba, method_of, seed_of, spacing_of, whole_number
from .example import example_film
from .layers import combined, label_map, structures_of
from .models import ModelShelf

if TYPE_CHECKING:
    from ..networks.model import RadianceModel

PROTOCOL = 1
SCALE_SIDE = 64
"""Pixels on the longer side of the fixed radiance's picture that sets a learned one's black and white."""
MANY_VOXELS = 40_000_000
"""From here on what is prepared for one method is forgotten when another is asked for: 4 bytes a voxel and
field."""

BUFFERS = ("picture", "masks", "lengths", "difference")
"""Arrays that go to the client."""

_EMPTY = Fields(np.zeros((2, 2, 2)), np.zeros((2, 2, 2)), np.eye(4))
"""What is drawn where masks alone are wanted."""

Request = Mapping[str, Any]
Reply = dict[str, Any]


class Session:
    """The state of one worker; a context manager that closes its files.

    Args:
        folder: where arrays pass.
        send: tells progress while a request is being answered.
    """

    def __init__(self, folder: Path, send: Callable[[Reply], None]) -> None:
        self.folder = folder
        self.volume: Volume | None = None
        self.structures: Structures | None = None
        self._selected: Structures | None = None
        self._voxels: dict[str, int] = {}
        self._drawn_by: tuple[str, str | None] = "", None
        self._models = ModelShelf()
        self._handed = 0
        self._send = send
        self._check: Callable[[], None] = lambda: None
        self._buffers = {name: DoubleBuffer(folder, name) for name in BUFFERS}

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        for buffer in self._buffers.values():
            buffer.close()

    def handle(self, request: dict[str, Any], check: Callable[[], None] = lambda: None) -> Reply:
        """Answer one request.

        Args:
            request: see docs/worker.md.
            check: called now and then; what it raises ends the work, and the session goes on.

        Raises:
            NerpError: it cannot be answered; the session goes on.
        """
        self._check = check
        answers = {
            "hello": self._hello,
            "volume": self._load_volume,
            "model": self._load_model,
            "structures": self._load_structures,
            "draw": self._draw,
            "example": self._example,
            "film": self._film,
            "save": self._save,
            "release": self._release,
        }
        name = request.get("do")
        if name not in answers:
            raise NerpError(f"There is no request {name!r}; known are {', '.join(answers)}, quit.")
        begin = time.perf_counter()
        reply = answers[name](request)
        return {**reply, "ms": round(1000 * (time.perf_counter() - begin), 1)}

    def forget_prepared(self) -> None:
        """Let go of everything that was derived from the volume for drawing, not of the volume itself."""
        # What is prepared lives as long as the very object that it was made from.
        self.volume = copy.copy(self.volume)

    # --- requests -------------------------------------------------------------------------------------------

    def _hello(self, request: Request) -> Reply:
        return {
            "protocol": PROTOCOL,
            "nerp": __version__,
            "backend": backend_name(),
            "processor": processor_name(),
            "numba": has_numba(),
            "threads": thread_count(),
            # Loading torch takes seconds, so only who asks for GPUs waits for it.
            "gpus": gpu_names() if request.get("gpus") else None,
            "methods": [LEARNED, *METHODS],
            "lacking": lacking_packages(),
        }

    def _load_volume(self, request: Request) -> Reply:
        self.volume = None  # first: there may be no room for two
        tell = self._teller(request, 3)
        tell("reading the CT")
        hu = read_array(self.folder, request, "The CT")
        body = None if request.get("body", True) else False
        volume = Volume(hu, frame_of(request), body=body, name=str(request.get("name", "ct")))
        del hu
        tell("separating the patient from the couch")
        _ = volume.body
        tell("preparing to draw")
        self.volume = volume
        self._prepare(request)
        return self._described_volume()

    def _prepare(self, request: Request) -> None:
        """Derive what the first small picture needs, while a person is told to wait anyway."""
        with suppress(NerpError):
            self._drawn_by = method_of(request)
            camera = Camera.preset("PA", self._volume(), 16, 16)
            method, model = self._drawn_by
            project(self._source(request, method, model), camera, method, 16, preview=True)

    def _load_model(self, request: Request) -> Reply:
        """A CT's fields by a model, which take seconds: a person is told, and no picture of a camera that
        moves on gives them up."""
        self._tell_share(request, 0.0, "loading the model")
        folder = request.get("model")
        model = self._models.load(folder)
        self._turn_to({**request, "method": model.method, "model": folder})
        _ = self._source(request, model.method, str(folder))
        self._prepare({**request, "method": model.method})
        told = {"name": model.name, "sha256": model.hash, "method": model.method}
        return {"model": told, "volume": self._volume().hash}

    def _source(self, request: Request, method: str, model: str | None) -> Volume | Fields:
        """What a picture is drawn of; a model's fields are computed here unless they are there."""
        if model is None:
            return self._volume()
        return self._models.get(model, method)(self._volume(), partial(self._tell_share, request))

    def _turn_to(self, request: Request) -> None:
        """Forget what was prepared for another method where the CT is large."""
        if method_of(request) == self._drawn_by:
            return
        if self._volume().hu.size > MANY_VOXELS:
            self.forget_prepared()
            # What a small picture needs takes most memory while it is made: before a full one's is there.
            self._prepare(request)
        self._drawn_by = method_of(request)

    def _described_volume(self) -> Reply:
        volume = self._volume()
        return {
            "volume": {
                "name": volume.name,
                "shape": list(volume.shape),
                "ras_from_ijk": volume.ras_from_ijk.tolist(),
                "body_box": volume.body_box.tolist(),
                "hash": volume.hash,
                "notices": list(volume.notices),
            }
        }

    def _load_structures(self, request: Request) -> Reply:
        mode = request.get("mode", "replace")
        if mode not in ("replace", "add", "clear"):
            raise NerpError(f'Structures "replace", "add" or "clear", not {mode!r}.')
        if mode == "clear":
            self._keep(None)
        else:
            new = structures_of(read_array(self.folder, request, "The label map"), request)
            self._keep(
                new if mode == "replace" or self.structures is None else combined(self.structures, new)
            )
        return self._described_structures()

    def _keep(self, structures: Structures | None) -> None:
        self.structures, self._selected = structures, None
        self._voxels = structures.counts() if structures is not None else {}

    def _described_structures(self) -> Reply:
        kept = self.structures
        return {
            "structures": [
                {
                    "name": item.name,
                    "value": item.value,
                    "color": list(item.color),
                    "voxels": self._voxels[item.name],
                }
                for item in kept or ()
            ],
            "hash": kept.hash if kept is not None else None,
        }

    def _draw(self, request: Request) -> Reply:
        asked = Drawing.of(request, self.structures.names if self.structures is not None else ())
        if asked.picture:
            self._turn_to(request)
        drawn = self._drawn(request, asked)
        reply: Reply = {
            "camera": drawn.camera.to_dict(),
            "description": drawn.camera.description,
            "quality": "full" if asked.small is None else "small",
            "volume": self._volume().hash,
        }
        if asked.picture:
            reply["picture"] = self._buffers["picture"].write(drawn.image)
            reply.update(method=drawn.method, samples=drawn.samples, display=display_of(drawn).to_dict())
            if drawn.model is not None:
                reply["model"] = {"name": drawn.model.name, "sha256": drawn.model.sha256}
            if asked.difference:
                reply.update(self._difference(asked, drawn))
        return {**reply, **(self._masks(asked, drawn) if asked.names else {})}

    def _difference(self, asked: Drawing, drawn: Radiograph) -> Reply:
        """What the model changed: its picture less the fixed radiance's of the same camera."""
        if self._volume().hu.size > MANY_VOXELS:
            raise NerpError(
                "This CT is too large to draw both radiances of; choose other masks than the difference."
            )
        model = self._models.get(str(asked.model), asked.method)
        fixed = fixed_fields(self._volume(), model.opacity_ratio)
        same = drawn.camera, "fixed", drawn.samples or 1, None, None
        plain = project_in_bands(self._check, fixed, *same)
        return {
            "difference": self._buffers["difference"].write(drawn.image - plain.image),
            "correlation_with_fixed": likeness(drawn, plain),
        }

    def _drawn(self, request: Request, asked: Drawing) -> Radiograph:
        if not asked.picture or asked.model is None:
            return self._projected(self._volume() if asked.picture else _EMPTY, asked)
        model = self._models.get(asked.model, asked.method)
        picture = self._projected(self._source(request, asked.method, asked.model), asked)
        return model.marked(picture, self._scale(model, picture, asked.camera))

    def _scale(self, model: RadianceModel, picture: Radiograph, camera: Camera) -> Radiograph | None:
        """The fixed radiance's picture, small: what is black and white; None of a CT too large for both."""
        if model.mapper is None:
            return picture
        if self._volume().hu.size > MANY_VOXELS:
            return None
        scale = 2 * SCALE_SIDE / max(camera.rows, camera.columns)
        small = camera.resized(max(2, round(scale * camera.rows)), max(2, round(scale * camera.columns)))
        fixed = fixed_fields(self._volume(), model.opacity_ratio)
        return project(fixed, small, "fixed", 4 * SCALE_SIDE, preview=True)

    def _projected(self, source: Volume | Fields, asked: Drawing) -> Radiograph:
        camera, samples = asked.camera, asked.samples
        if asked.small is not None:
            rows, columns, samples = asked.small
            camera = camera.resized(rows, columns)
        rest = self._chosen(asked.names), asked.window_hu
        if asked.small is None or not asked.picture:
            return project_in_bands(self._check, source, camera, asked.method, samples, *rest)
        # A preview has half of what it is asked for.
        camera = asked.camera.resized(2 * camera.rows, 2 * camera.columns)
        return project(source, camera, asked.method, 2 * samples, *rest, preview=True)

    def _chosen(self, names: tuple[str, ...]) -> Structures | None:
        """The named structures alone: fewer are drawn faster, so they are kept for the next picture."""
        if self.structures is None or not names:
            return None
        if names == self.structures.names:
            return self.structures
        if self._selected is None or self._selected.names != names:
            self._selected = self.structures.select(names)
        return self._selected

    def _masks(self, asked: Drawing, picture: Radiograph) -> Reply:
        """Masks in the form asked for, and path lengths of the structures asked for."""
        masks = np.array([picture.mask(name, asked.threshold_mm(name)) for name in asked.names])
        reply: Reply = {
            "names": asked.names,
            "empty": [name for name, mask in zip(asked.names, masks, strict=True) if not mask.any()],
        }
        if asked.masks == "labels":
            labels = label_map(masks, [self._voxels[name] for name in asked.names])
            reply["masks"] = self._buffers["masks"].write(labels)
        elif asked.masks == "bits":
            reply["masks"] = self._buffers["masks"].write(np.packbits(masks, axis=-1))
        if asked.lengths:
            lengths = np.stack([picture.path_length[name] for name in asked.lengths])
            reply["lengths"] = {**self._buffers["lengths"].write(lengths), "names": asked.lengths}
        return reply

    def _example(self, request: Request) -> Reply:
        self._release(request)
        tell = self._teller(request, 3)
        tell("building the example patient")
        drawn, structures = thorax(seed_of(request), spacing_of(request))
        tell("separating the patient from the couch")
        # Found, not known: the CT is drawn alike when it comes back from a saved scene or is exported.
        self.volume = Volume(drawn.hu, drawn.ras_from_ijk, name=drawn.name)
        _ = self.volume.body
        tell("preparing to draw")
        self._keep(structures)
        self._prepare(request)
        return {
            "ct": self._hand_over("ct", self.volume.hu),
            "labels": self._hand_over("labels", structures.combination),
            "combinations": [list(members) for members in structures.combinations],
            **self._described_volume(),
            **self._described_structures(),
        }

    def _film(self, request: Request) -> Reply:
        tell = self._teller(request, 1)
        tell("building the example radiograph")
        size = whole_number(request, "rows", 512), whole_number(request, "columns", 512)
        grey, camera = example_film(seed_of(request), *size, spacing_of(request))
        return {
            "film": self._hand_over("film", grey),
            "pixel_spacing_mm": list(camera.pixel_spacing_mm),
            "camera": camera.to_dict(),
            "name": "Example radiograph (synthetic)",
        }

    def _save(self, request: Request) -> Reply:
        folder, settings = request.get("folder"), request.get("settings")
        if not isinstance(folder, str) or not folder or "\0" in folder or not isinstance(settings, Mapping):
            raise NerpError("To save a picture, send a folder and settings with one camera.")
        # What writes files takes a while to load, and most workers never need it.
        from ..export.saving import save_view

        settings, model = ExportSettings.from_dict(settings), request.get("model")
        record = save_view(
            self._volume(),
            self.structures,
            settings,
            self.folder / folder,
            str(request.get("name", self._volume().name)),
            self._check,
            None if model is None else self._models.get(str(model), settings.method),
        )
        return {name: record[name] for name in ("id", "image", "masks", "empty_masks")}

    def _release(self, request: Request) -> Reply:
        self.volume = None
        self._keep(None)
        return {"released": True}

    def _hand_over(self, name: str, array: np.ndarray) -> Reply:
        self._handed += 1
        return write_array(self.folder, f"example-{name}-{self._handed}", array)

    # --- their parts ----------------------------------------------------------------------------------------

    def _volume(self) -> Volume:
        if self.volume is None:
            raise NerpError("There is no CT to draw; load one first.")
        return self.volume

    def _tell_share(self, request: Request, share: float, text: str) -> None:
        self._check()
        self._send({"request": request.get("request"), "progress": [round(100 * share), 100], "text": text})

    def _teller(self, request: Request, total: int) -> Callable[[str], None]:
        done = iter(range(total))

        def tell(text: str) -> None:
            self._check()
            self._send({"request": request.get("request"), "progress": [next(done), total], "text": text})

        return tell
