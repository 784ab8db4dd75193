"""[Set up...] of the trainer: torch by its own extension, MONAI and safetensors with one consent."""

from __future__ import annotations

import importlib.util

import slicer
from nerp.models import lacking_packages
from slicer.i18n import tr as _

from .setUp import FOLDER, NETWORK, SetUp, asked, wheelsFolder

REQUIREMENTS = {"torch": "torch>=2.8", "monai": "monai>=1.6", "safetensors": "safetensors>=0.5"}
"""As pyproject.toml has them for training."""


class TrainerSetUp(SetUp):
    """The conversation about installing what training needs."""

    def lacking(self) -> list[str]:
        """The packages that are not there; none is loaded into Slicer's own process."""
        return lacking_packages()

    def open(self) -> None:
        """Say what there is; ask how to install what is missing."""
        lacking = self.lacking()
        if not lacking:
            slicer.util.infoDisplay(_("Nothing is missing: training can start."))
            return
        way = self.ask(lacking)
        if way == NETWORK:
            self._fromNetwork(lacking)
        elif way == FOLDER:
            folder = wheelsFolder()
            if folder is not None:
                self.install([REQUIREMENTS[name] for name in lacking], folder)

    def ask(self, lacking: list[str]) -> str:
        return asked(
            _("Set up NeRP Trainer"),
            _("Training needs {0}.").format(", ".join(lacking)),
            _(
                "They are installed into Slicer's Python and may take some GB; Slicer's own packages stay as "
                "they are. torch comes by Slicer's extension PyTorch, which knows what fits this computer."
            ),
            _("Not now"),
        )

    def _fromNetwork(self, lacking: list[str]) -> None:
        if "torch" in lacking:
            if importlib.util.find_spec("PyTorchUtils") is None:
                self._panel.tell(
                    _(
                        "torch is missing: install the extension PyTorch in the Extensions Manager, restart "
                        "Slicer and start again; or choose a folder of wheels."
                    )
                )
                return
            import PyTorchUtils

            try:
                PyTorchUtils.PyTorchUtilsLogic().installTorch(
                    askConfirmation=False, torchVersionRequirement=REQUIREMENTS["torch"].removeprefix("torch")
                )
            except Exception as error:  # whatever another extension raises
                line = (str(error).strip() or type(error).__name__).splitlines()[0]
                self._panel.tell(_("torch was not installed: {0}").format(line))
                return
            lacking = self.lacking()
        if "torch" in lacking:
            self._panel.tell(_("torch was not installed: see the extension PyTorch."))
        elif lacking:
            self.install([REQUIREMENTS[name] for name in lacking], None)
        else:
            self._panel.tell(_("Installed: training can start."))
        self._panel.refreshSoon()

    def _whenInstalled(self) -> None:
        self._panel.tell(_("Installed: training can start."))
