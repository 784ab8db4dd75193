"""The Slicer side of NeRP: scene, clients of the engine's processes, panels. Never torch, monai or numba."""
