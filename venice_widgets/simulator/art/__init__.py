"""The drawn scenery that stands in for a model's image."""
