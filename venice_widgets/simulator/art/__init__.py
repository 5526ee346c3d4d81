"""The scenery that is drawn in place of a model's image."""
