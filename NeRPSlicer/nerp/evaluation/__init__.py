"""How real pictures look and what became of the anatomy."""
