"""Bytes alone: format by content, previews, recipes inside files, comparison."""
