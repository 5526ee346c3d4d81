"""From a priced request to stored images: what is prepared, sent, awaited and shown."""
