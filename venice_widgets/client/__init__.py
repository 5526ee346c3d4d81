"""The HTTP API: requests, credentials, responses, errors, the cached catalogue."""
