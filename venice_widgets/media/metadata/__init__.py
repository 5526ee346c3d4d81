"""Metadata inside image files: PNG, JPEG and WebP containers, EXIF, XMP, infotext, our recipe."""
