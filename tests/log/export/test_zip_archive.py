"""A zip carried to another machine: equal run by run, verified again, and nothing in it taken on trust."""

import contextlib
import hashlib
import json
import time
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from venice_widgets.errors import UnreadableFile
from venice_widgets.log import Log
from venice_widgets.log.export import export, import_zip
from venice_widgets.log.export.zip_archive import MANIFEST, RUNS
from venice_widgets.session import Session
from venice_widgets.simulator import Simulator


@pytest.fixture(scope="module")
def zipped(study, tmp_path_factory):
    path = tmp_path_factory.mktemp("zip") / "study.zip"
    done = export(study.log, path)
    assert done.notices == ()
    return path


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def altered(tmp_path, contents, **options):
    path = tmp_path / "altered.zip"
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def lines(contents):
    return [json.loads(line) for line in contents[RUNS].splitlines()]


def with_lines(contents, documents):
    return {**contents, RUNS: b"".join(json.dumps(document).encode() + b"\n" for document in documents)}


def test_a_study_of_the_demo_does_not_count_as_money_spent_nor_the_other_way_round(tmp_path, zipped, elsewhere):
    with Session(demo=True, store=tmp_path / "shop") as demo:
        demo.generate("a fox", seed=1)
        export(demo.log, tmp_path / "demo.zip")
        refused = import_zip(demo.log, zipped, demo=True)
        assert (refused.added, refused.left_out > 1) == (0, True)
        assert "%venice demo off" in refused.faults[0]
    done = import_zip(elsewhere, tmp_path / "demo.zip", demo=False)
    assert (done.added, done.left_out) == (0, 1)
    assert "it is simulated" in done.faults[0]
    assert elsewhere.spent().total_usd == 0


def test_a_zip_imported_elsewhere_is_equal_run_by_run_and_verified(study, zipped, elsewhere):
    done = import_zip(elsewhere, zipped)
    there = list(study.log.each())
    assert (done.added, done.left_out, done.faults) == (len(there), 0, ())
    assert list(elsewhere.each()) == there
    for record in there:
        assert elsewhere.verdict(record.run_id) == study.log.verdict(record.run_id)
    assert elsewhere.verify().ok
    assert set(elsewhere.objects.names()) == set(study.log.objects.names()) - set(study.log.orphans())
    assert elsewhere.spent() == study.log.spent()
    assert elsewhere.costs("model") == study.log.costs("model")
    assert [record.run_id for record in elsewhere.search("狐")] == [record.run_id for record in study.log.search("狐")]


def test_importing_twice_changes_nothing(study, zipped, elsewhere):
    first = import_zip(elsewhere, zipped)
    before = list(elsewhere.each())
    second = import_zip(elsewhere, zipped)
    assert (second.added, second.present, second.left_out) == (0, first.added, 0)
    assert list(elsewhere.each()) == before


def test_what_was_imported_can_be_exported_again_the_same(zipped, elsewhere, tmp_path):
    import_zip(elsewhere, zipped)
    export(elsewhere, tmp_path / "again.zip")
    first, second = members(zipped), members(tmp_path / "again.zip")
    assert first.keys() == second.keys()
    assert all(first[name] == second[name] for name in first if name != MANIFEST)


def test_importing_into_the_store_it_came_from_changes_nothing(study, zipped):
    done = import_zip(study.log, zipped)
    assert (done.added, done.left_out) == (0, 0)


def test_an_import_brings_back_images_that_were_lost_here(zipped, elsewhere):
    import_zip(elsewhere, zipped)
    lost = min(elsewhere.objects.names())
    elsewhere.objects.remove(lost)
    import_zip(elsewhere, zipped)
    assert elsewhere.verify().ok


def test_an_image_that_was_deleted_here_on_purpose_does_not_come_back(zipped, elsewhere):
    import_zip(elsewhere, zipped)
    sha256 = next(record.images[0].sha256 for record in list(elsewhere.each()) if record.images)
    elsewhere.delete_image(sha256)
    import_zip(elsewhere, zipped)
    assert not elsewhere.objects.path(sha256).exists()
    assert elsewhere.is_deleted(sha256)


def test_whoever_has_the_zip_can_check_the_hashes_with_any_tool(zipped):
    contents = members(zipped)
    for name, data in contents.items():
        if name.startswith("objects/"):
            assert hashlib.sha256(data).hexdigest() == name.removeprefix("objects/").replace("/", "")


def test_an_image_with_other_bytes_is_left_out_with_its_run_and_the_others_come_in(zipped, elsewhere, tmp_path):
    contents = members(zipped)
    victim = lines(contents)[0]["images"][0]["sha256"]
    name = f"objects/{victim[:2]}/{victim[2:]}"
    contents[name] = bytes(len(contents[name]))
    done = import_zip(elsewhere, altered(tmp_path, contents))
    assert done.left_out >= 1
    assert done.added == len(lines(contents)) - done.left_out
    assert "another hash" in done.faults[0]
    assert not elsewhere.objects.path(victim).exists()
    assert elsewhere.verify().ok


def test_an_image_that_is_missing_is_named(zipped, elsewhere, tmp_path):
    contents = members(zipped)
    victim = lines(contents)[0]["images"][0]["sha256"]
    del contents[f"objects/{victim[:2]}/{victim[2:]}"]
    done = import_zip(elsewhere, altered(tmp_path, contents))
    assert f"{victim[:12]}… is not in the zip" in done.faults[0]


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": 7},
        {"run_id": "../../../../tmp/x"},
        {"run_id": "01JD"},
        {"status": "sent"},
        {"status": "pending"},
        {"created_at": "yesterday"},
        {"created_at": "9999-01-01T00:00:00+00:00"},
        {"created_at": "2026-01-01T00:00:00"},
        {"estimate_usd": 0.01},
        {"estimate_usd": "NaN"},
        {"estimate_usd": "-1"},
        {"estimate_usd": "1e30"},
        {"seed": 2**70},
        {"headers": {"set-cookie": "secret"}},
        {"headers": {"x": 1}},
        {"request": {"model": "another"}},
        {"request_hash": "sha256:" + "0" * 64},
        {"images": "x"},
        {"images": [{"sha256": "../../etc/passwd"}]},
        {"images": [7]},
        {"schema": 2},
        {"schema": None},
        {"prompt": "\ud800"},
        {"context": {"a": "\udfff"}},
        {"catalogue_entry": []},
        {"verdict": {"grade": 1}},
        {"attempts": -1},
        {"seed": 7},
        {"model": "z-image-cheap"},
        {"prompt": "Another animal"},
    ],
)
def test_a_run_that_is_not_what_it_should_be_is_left_out_and_the_others_come_in(zipped, elsewhere, tmp_path, change):
    contents = members(zipped)
    documents = lines(contents)
    documents[1] = {**documents[1], **change}
    done = import_zip(elsewhere, altered(tmp_path, with_lines(contents, documents[:3])))
    assert (done.added, done.left_out) == (2, 1)
    assert done.faults[0].startswith("Run 2 was left out: ")
    assert elsewhere.verify().ok


@pytest.mark.parametrize(
    "change", [{"width": 9}, {"mime": "image/png<script>"}, {"size_bytes": 7}, {"size_bytes": 10**9}]
)
def test_an_image_that_is_not_of_the_size_and_format_it_claims_is_left_out(zipped, elsewhere, tmp_path, change):
    contents = members(zipped)
    (first, *_) = lines(contents)
    first["images"][0] |= change
    done = import_zip(elsewhere, altered(tmp_path, with_lines(contents, [first])))
    assert (done.added, done.left_out) == (0, 1)
    assert list(elsewhere.objects.names()) == []


def test_a_file_that_is_no_image_does_not_come_in_as_one(zipped, elsewhere, tmp_path):
    contents = members(zipped)
    (first, *_) = lines(contents)
    page = b"<html><script>alert(1)</script>"
    sha256 = hashlib.sha256(page).hexdigest()
    first["images"][0] |= {"sha256": sha256, "size_bytes": len(page)}
    contents[f"objects/{sha256[:2]}/{sha256[2:]}"] = page
    done = import_zip(elsewhere, altered(tmp_path, with_lines(contents, [first])))
    assert (done.added, done.left_out) == (0, 1)
    assert list(elsewhere.objects.names()) == []


def test_nothing_is_unpacked_by_its_name(zipped, elsewhere, tmp_path):
    contents = members(zipped)
    hostile = {"../../outside.txt": b"x", "/tmp/venice-outside.txt": b"x", "objects/../../up.txt": b"x", "C:\\x": b"x"}
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    done = import_zip(elsewhere, altered(tmp_path, {**contents, **hostile}))
    assert done.left_out == 0
    outside = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.name for path in outside if elsewhere.folder not in path.parents} == {"altered.zip"}


def test_what_is_here_stays_as_it_is_when_the_zip_says_otherwise(zipped, elsewhere, tmp_path):
    import_zip(elsewhere, zipped)
    before = list(elsewhere.each())
    contents = members(zipped)
    documents = lines(contents)
    documents[0] = {**documents[0], "formula": "for free"}
    done = import_zip(elsewhere, altered(tmp_path, with_lines(contents, documents)))
    assert (done.left_out, done.present) == (1, len(before) - 1)
    assert "what is here stays" in done.faults[0]
    assert list(elsewhere.each()) == before


def test_a_run_that_was_settled_here_since_keeps_what_was_settled(study, zipped, elsewhere):
    import_zip(elsewhere, zipped)
    unknown = next(record for record in elsewhere.each() if record.charge_source == "by hand")
    elsewhere.resolve(unknown.run_id, charged=False)
    import_zip(elsewhere, zipped)
    assert elsewhere.get(unknown.run_id).charged_usd == 0


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({}, "not an export of a log"),
        ({RUNS: b""}, "not an export of a log"),
        ({RUNS: b"", MANIFEST: b"{}"}, "schema None"),
        ({RUNS: b"", MANIFEST: b'{"schema": 99}'}, "schema 99"),
        ({RUNS: b"", MANIFEST: b"hello"}, "not JSON"),
        ({RUNS: b"", MANIFEST: b"[" * 60_000}, "not JSON"),
    ],
)
def test_a_zip_that_is_no_export_is_named(elsewhere, tmp_path, contents, words):
    with pytest.raises(UnreadableFile, match=words):
        import_zip(elsewhere, altered(tmp_path, contents))


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_zip_is_named(elsewhere, tmp_path, data):
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(UnreadableFile, match="is not a zip"):
        import_zip(elsewhere, tmp_path / "x.zip")
    with pytest.raises(UnreadableFile, match="cannot be read"):
        import_zip(elsewhere, tmp_path / "missing.zip")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_is_compressed_as_no_export_is_is_refused(zipped, elsewhere, tmp_path, compression):
    with pytest.raises(UnreadableFile, match=r"no export is.*\n.*as it was exported"):
        import_zip(elsewhere, altered(tmp_path, members(zipped), compression=compression))


def test_two_programs_can_import_the_same_zip_at_once(zipped, elsewhere, study):
    other = Log.open(elsewhere.folder)
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda log: import_zip(log, zipped), [elsewhere, other])
    runs = list(study.log.each())
    assert first.added + second.added == first.present + second.present == len(runs)
    assert first.faults == second.faults == ()
    assert list(elsewhere.each()) == runs
    assert elsewhere.verify().ok
    other.close()


def test_two_files_of_one_name_are_refused(zipped, elsewhere, tmp_path):
    path = altered(tmp_path, members(zipped))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(RUNS, b"")
    with pytest.raises(UnreadableFile, match="the same name"):
        import_zip(elsewhere, path)


def test_bombs_cost_neither_memory_nor_time(zipped, elsewhere, tmp_path):
    contents = members(zipped)
    (first, *_) = lines(contents)
    sha256 = first["images"][0]["sha256"]
    bomb = with_lines(contents, [first]) | {f"objects/{sha256[:2]}/{sha256[2:]}": bytes(300 << 20)}
    path = altered(tmp_path, bomb, compression=zipfile.ZIP_DEFLATED)
    del bomb
    tracemalloc.start()
    start = time.perf_counter()
    done = import_zip(elsewhere, path)
    seconds, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert done.left_out == 1
    assert "longer than" in done.faults[0]
    assert seconds < 2
    assert peak < 50 << 20


def test_an_endless_line_is_refused_before_it_fills_the_memory(zipped, elsewhere, tmp_path):
    contents = members(zipped) | {RUNS: b"x" * (60 << 20)}
    path = altered(tmp_path, contents, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(UnreadableFile, match="longer than 16 MB"):
        import_zip(elsewhere, path)


def test_a_million_lines_that_are_no_runs_are_given_up_early(zipped, elsewhere, tmp_path):
    contents = members(zipped)
    contents[RUNS] = contents[RUNS].splitlines(keepends=True)[0] + b"\n" * 1_000_000
    path = altered(tmp_path, contents, compression=zipfile.ZIP_DEFLATED)
    start = time.process_time()
    with pytest.raises(UnreadableFile, match="more than 100 lines"):
        import_zip(elsewhere, path)
    assert time.process_time() - start < 5
    assert len(list(elsewhere.each())) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_zip_is_an_unreadable_file_or_loses_only_what_is_damaged(
    zipped, elsewhere, tmp_path, place, value, cut
):
    data = bytearray(zipped.read_bytes())
    index = int(place * len(data))
    data[index] = value
    (tmp_path / "damaged.zip").write_bytes(data[:index] if cut else data)
    with contextlib.suppress(UnreadableFile):
        import_zip(elsewhere, tmp_path / "damaged.zip")
    assert elsewhere.verify().ok


def test_an_image_that_is_damaged_in_the_store_is_told_and_not_packed(zipped, elsewhere, tmp_path):
    import_zip(elsewhere, zipped)
    sha256 = next(record.images[0].sha256 for record in elsewhere.each())
    elsewhere.objects.path(sha256).write_bytes(b"damaged")
    done = export(elsewhere, tmp_path / "again.zip")
    assert f"{sha256[:12]}… is missing or damaged" in done.notices[0]
    assert f"objects/{sha256[:2]}/{sha256[2:]}" not in members(tmp_path / "again.zip")


def test_chosen_runs_alone_can_be_packed(study, elsewhere, tmp_path):
    chosen = study.log.search(seed=3)
    export(study.log, tmp_path / "some.zip", chosen)
    assert import_zip(elsewhere, tmp_path / "some.zip").added == len(chosen) == 1
    assert list(elsewhere.each()) == chosen
    assert replace(chosen[0]) == elsewhere.get("last")


@pytest.mark.parametrize("balance", ["-0.05", "25000.5", "999999999999"])
def test_runs_of_an_account_in_debt_or_with_a_large_balance_come_in(elsewhere, tmp_path, balance):
    simulator = Simulator(requests_per_minute=None)

    def respond(request):
        response = simulator.transport().handle_request(request)
        response.headers["x-venice-balance-usd"] = balance
        return response

    with Session(api_key="k", transport=httpx.MockTransport(respond), store=tmp_path / "shop") as session:
        session.generate("a fox", model="venice-sd35", seed=1, width=256, height=256)
        session.log.record_charge(session.log.get("last").run_id, Decimal(20_000), "billing/usage-history")
        export(session.log, tmp_path / "shop.zip")
        done = import_zip(elsewhere, tmp_path / "shop.zip")
        assert (done.added, done.faults) == (1, ())
        assert elsewhere.get("last") == session.log.get("last")
    assert elsewhere.get("last").outcome.balance_before_usd == Decimal(balance)
