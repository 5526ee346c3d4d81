"""What others can read: the log as JSONL, CSV, a zip to be imported elsewhere, an RO-Crate, or images with recipes.

The ending of the path says which: ``runs.jsonl``, ``runs.csv``, ``study.zip``; a folder becomes an RO-Crate. Runs that
are still in flight are left out and counted. Nothing that exists is overwritten.
"""

from .exporter import Exported, export, export_images
from .import_zip import Imported, import_zip

__all__ = ["Exported", "Imported", "export", "export_images", "import_zip"]
