"""Files and folders: where the store is, how a file is written whole or not at all, and what differs by platform."""
