"""Real films in the shape of a run's sample pictures, to be looked at beside them."""

from __future__ import annotations

import numpy as np

ROWS = 2
"""As sample pictures have: the fixed radiance above, the learned one below."""


def film_sheet(films: np.ndarray, columns: int) -> np.ndarray:
    """The first films in a grid, row by row; places that no film is left for are black.

    Args:
        films: float32 ``[n, size, size]`` in [0, 1].
        columns: films side by side.

    Returns:
        grey levels ``[2 size, columns size]`` uint8.
    """
    size = films.shape[1]
    sheet = np.zeros((ROWS, size, columns, size), np.float32)
    for number, film in enumerate(films[: ROWS * columns]):
        sheet[number // columns, :, number % columns] = film
    return np.rint(255 * sheet).astype(np.uint8).reshape(ROWS * size, columns * size)
