"""The RO-Crate: judged by its own validator, every run in it, every hash true."""

import hashlib
import json
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from venice_widgets.log import Status
from venice_widgets.log.export import export

PUBLISHED = next(
    (found for parent in Path(__file__).parents if (found := parent / "shared" / "data" / "ro-crate").is_dir()), None
)
"""The contexts of RO-Crate 1.1 and of its run profiles, where a copy is at hand: they are not ours to carry along."""
_TERMS = """
about actionStatus agent author contentSize CreateAction CreativeWork Dataset datePublished description encodingFormat
endTime error hasPart identifier instrument license mentions name object Person PropertyValue result
SoftwareApplication softwareVersion startTime url value version
"""
STAND_INS = {
    "ro-crate-1.1-context.json": {
        **{term: f"http://schema.org/{term}" for term in _TERMS.split()},
        "File": "http://schema.org/MediaObject",
        "conformsTo": "http://purl.org/dc/terms/conformsTo",
    },
    "workflow-run-context.json": {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"},
}
"""The terms that our crates use, for where the published contexts are not at hand."""


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contexts")
    for name, terms in STAND_INS.items():
        (folder / name).write_text(json.dumps({"@context": terms}))
    return folder


@pytest.fixture(scope="module")
def crate(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("crate") / "foxes"
    done = export(study.log, folder, author="A. Person", license_url="https://spdx.org/licenses/CC-BY-4.0")
    assert (done.kind, done.notices) == ("RO-Crate", ())
    return folder


@pytest.fixture(scope="module")
def graph(crate):
    return {entity["@id"]: entity for entity in json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]}


def issues(folder, contexts):
    """What roc-validator finds, without a network: severity and message."""
    command = [sys.executable, str(Path(__file__).with_name("validate_crate.py")), str(folder), str(contexts)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    *found, last = answer.stdout.splitlines()
    assert last == "done", answer.stderr
    return [(issue["severity"], issue["message"]) for issue in map(json.loads, found)]


def test_the_validator_finds_no_required_issue_and_little_to_recommend(crate):
    if PUBLISHED is None:
        pytest.skip("the published JSON-LD contexts are not at hand (../shared/data/ro-crate)")
    found = issues(crate, PUBLISHED)
    assert [message for severity, message in found if severity == "REQUIRED"] == []
    said_of_people = ("publisher", "affiliation")
    assert {message for _, message in found if not any(word in message for word in said_of_people)} <= {
        "The Action SHOULD have a result",
        "The Root Data Entity SHOULD have a link to a Contextual Entity representing the schema_org:license type",
    }


def test_without_author_or_licence_it_passes_too_and_claims_neither(study, tmp_path, stand_ins):
    export(study.log, tmp_path / "plain")
    entities = json.loads((tmp_path / "plain" / "ro-crate-metadata.json").read_text())["@graph"]
    root = next(entity for entity in entities if entity["@id"] == "./")
    assert "author" not in root
    assert root["license"] == "No license was given."
    assert [message for severity, message in issues(tmp_path / "plain", stand_ins) if severity == "REQUIRED"] == []


@pytest.mark.parametrize("words", ["all rights reserved", "CC-BY-4.0", "https://example.org/my licence"])
def test_a_licence_that_is_no_address_stands_as_it_is(study, tmp_path, stand_ins, words):
    export(study.log, tmp_path / "worded", license_url=words)
    entities = json.loads((tmp_path / "worded" / "ro-crate-metadata.json").read_text())["@graph"]
    assert next(entity for entity in entities if entity["@id"] == "./")["license"] == words
    assert [message for severity, message in issues(tmp_path / "worded", stand_ins) if severity == "REQUIRED"] == []


def test_the_validator_would_have_found_what_is_missing(crate, tmp_path, stand_ins):
    broken = tmp_path / "broken"
    shutil.copytree(crate, broken)
    metadata = broken / "ro-crate-metadata.json"
    document = json.loads(metadata.read_text())
    for entity in document["@graph"]:
        entity.pop("instrument", None)
    metadata.write_text(json.dumps(document))
    assert any(severity == "REQUIRED" and "instrument" in message for severity, message in issues(broken, stand_ins))


@pytest.mark.parametrize("name", STAND_INS)
def test_what_stands_in_for_the_published_contexts_says_the_same(name):
    if PUBLISHED is None:
        pytest.skip("the published JSON-LD contexts are not at hand (../shared/data/ro-crate)")
    published = json.loads((PUBLISHED / name).read_text())["@context"]
    assert {term: published.get(term) for term in STAND_INS[name]} == STAND_INS[name]


def test_every_term_that_is_used_has_its_stand_in(graph):
    used = {key for entity in graph.values() for key in entity if not key.startswith("@")}
    used |= {entity["@type"] for entity in graph.values()}
    assert used <= {term for terms in STAND_INS.values() for term in terms}


def test_every_run_is_an_action_the_refused_and_failed_ones_too(study, graph):
    records = list(study.log.each())
    actions = {entity["identifier"]: entity for entity in graph.values() if entity["@type"] == "CreateAction"}
    assert list(actions) == [record.run_id for record in records]
    for record in records:
        action = actions[record.run_id]
        succeeded = record.status is Status.SUCCEEDED
        assert action["actionStatus"].endswith("CompletedActionStatus" if succeeded else "FailedActionStatus")
        assert ("error" in action) == (not succeeded)
        assert action["description"] == record.draft.prompt
    assert {"refused", "failed", "unknown"} <= {record.status for record in records}


def test_every_file_is_there_with_its_length_and_hash(crate, graph):
    files = [entity for entity in graph.values() if entity["@type"] == "File"]
    for entity in files:
        data = (crate / entity["@id"]).read_bytes()
        assert entity["contentSize"] == str(len(data))
        if "sha256" in entity:
            assert entity["sha256"] == hashlib.sha256(data).hexdigest()
    named = {entity["@id"] for entity in files} | {"ro-crate-metadata.json"}
    assert named == {str(path.relative_to(crate)) for path in crate.rglob("*") if path.is_file()}
    assert {part["@id"] for part in graph["./"]["hasPart"]} == {entity["@id"] for entity in files}


def test_a_request_s_file_has_the_request_s_own_hash(study, crate, graph):
    for record in study.log.each():
        assert f"sha256:{graph[f'requests/{record.run_id}.json']['sha256']}" == record.draft.request_hash


def test_every_reference_leads_somewhere(graph):
    def ids(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if "@id" in value else []
        elif isinstance(value, list):
            for each in value:
                yield from ids(each)

    for entity in graph.values():
        for key, value in entity.items():
            for target in ids(value) if key != "@id" else ():
                assert target in graph or target == "https://w3id.org/ro/crate/1.1", (entity["@id"], key, target)


ENDED = "UPDATE runs SET status = 'failed', finished_at = created_at, headers = '{}', attempts = 1"


def test_a_crate_of_many_runs_needs_no_more_memory_than_one_of_few(log, make, tmp_path):
    """200,000 runs took 3.1 GB when everything was held until the end."""
    peaks = []
    for number in (400, 1200):  # more than are held at a time
        log.reserve([make.draft() for _ in range(number)])
        log._database.write(lambda connection: connection.execute(ENDED).rowcount)
        tracemalloc.start()
        done = export(log, tmp_path / f"crate-{number}")
        peaks.append((done.count, tracemalloc.get_traced_memory()[1]))
        tracemalloc.stop()
    (few, less), (many, more) = peaks
    assert many - few == 1200
    slope_bytes = (more - less) / (many - few)
    print(f"{slope_bytes:.0f} bytes a run")
    assert slope_bytes < 1000
