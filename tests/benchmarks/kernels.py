"""Kernels and notebooks as people run them, with their seconds, processor seconds and memory."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
from jupyter_client.manager import start_new_kernel

SAMPLE_EVERY_SECONDS = 0.01


@dataclass(frozen=True)
class Cost:
    """What something took."""

    seconds: float
    cpu_seconds: float
    """User and system time of every process that belongs to it."""
    kernel_peak_bytes: int = 0
    """Of resident memory."""
    total_peak_bytes: int = 0
    """Of the kernel and what drives it, together."""


class Kernel:
    """A running kernel; `run` waits for a cell and tells what it took, as a front end sees it."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._manager, self._client = start_new_kernel(env=environment, cwd=str(folder), stderr=subprocess.DEVNULL)

    def run(self, code: str) -> Cost:
        """Run a cell and let nothing of it be shown here.

        Raises:
            RuntimeError: the cell failed.
        """
        cpu, started = self._cpu_seconds(), time.perf_counter()
        self._execute(code)
        return Cost(time.perf_counter() - started, self._cpu_seconds() - cpu)

    def _cpu_seconds(self) -> float:
        asked = {"cpu": "__import__('time').process_time()"}
        return float(self._execute("", user_expressions=asked)["user_expressions"]["cpu"]["data"]["text/plain"])

    def _execute(self, code: str, **more: Any) -> dict[str, Any]:
        reply = self._client.execute_interactive(code, output_hook=lambda _: None, timeout=300, **more)["content"]
        if reply["status"] != "ok":
            raise RuntimeError("\n".join(reply.get("traceback", ())))
        return reply

    def end(self) -> None:
        """Shut it down."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


@contextmanager
def kernel(environment: dict[str, str], folder: Path) -> Iterator[Kernel]:
    """A kernel for as long as the block lasts."""
    running = Kernel(environment, folder)
    try:
        yield running
    finally:
        running.end()


def execute_notebook(cells: list[str], path: Path, environment: dict[str, str]) -> Cost:
    """One ``jupyter execute --inplace`` of a new notebook with these cells, which is at `path` afterwards.

    Raises:
        RuntimeError: it failed.
    """
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
    command = [sys.executable, "-c", "from nbclient.cli import main; main()", "--inplace", str(path)]
    cpu, started = os.times(), time.perf_counter()
    with (path.with_suffix(".txt")).open("w+") as said:
        process = subprocess.Popen(command, env=environment, cwd=path.parent, stdout=said, stderr=said)
        watch = _Watch(psutil.Process(process.pid))
        code = process.wait()
        seconds = time.perf_counter() - started
        watch.end()
        if code:
            said.seek(0)
            raise RuntimeError(said.read())
    after = os.times()
    cpu_seconds = after.children_user + after.children_system - cpu.children_user - cpu.children_system
    return Cost(seconds, cpu_seconds, watch.kernel_peak_bytes, watch.total_peak_bytes)


class _Watch:
    """Looks at the resident memory of a process and of the kernel below it, a hundred times a second."""

    def __init__(self, process: psutil.Process) -> None:
        self.kernel_peak_bytes = self.total_peak_bytes = 0
        self._process, self._ended = process, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop looking."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        children: list[psutil.Process] = []
        while not self._ended.wait(SAMPLE_EVERY_SECONDS):
            try:
                children = children or [c for c in self._process.children() if "ipykernel_launcher" in c.cmdline()]
                kernel_bytes = sum(child.memory_info().rss for child in children)
                total_bytes = kernel_bytes + self._process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
            self.kernel_peak_bytes = max(self.kernel_peak_bytes, kernel_bytes)
            self.total_peak_bytes = max(self.total_peak_bytes, total_bytes)
