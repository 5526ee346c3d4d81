"""Run roc-validator on a folder without any network: ``python validate_crate.py CRATE CONTEXTS``.

Run as a program of its own, since the validator keeps sessions and settings for the life of its process. It prints the
issues as JSON lines, and ``done`` when it came to its end.
"""

import io
import json
import sys
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter

CONTEXTS = {
    "https://w3id.org/ro/crate/1.1/context": "ro-crate-1.1-context.json",
    "https://w3id.org/ro/terms/workflow-run/context": "workflow-run-context.json",
}


def serve(folder):
    """Answer for the two contexts, and for nothing else."""

    def send(self, request, **_):
        name = CONTEXTS.get(request.url.split("#")[0].rstrip("/"))
        if name is None:
            raise requests.ConnectionError(f"no network for {request.url}")
        response = requests.Response()
        response.status_code, response.url, response.request = 200, request.url, request
        response.headers["Content-Type"] = "application/ld+json"
        response.raw = io.BytesIO((folder / name).read_bytes())
        return response

    HTTPAdapter.send = send


def main(crate, contexts):
    serve(Path(contexts))
    from rocrate_validator import services
    from rocrate_validator.models import Severity

    result = services.validate(
        {
            "rocrate_uri": crate,
            "profile_identifier": "process-run-crate-0.5",
            "requirement_severity": Severity.RECOMMENDED,
            "no_cache": True,
        }
    )
    for issue in result.get_issues():
        print(json.dumps({"severity": issue.severity.name, "check": issue.check.identifier, "message": issue.message}))
    print("done")


main(*sys.argv[1:])
