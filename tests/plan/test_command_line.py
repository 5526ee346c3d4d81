"""``python -m venice_widgets``: a plan without a notebook."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from venice_widgets.log import Status
from venice_widgets.plan.command_line import COMPLETE, MISSING, REFUSED, STOPPED, main
from venice_widgets.simulator import Fault, Simulator

KEY = "VENICE_INFERENCE_KEY_0123456789abcdef"
SMALL = {"width": 64, "height": 64}


@pytest.fixture
def plan_file(session, tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(session.plan("A {{ animal }}", animal=["fox", "owl"], seed="1..5", **SMALL).to_json(), "utf-8")
    return str(path)


def test_a_plan_runs_prints_its_price_and_what_was_spent(plan_file, session, sent, capsys):
    assert main(["run", plan_file, "--yes"]) == COMPLETE

    said = capsys.readouterr().out
    assert "10 × $0.01 = $0.10" in said
    assert "10 of 10 images · $0.10 spent" in said
    assert len(sent()) == 10


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_a_sheet_runs_as_the_plan_inside_it_and_what_the_log_holds_is_not_sent(session, sent, tmp_path, capsys, ending):
    plan = session.plan("A {{ animal }}", animal=["fox", "owl"], seed="1..2", **SMALL)
    sheet = plan.run(yes=True)["fox", :].sheet(tmp_path / f"sheet.{ending}")

    assert main(["run", str(sheet)]) == COMPLETE
    assert len(sent()) == 4
    assert "4 of 4 images" in capsys.readouterr().out


def test_a_byte_order_mark_is_no_part_of_a_plan(plan_file, session, sent):
    Path(plan_file).write_bytes(b"\xef\xbb\xbf" + Path(plan_file).read_bytes())
    assert main(["run", plan_file, "--yes"]) == COMPLETE
    assert len(sent()) == 10


def test_parts_make_the_whole_and_a_finished_part_sends_nothing(plan_file, session, sent, capsys):
    for part in (1, 2, 3, 2):
        assert main(["run", plan_file, "--shard", f"{part}/3", "--max-cost", "1"]) == COMPLETE

    assert len(sent()) == len({json.dumps(body) for body in sent()}) == 10
    assert "3 from the log" in capsys.readouterr().out


def test_it_exits_with_another_status_when_images_are_missing(plan_file, session, simulator, sent, capsys):
    simulator.add_fault(Fault("500", seed=3))

    assert main(["run", plan_file, "--yes"]) == MISSING
    assert "images are missing" in capsys.readouterr().err
    assert main(["run", plan_file, "--yes"]) == MISSING
    assert len(sent()) == 10
    assert main(["run", plan_file, "--yes", "--resend-unknown"]) == COMPLETE


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--max-cost", "0.05"], "more than"), (["--shard", "1/1", "--max-cost", "x"], "amount")],
)
def test_what_is_refused_sends_nothing(plan_file, session, sent, capsys, options, said):
    assert main(["run", plan_file, *options]) == REFUSED
    assert said in capsys.readouterr().err
    assert sent() == []


@pytest.mark.parametrize("text", [None, "not json", "{}"])
def test_a_file_that_is_not_a_plan_is_refused(session, tmp_path, capsys, text):
    if text is not None:
        (tmp_path / "plan.json").write_text(text)

    assert main(["run", str(tmp_path / "plan.json")]) == REFUSED
    assert "plan" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["0/3", "4/3", "3", "a/b", "1/0"])
def test_a_part_that_does_not_exist_is_refused(plan_file, session, part):
    with pytest.raises(SystemExit):
        main(["run", plan_file, "--shard", part])


def test_show_sends_nothing(plan_file, session, sent, capsys):
    assert main(["show", plan_file]) == MISSING

    assert "$0.10" in capsys.readouterr().out
    assert sent() == []


def test_an_interrupt_has_its_own_status(plan_file, session, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("venice_widgets.plan.command_line._Printer.__call__", interrupt)

    assert main(["run", plan_file, "--yes"]) == STOPPED
    assert "Run it again" in capsys.readouterr().err


def test_without_a_command_it_explains_itself(capsys):
    assert main([]) == COMPLETE
    assert "run PLAN" in capsys.readouterr().out


def test_it_runs_as_a_program(tmp_path, plan_file):
    with Simulator(requests_per_minute=None).serve() as url:
        environment = {
            **os.environ,
            "VENICE_API_KEY": KEY,
            "VENICE_API_BASE_URL": url,
            "VENICE_STORE": str(tmp_path / "store"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        command = [
            sys.executable,
            "-m",
            "venice_widgets",
            "run",
            plan_file,
            "--shard",
            "2/5",
            "--max-cost",
            "5",
            "--yes",
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90, check=False)

    assert done.returncode == 0, done.stderr
    assert "2 of 2 images" in done.stdout
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"[" * 10**5, b"null"])
def test_a_file_that_is_no_plan_ends_with_a_sentence(session, tmp_path, sent, capsys, content):
    (tmp_path / "plan.json").write_bytes(content)
    assert main(["run", str(tmp_path / "plan.json"), "--yes"]) == REFUSED
    assert "Error" not in capsys.readouterr().err.partition(":")[0].replace("VeniceError", "")
    assert sent() == []


@pytest.mark.parametrize("name", ["/dev/zero", ".", "missing.json"])
def test_what_is_no_file_is_refused_at_once(session, name, sent, capsys):
    assert main(["run", name, "--yes"]) == REFUSED
    assert name.strip("/") in capsys.readouterr().err
    assert sent() == []


def test_a_later_cell_of_a_wrong_type_is_found_before_anything_is_sent(plan_file, session, sent, capsys):
    plan = json.loads(Path(plan_file).read_text())
    del plan["id"]
    plan["axes"][-1]["values"][-1] = None
    Path(plan_file).write_text(json.dumps(plan))
    assert main(["run", plan_file, "--yes"]) == REFUSED
    assert "this is not a plan" in capsys.readouterr().err
    assert sent() == []


def test_an_interrupt_before_anything_is_sent_ends_with_a_sentence(plan_file, session, sent, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(session), "catalogue", interrupt)
    assert main(["run", plan_file, "--yes"]) == STOPPED
    assert "stopped by hand" in capsys.readouterr().err
    assert sent() == []


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_where_no_one_reads_what_is_printed_every_image_is_made(tmp_path, encoding):
    program = (
        "import sys; from pathlib import Path\n"
        "from venice_widgets import Session, current\n"
        "current.use_session(Session(demo=True))\n"
        "plan = current.current_session().plan('A 🦊', seed='1..3', width=64, height=64)\n"
        "Path('🦊.json').write_text(plan.to_json(), 'utf-8')\n"
        "import runpy; sys.argv = ['x', 'run', '🦊.json', '--yes']\n"
        "try: runpy.run_module('venice_widgets', run_name='__main__')\n"
        "finally: Path('made').write_text(str(current.current_session().log.count()))\n"
    )
    (tmp_path / "program.py").write_text(program, "utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env=environment,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (tmp_path / "made").read_text() == "3"
    assert b"Traceback" not in done.stderr
    assert b"BrokenPipe" not in done.stderr
    assert done.returncode == COMPLETE


def test_a_scheduler_that_ends_it_loses_no_image_in_flight(plan_file, tmp_path, new_session):
    world = Simulator(requests_per_minute=None, seconds_per_image=1.5)
    with world.serve() as url:
        store = str(tmp_path / "store")
        environment = {
            **os.environ, "VENICE_API_KEY": KEY, "VENICE_API_BASE_URL": url, "VENICE_STORE": store,
            "VENICE_IN_FLIGHT": "2", "PYTHONPATH": str(Path(__file__).parents[2]),
        }  # fmt: skip
        command = [sys.executable, "-m", "venice_widgets", "run", plan_file, "--yes"]
        program = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while not any(request.path == "/image/generate" for request in world.requests):
            time.sleep(0.05)
        program.terminate()
        _, said = program.communicate(timeout=60)

    statuses = {run.status for run in new_session(store=store).log.search(limit=50)}
    assert program.returncode == STOPPED, said
    assert "in flight" in said
    assert Status.SUCCEEDED in statuses
    assert Status.UNKNOWN not in statuses
