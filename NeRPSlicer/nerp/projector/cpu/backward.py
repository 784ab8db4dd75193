"""The adjoints of the marches: gradients to the fields and to the rays.

For emission and absorption a ray is marched again from the source outward. With I and A known from the
forward pass and P_i the light gathered up to sample i,

    dI/dm_i = T_i a_i,    dI/ds_i = d (T_{i+1} m_i - (I - P_i)),    dA/ds_i = d T_end,

and the derivatives to place and step length follow from the trilinear field's slope. Nothing of size rays x
samples is kept.
"""

from __future__ import annotations

import math

import numpy as np

from .cells import sample_pairs, scatter, slope_ones, slope_pairs
from .lanes import BLOCK, counted, first_lanes, last, running_sums, total
from .rays import PACKET, absorb, block_is_empty, compiled, helper, locate, point, probes_per_block


@helper
def _add_to_ray(entry_gradient, step_gradient, r, c, first, along_i, along_j, along_k):  # type: ignore[no-untyped-def]
    """What a block's samples pass on when they move: to where the ray enters and to its step."""
    steps = counted() + np.float32(first + 0.5)
    entry_gradient[r, c, 0] += total(along_i)
    entry_gradient[r, c, 1] += total(along_j)
    entry_gradient[r, c, 2] += total(along_k)
    step_gradient[r, c, 0] += total(along_i * steps)
    step_gradient[r, c, 1] += total(along_j * steps)
    step_gradient[r, c, 2] += total(along_k * steps)


@compiled
def emission_absorption_gradient_band(  # type: ignore[no-untyped-def]
    pairs,
    bricks,
    entry,
    step,
    step_mm,
    samples,
    first_row,
    end_row,
    image,
    accumulated,
    image_gradient,
    accumulated_gradient,
    with_fields,
    with_rays,
    pair_gradient,
    entry_gradient,
    step_gradient,
    mm_gradient,
):
    """Adds to ``pair_gradient`` (the layout of ``pairs``) if ``with_fields``; writes each ray's own three
    gradients if ``with_rays``. A ray passes empty bricks unchanged wherever it is moved: for rays alone they
    are skipped."""
    flat, flat_gradient = pairs.reshape(-1), pair_gradient.reshape(-1)
    step_j, step_k = pairs.shape[2] * 2, pairs.shape[1] * pairs.shape[2] * 2
    offset, scratch = np.empty(BLOCK, np.int32), np.empty(8 * BLOCK, np.float32)
    columns = image.shape[1]
    depth, behind, probes = np.empty(PACKET), np.empty(PACKET), np.empty(PACKET, np.int64)
    for r in range(first_row, end_row):
        for first_column in range(0, columns, PACKET):
            lanes = min(PACKET, columns - first_column)
            for lane in range(lanes):
                c = first_column + lane
                depth[lane], behind[lane] = 0, image[r, c]
                probes[lane] = probes_per_block(point(step, r, c), BLOCK - 1)
                if with_rays:
                    mm_gradient[r, c] = 0
                    for a in range(3):
                        entry_gradient[r, c, a], step_gradient[r, c, a] = 0, 0
            for first in range(0, samples, BLOCK):
                count = min(BLOCK, samples - first)
                for lane in range(lanes):
                    c = first_column + lane
                    if step_mm[r, c] == 0:
                        continue
                    start, along = point(entry, r, c), point(step, r, c)
                    if not with_fields and block_is_empty(
                        bricks, start, along, first + 0.5, BLOCK - 1, probes[lane]
                    ):
                        continue
                    base, fractions = locate(start, along, first, pairs.shape, 2, offset)
                    matter, opacity = sample_pairs(flat, base, offset, step_j, step_k, fractions)
                    opacity = first_lanes(opacity, count)
                    before, weight, depth[lane] = absorb(opacity, step_mm[r, c], depth[lane])
                    gathered = running_sums(weight * matter)
                    rest = gathered - np.float32(behind[lane])
                    behind[lane] -= last(gathered)
                    to_image = np.float32(image_gradient[r, c])
                    at_end = np.float32(accumulated_gradient[r, c] * (1 - accumulated[r, c]))
                    share = ((before - weight) * matter + rest) * to_image + at_end
                    to_matter = weight * to_image
                    to_opacity = first_lanes(share * np.float32(step_mm[r, c]), count)
                    if with_fields:
                        fi, fj, fk = fractions
                        gi = np.float32(1) - fi
                        ends = gi * to_matter, gi * to_opacity, fi * to_matter, fi * to_opacity
                        scatter(flat_gradient, base, offset, step_j, step_k, ends, fj, fk, count, scratch)
                    if with_rays:
                        mm_gradient[r, c] += total(share * opacity)
                        mi, oi, mj, oj, mk, ok = slope_pairs(flat, base, offset, step_j, step_k, fractions)
                        along_i = mi * to_matter + oi * to_opacity
                        along_j = mj * to_matter + oj * to_opacity
                        along_k = mk * to_matter + ok * to_opacity
                        _add_to_ray(entry_gradient, step_gradient, r, c, first, along_i, along_j, along_k)


@compiled
def sampled_integral_gradient_band(  # type: ignore[no-untyped-def]
    padded,
    bricks,
    entry,
    step,
    step_mm,
    samples,
    first_row,
    end_row,
    image,
    image_gradient,
    with_field,
    with_rays,
    gradient,
    entry_gradient,
    step_gradient,
    mm_gradient,
):
    """The adjoint of the line integral d sum_i v_i, as `emission_absorption_gradient_band`."""
    flat, flat_gradient = padded.reshape(-1), gradient.reshape(-1)
    step_j, step_k = padded.shape[2], padded.shape[1] * padded.shape[2]
    offset, scratch = np.empty(BLOCK, np.int32), np.empty(8 * BLOCK, np.float32)
    columns = image.shape[1]
    for r in range(first_row, end_row):
        if with_rays:
            for c in range(columns):
                for a in range(3):
                    entry_gradient[r, c, a], step_gradient[r, c, a] = 0, 0
                mm_gradient[r, c] = 0
                if step_mm[r, c] > 0:
                    mm_gradient[r, c] = image_gradient[r, c] * (image[r, c] / step_mm[r, c])
        for first_column in range(0, columns, PACKET):
            for first in range(0, samples, BLOCK):
                count = min(BLOCK, samples - first)
                for c in range(first_column, min(first_column + PACKET, columns)):
                    to_value = np.float32(image_gradient[r, c] * step_mm[r, c])
                    if to_value == 0:
                        continue
                    start, along = point(entry, r, c), point(step, r, c)
                    if not with_field and block_is_empty(
                        bricks, start, along, first + 0.5, BLOCK - 1, probes_per_block(along, BLOCK - 1)
                    ):
                        continue
                    base, fractions = locate(start, along, first, padded.shape, 1, offset)
                    if with_field:
                        fi, fj, fk = fractions
                        ends = to_value - to_value * fi, to_value * fi
                        scatter(flat_gradient, base, offset, step_j, step_k, ends, fj, fk, count, scratch)
                    if with_rays:
                        slopes = slope_ones(flat, base, offset, step_j, step_k, fractions)
                        along_i = first_lanes(slopes[0] * to_value, count)
                        along_j = first_lanes(slopes[1] * to_value, count)
                        along_k = first_lanes(slopes[2] * to_value, count)
                        _add_to_ray(entry_gradient, step_gradient, r, c, first, along_i, along_j, along_k)


def rows_apart(
    ras_from_ijk: np.ndarray,
    ras_from_camera: np.ndarray,
    pixel_from_camera: np.ndarray,
    rows: int,
    entry: np.ndarray,
    step_mm: np.ndarray,
) -> int:
    """How many rows must lie between two rays so that they can never touch the same voxel.

    All rays of a row lie in one plane through the focal spot. At depth z two planes that are g rows apart
    are at least D = z g / K_11 cos(theta) apart along the first one's normal n, and points that far apart
    differ by at least D / |L^T n|_1 voxels along some axis, with L the linear part of ras_from_ijk. Two
    voxels keep footprints apart.

    Args:
        entry: ``[rows, columns, 3]`` padded indices where rays enter.
        step_mm: ``[rows, columns]``; 0 for rays that miss, which do not count.
    """
    hit = step_mm > 0
    if not hit.any():
        return 1
    camera_from_ijk = np.linalg.inv(ras_from_camera) @ ras_from_ijk
    nearest = float(((entry[hit] - 1) @ camera_from_ijk[2, :3] + camera_from_ijk[2, 3]).min())
    slope = (np.arange(rows) - pixel_from_camera[1, 2]) / pixel_from_camera[1, 1]
    cosine = 1 / np.sqrt(1 + slope**2)
    normals = np.stack([np.zeros(rows), cosine, -slope * cosine])
    need = 2 * np.abs(camera_from_ijk[:3, :3].T @ normals).sum(axis=0).max()
    per_row = nearest * cosine.min() / abs(pixel_from_camera[1, 1])
    return rows if per_row <= 0 else min(rows, math.ceil(need / per_row) + 1)
