"""A record that was changed: what it says of itself is held to the request that it carries."""

import json
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest

from venice_widgets.errors import UnreadableFile
from venice_widgets.log.export import export, import_zip
from venice_widgets.log.export.consistency import check_consistent
from venice_widgets.log.export.run_document import from_document, to_document
from venice_widgets.log.export.zip_archive import RUNS
from venice_widgets.request.request import canonical, sha256_tag

HALF_AN_HOUR = timedelta(minutes=30)


def document_of(study, **chosen):
    return to_document(study.log.search(**chosen)[0])


def zipped(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def refusal(document):
    with pytest.raises(UnreadableFile) as caught:
        check_consistent(from_document(document)[0])
    return caught.value.message


def with_request(document, **changes):
    """A request that was changed together with its hash."""
    request = {**document["request"], **changes}
    return {**document, "request": request, "request_hash": sha256_tag(canonical(request))}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 7}, "its seed is 7, and its request says 99"),
        ({"model": "z-image-turbo"}, "its model is 'z-image-turbo', and its request says 'venice-sd35'"),
        ({"prompt": "a goose"}, "its prompt is 'a goose', and its request says 'to be deleted'"),
        ({"catalogue_entry": {"id": "gpt-image-2"}}, "its catalogue entry is of 'gpt-image-2'"),
        ({"images": []}, "it is succeeded, and has no images"),
        ({"status": "failed"}, "it is failed, and has 1 images"),
        ({"charged_usd": "0.01"}, "its charge is 0.01, and who says so is None"),
        ({"charge_source": "billing/usage-history"}, "its charge is None"),
        ({"relation": "replay_of"}, "its parent is None"),
        ({"parent_run_id": "01JD0000000000000000000000"}, "what it is to it is None"),
        ({"created_at": "2026-01-01T00:00:00+00:00"}, "and its time is 2026-01-01"),
        ({"body_sha256": "a guess"}, "the hash of its body is 'a guess'"),
    ],
)
def test_a_run_that_contradicts_itself_is_refused_with_both_values(study, change, words):
    assert words in refusal({**document_of(study, seed=99), **change})


@pytest.mark.parametrize("change", [{"seed": 7}, {"model": "another"}, {"prompt": "a goose"}, {"seed": True}])
def test_a_request_that_was_changed_together_with_its_hash_is_refused(study, change):
    assert "its request says" in refusal(with_request(document_of(study, seed=99), **change))


@pytest.mark.parametrize("variants", [0, -1, "two", None, True])
def test_a_request_for_no_image_is_refused(study, variants):
    assert "variants" in refusal(with_request(document_of(study, seed=99), variants=variants))


def test_only_the_first_image_of_a_run_has_its_seed(study):
    document = document_of(study, seed=5)
    first, second = document["images"]
    assert "its image 1 has the seed 6" in refusal({**document, "images": [{**first, "seed": 6}, second]})
    assert "its image 2 has the seed 5" in refusal({**document, "images": [first, {**second, "seed": 5}]})


def test_a_run_is_not_its_own_parent(study):
    document = document_of(study, seed=99)
    own = {"parent_run_id": document["run_id"], "relation": "replay_of"}
    assert "its own parent" in refusal({**document, **own})


def test_a_whole_number_that_another_program_wrote_with_a_point_is_the_same_number(study):
    document = document_of(study, seed=99)
    document["request"]["seed"] = 99.0
    record, *_ = from_document(document)
    check_consistent(record)
    assert record == study.log.search(seed=99)[0]


@pytest.mark.parametrize("change", [{"width": 9}, {"mime": "image/webp"}, {"size_bytes": 7}])
def test_an_image_that_is_here_already_is_not_believed_to_be_another(study, elsewhere, tmp_path, change):
    made = study.log.search(seed=3)[0]
    export(study.log, tmp_path / "one.zip", [made])
    import_zip(elsewhere, tmp_path / "one.zip")
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(contents[RUNS])
    document["run_id"] = made.run_id[:-8] + "ZZZZZZZZ"
    document["images"][0] |= change
    contents[RUNS] = json.dumps(document).encode()
    done = import_zip(elsewhere, zipped(tmp_path / "two.zip", contents))
    assert (done.added, done.left_out) == (0, 1)
    assert "not of the format and size" in done.faults[0]


def test_a_clock_that_was_set_while_a_run_was_made_is_no_contradiction(study):
    record = study.log.search(seed=99)[0]
    check_consistent(replace(record, draft=replace(record.draft, created_at=record.draft.created_at + HALF_AN_HOUR)))


def test_a_changed_run_is_left_out_of_an_import_and_the_others_come_in(study, elsewhere, tmp_path):
    export(study.log, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    documents = [json.loads(line) for line in contents[RUNS].splitlines()]
    documents[0]["seed"] += 1
    contents[RUNS] = b"\n".join(json.dumps(document).encode() for document in documents)
    done = import_zip(elsewhere, zipped(tmp_path / "changed.zip", contents))
    assert (done.added, done.left_out) == (len(documents) - 1, 1)
    assert done.faults == ("Run 1 was left out: its seed is 2, and its request says 1: it was changed.",)
