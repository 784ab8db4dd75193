"""Training runs seen from Slicer: planned, followed, their pictures; no widgets here."""
