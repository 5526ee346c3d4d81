import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from venice_widgets.log import processes
from venice_widgets.log.processes import ProcessState, process_state, this_process


@pytest.fixture
def other():
    """A process that sleeps, and its description."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child, replace(this_process(), pid=child.pid, started=processes._started(child.pid))
    child.kill()
    child.communicate()


def test_this_process_runs():
    assert process_state(this_process().text) is ProcessState.RUNS


def test_a_process_runs_until_it_is_killed_even_before_it_is_reaped(other):
    child, process = other
    assert process_state(process.text) is ProcessState.RUNS
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert process_state(process.text) is ProcessState.GONE
    child.wait()
    assert process_state(process.text) is ProcessState.GONE


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"pid":7}', '{"pid":7,"more":1}', "not json"])
def test_a_record_that_says_too_little_tells_nothing(text):
    assert process_state(text) is ProcessState.CANNOT_TELL


def test_a_name_with_spaces_and_parentheses_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text("7 (a) S (b) 1) S 1 " + " ".join(str(n) for n in range(5, 53)))
    monkeypatch.setattr(processes, "PROC", tmp_path)
    assert processes._started_by_proc(7) == "22"


def test_a_process_of_another_machine_or_container_is_not_judged():
    here = this_process()
    assert process_state(replace(here, host="elsewhere").text) is ProcessState.CANNOT_TELL
    assert process_state(replace(here, pid_namespace="elsewhere").text) is ProcessState.CANNOT_TELL
    assert process_state(replace(here, boot_id="before").text) is ProcessState.GONE


def test_without_proc_psutil_is_asked(monkeypatch, tmp_path, other):
    child, _ = other
    monkeypatch.setattr(processes, "PROC", tmp_path)
    started = processes._started(child.pid)
    assert float(started) > 1e9
    child.kill()
    child.wait()
    assert processes._started(child.pid) is None


def test_without_proc_and_psutil_nothing_is_claimed(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "PROC", tmp_path)
    monkeypatch.setitem(sys.modules, "psutil", None)
    processes._process.cache_clear()
    try:
        assert process_state(this_process().text) is ProcessState.CANNOT_TELL
    finally:
        processes._process.cache_clear()


def test_a_forked_child_is_a_process_of_its_own():
    read, write = os.pipe()
    this_process()
    pid = os.fork()
    if not pid:
        os.write(write, str(this_process().pid).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert int(os.read(read, 20)) == pid
    os.close(read)
    os.close(write)
