"""The trained models that pictures can be drawn by: which there are, which is chosen, and whether the worker
has computed what it makes of the CT."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nerp.models import ModelDescription, find_models, lacking_packages
from slicer.i18n import tr as _

from .client.renderClient import RenderClient, Reply
from .modelFolders import modelFolders


class Models:
    """Models for the methods that need one.

    :param settings: gives the parameter node wrapper.
    :param client: the render worker's client.
    :param onProgress: called with a share from 0 to 1 and what is being done; None at the end.
    :param tell: called with one line for people.
    :param whenReady: called when pictures by the chosen model can be drawn.
    """

    def __init__(
        self,
        settings: Callable[[], Any],
        client: RenderClient,
        onProgress: Callable[[float | None, str], None],
        tell: Callable[[str], None],
        whenReady: Callable[[], None],
    ) -> None:
        self._settings, self._client = settings, client
        self._onProgress, self._tell, self._whenReady = onProgress, tell, whenReady
        self._found: list[ModelDescription] = []
        self._refused: list[str] = []
        self._lacking: list[str] = []
        self._asked = self._ready = self._failed = ""
        self._request: int | None = None

    @property
    def busy(self) -> bool:
        """Whether the worker computes a CT's fields."""
        return self._request is not None

    def look(self) -> None:
        """Look for models and for what they need, in case anything has come."""
        known = self._refused
        self._found, self._refused = find_models(modelFolders())
        self._lacking = lacking_packages()
        for line in self._refused:
            if line not in known:
                self._tell(line)

    def of(self, method) -> list[ModelDescription]:
        """The models for a method."""
        return [model for model in self._found if method.needsModel and model.method == method.engine]

    @property
    def chosen(self) -> ModelDescription | None:
        """The model that the settings name; None where their method needs none or it is not here."""
        settings = self._settings()
        return next((m for m in self.of(settings.method) if m.sha256 == settings.model), None)

    def choose(self, model: ModelDescription | None) -> None:
        """Name a model in the settings, which the scene keeps."""
        if model is not None:
            settings = self._settings()
            settings.modelName = model.name
            settings.model = model.sha256

    def reason(self, method) -> str:
        """Why nothing can be drawn by a method, "" where it can."""
        if not method.needsModel:
            return ""
        if method.name == "VRR" and self._lacking:
            return _("VRR needs {0} in Slicer's Python: press [Set up…] in the module NeRP Trainer.").format(
                ", ".join(self._lacking)
            )
        settings = self._settings()
        if method is settings.method and settings.model and self.chosen is None:
            return _(
                "The model {0} is not on this computer: choose another, or press [Find models…]."
            ).format(settings.modelName)
        if not self.of(method):
            return _("There is no model for it yet: train one, or press [Find models…] for one you have.")
        return ""

    # --- the worker -----------------------------------------------------------------------------------------

    def isReady(self) -> bool:
        """Whether a picture can be drawn now; if not, `whenReady` is called when it can, unless there is a
        reason against it or computing has failed."""
        method, model = self._settings().method, self.chosen
        if not method.needsModel:
            return True
        if model is None or self._ready == model.sha256:
            return model is not None
        if self._request is None and self._failed != model.sha256:
            self._onProgress(0.0, _("Preparing {0}").format(model.name))
            self._asked = model.sha256
            self._request = self._client.request(
                {"do": "model", "model": str(model.folder)},
                lambda reply: self._onAnswer(model, reply),
                lambda done, total, text: self._onProgress(done / total, text),
            )
        return False

    def follow(self) -> None:
        """The method or the model may be another one."""
        if self._asked != getattr(self.chosen, "sha256", ""):
            self.forget()

    def forget(self) -> None:
        """The CT is another one: nothing is computed for it yet."""
        self._drop()
        self._asked = self._ready = self._failed = ""
        self._client.withdraw("model")

    def retry(self) -> None:
        """Let what has failed or was cancelled be tried again."""
        self._failed = ""

    def cancel(self) -> None:
        """Compute no more, until a person asks for a picture again."""
        if self._request is not None:
            self._failed = getattr(self.chosen, "sha256", "")
            self._drop()
            self._tell(_("Preparing the model was stopped: press [Compute] to go on."))

    def _drop(self) -> None:
        if self._request is not None:
            self._client.forget(self._request)
            self._request = None
            self._onProgress(None, "")

    def _onAnswer(self, model: ModelDescription, reply: Reply) -> None:
        self._request = None
        self._onProgress(None, "")
        if "error" in reply:
            self._failed = model.sha256
            self._tell(reply["error"])
        elif "model" in reply:
            self._ready = model.sha256
            self._whenReady()


def methodLabel(settings) -> str:
    """What pictures are called: the method, and the model where one draws them."""
    return _label(settings.method, settings.modelName)


def pictureLabel(reply: Reply, settings) -> str:
    """What the picture of an answer is called, whatever the settings ask for meanwhile; theirs before any."""
    if "method" not in reply:
        return methodLabel(settings)
    model = reply.get("model")
    kinds = (kind for kind in type(settings.method) if kind.engine == reply["method"])
    kind = next(kind for kind in kinds if kind.needsModel == (model is not None))
    return _label(kind, model["name"] if model is not None else "")


def _label(method, modelName: str) -> str:
    return f"{method.label()} \u00b7 {modelName}" if method.needsModel else method.label()
