"""What the voxels of a CT tell: a chest that is none."""

from __future__ import annotations

import numpy as np
from nerp import Volume, thorax
from nerp.content import lung_share
from patients import block


def test_a_ct_without_lungs_is_doubted_and_a_chest_is_not() -> None:
    chest, _ = thorax(seed=1, spacing_mm=4.0)
    assert 0.1 < lung_share(chest) < 0.4
    fifth = len(chest.hu) // 5
    abdomen = Volume(chest.hu[:fifth], chest.ras_from_ijk, name="belly")
    assert "belly shows next to no lung; is this a chest CT?" in abdomen.notices
    assert not [notice for notice in chest.notices if "no lung" in notice]
    assert not [notice for notice in block()[0].notices if "no lung" in notice]


def test_a_ct_without_air_gets_one_doubt() -> None:
    solid = Volume(np.full((8, 8, 8), 40, np.int16), np.diag([4.0, 4, 4, 1]), body=False)
    (told,) = solid.notices
    assert "has no air" in told
