"""The engine's processes seen from Slicer: the render worker, jobs, installation. No Python threads."""
