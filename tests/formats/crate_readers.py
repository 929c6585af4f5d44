# SPDX-License-Identifier: Apache-2.0
"""Run by the Python of .venv-rocrate: what the official validator, ro-crate-py and runcrate say of
the zipped crates named on the command line, as one line of JSON each. Nothing is fetched.
"""

import io
import json
import logging
import sys
import tempfile
import warnings
from importlib.resources import files
from pathlib import Path

warnings.simplefilter("ignore")

from requests.adapters import HTTPAdapter  # noqa: E402 - after the filter: imports warn
from requests_cache import CachedSession  # noqa: E402
from rocrate.rocrate import ROCrate  # noqa: E402
from rocrate_validator import services  # noqa: E402
from rocrate_validator.models import Severity, ValidationSettings  # noqa: E402
from runcrate.report import dump_crate_actions  # noqa: E402
from urllib3 import HTTPResponse  # noqa: E402

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Bundled(HTTPAdapter):
    """Answers every request with the context that ro-crate-py brings: that of RO-Crate 1.3, which
    says of every term of ours what that of 1.1 says.
    """

    def send(self, request, **_options):
        body = files("rocrate").joinpath("data/ro-crate.jsonld").open("rb")
        headers = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(
            body=body,
            headers=headers,
            status=200,
            preload_content=False,
            request_url=request.url,
        )
        return self.build_response(request, raw)


def warm(place):
    """Put the context into the validator's cache, so that it needs no network."""
    with CachedSession(str(place), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Bundled())
        session.get(CONTEXT)


def validated(path, cache):
    settings = ValidationSettings(
        rocrate_uri=str(path),
        profile_identifier="process-run-crate",
        requirement_severity=Severity.REQUIRED.name,
        offline=True,
        cache_path=str(cache),
        skip_availability_check=True,
    )
    result = services.validate(settings)
    return {
        "passed": result.passed(),
        "issues": sorted({str(issue.message) for issue in result.get_issues()}),
        "checks": len(result.executed_checks),
        "skipped": [
            f"{detail.check.identifier}: {detail.message}"
            for detail in result.skipped_check_details
        ],
    }


def read(path):
    crate = ROCrate(path)
    report = io.StringIO()
    dump_crate_actions(crate, report)
    return {
        "name": crate.name,
        "types": {entity.id: entity.type for entity in crate.get_entities()},
        "report": report.getvalue(),
    }


def main(paths):
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        warm(cache)
        for path in paths:
            said = validated(Path(path), cache)
            if said["passed"]:
                said |= read(path)
            sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
