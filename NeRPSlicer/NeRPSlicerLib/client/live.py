"""Small pictures while the camera moves; once it has rested a full one, then its masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from .renderClient import RenderClient, Reply

REST_MS = 200
"""Transform handles send no end event: a camera that has not moved this long has been let go."""
SMALL, FULL, MASKS = "small", "full", "masks"


class LivePreview:
    """Asks for pictures as fast as they come and no faster: one is drawn, the next is of the newest pose.

    :param client: the render worker's client.
    :param describe: gives the draw request of a stage (`SMALL`, `FULL`, `MASKS`) for the camera as it stands;
        None where there is nothing to draw.
    :param show: called with the stage and the answer.
    """

    def __init__(
        self,
        client: RenderClient,
        describe: Callable[[str], dict[str, Any] | None],
        show: Callable[[str, Reply], None],
    ) -> None:
        self._client, self._describe, self._show = client, describe, show
        self._number: int | None = None
        self._stage = ""
        self._queue: list[str] = []
        self._rest = qt.QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.connect("timeout()", self.drawFull)

    @property
    def active(self) -> bool:
        """Whether a picture is awaited or will be asked for."""
        return self._number is not None or self._rest.isActive()

    def moved(self) -> None:
        """The camera has moved: a small picture now, a full one after a rest."""
        self._rest.start()
        self._queue = [SMALL]
        self._askInstead()

    def drawFull(self) -> None:
        """A full picture of the camera as it stands."""
        self._rest.stop()
        # A pose that nobody has seen yet is shown small first: the full picture may take seconds.
        self._queue = [*(stage for stage in self._queue if stage == SMALL), FULL]
        self._askInstead()

    def cancel(self) -> None:
        """Drop what was asked for; the picture that is shown stays."""
        self._rest.stop()
        self._queue = []
        self._takeBack()

    def _askInstead(self) -> None:
        """Ask for what is in the queue, and no more for a full picture or masks that came before it: they may
        take seconds."""
        if self._stage != SMALL:
            self._takeBack()
        self._askNext()

    def _takeBack(self) -> None:
        if self._number is not None:
            self._client.forget(self._number)
            self._number = None

    def _askNext(self) -> None:
        while self._queue and self._number is None:
            stage = self._stage = self._queue.pop(0)
            request = self._describe(stage)
            if request is not None:
                if stage == MASKS:  # of a picture that is there
                    request = {**request, "picture": False}
                self._number = self._client.request(
                    request, lambda reply, stage=stage: self._onAnswer(stage, reply)
                )

    def _onAnswer(self, stage: str, reply: Reply) -> None:
        self._number = None
        if stage == FULL and "picture" in reply and not self._queue:
            self._queue = [MASKS]
        moved = SMALL in self._queue
        # Asked first: the worker draws the next picture while this one is being shown. A picture of a pose
        # that has passed is shown too, the eye follows it; its failure is not worth a word.
        self._askNext()
        if "camera" in reply or ("error" in reply and not moved):
            self._show(stage, reply)
