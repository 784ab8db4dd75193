"""The panel: one class and one form for each section, over one parameter node."""
