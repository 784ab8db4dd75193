"""The trained model that a session draws with; torch is loaded for it, and only then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import NerpError

if TYPE_CHECKING:
    from ..networks.model import RadianceModel


class ModelShelf:
    """Room for one model."""

    def __init__(self) -> None:
        self._folder = ""
        self._model: RadianceModel | None = None

    def load(self, folder: Any) -> RadianceModel:
        """The model in a folder, read anew.

        Raises:
            NerpError: there is none, it is damaged, or packages are missing.
        """
        if not isinstance(folder, str) or not folder:
            raise NerpError(f"A model is named by its folder, not by {folder!r}.")
        from ..networks.model import load_model

        new = load_model(folder)
        # What was computed for a CT by the very same model stays.
        if self._model is None or self._model.hash != new.hash:
            self._model = new
        self._folder = folder
        return self._model

    def get(self, folder: str, method: str) -> RadianceModel:
        """The model in a folder, read where it is not the one here, for a method.

        Raises:
            NerpError: as in `load`, or its pictures are not of the method.
        """
        model = self._model
        if model is None or folder != self._folder:
            model = self.load(folder)
        if model.method != method:
            raise NerpError(f"Pictures of {model.name} are of the method {model.method}, not {method}.")
        return model
