"""Small pictures while the camera moves, a full one once it has rested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

from .renderClient import RenderClient, Reply

REST_MS = 200
"""Transform handles send no end event: a camera that has not moved this long has been let go."""


class LivePreview:
    """Asks for pictures as fast as they come and no faster.

    :param client: the render worker's client.
    :param describe: gives the draw request for the camera as it stands, or None where nothing can be drawn;
        its argument tells whether the picture is to be a full one.
    :param show: called with the answer to a picture that nothing newer has replaced.
    """

    def __init__(
        self,
        client: RenderClient,
        describe: Callable[[bool], dict[str, Any] | None],
        show: Callable[[Reply], None],
    ) -> None:
        self._client, self._describe, self._show = client, describe, show
        self._number: int | None = None
        self._movedSince = False
        self._fullWanted = False
        self._rest = qt.QTimer()
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.connect("timeout()", self.drawFull)

    @property
    def active(self) -> bool:
        """Whether a picture is awaited or will be asked for."""
        return self._number is not None or self._fullWanted or self._rest.isActive()

    def moved(self) -> None:
        """The camera has moved: a small picture now, a full one after a rest."""
        self._rest.start()
        self._fullWanted = False
        if self._number is None:
            self._ask(full=False)
        else:
            self._movedSince = True

    def drawFull(self) -> None:
        """A full picture of the camera as it stands."""
        self._rest.stop()
        self._movedSince = False
        if self._number is None:
            self._ask(full=True)
        else:
            self._fullWanted = True

    def cancel(self) -> None:
        """Drop what was asked for; the picture that is shown stays."""
        self._rest.stop()
        self._movedSince = self._fullWanted = False
        if self._number is not None:
            self._client.forget(self._number)
            self._number = None

    def _ask(self, full: bool) -> None:
        self._movedSince = False
        if full:
            self._fullWanted = False
        request = self._describe(full)
        if request is not None:
            self._number = self._client.request(request, self._onAnswer)

    def _onAnswer(self, reply: Reply) -> None:
        self._number = None
        moved = self._movedSince
        if self._movedSince:
            self._ask(full=False)
        elif self._fullWanted:
            self._ask(full=True)
        # A picture of a pose that has passed is still shown: the eye follows it.
        if "skipped" not in reply and not (moved and "error" in reply):
            self._show(reply)
