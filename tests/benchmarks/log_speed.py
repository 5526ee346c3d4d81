"""What the log costs: a request put on record, a million runs opened, searched and listed, beside ``llm logs -q``.

Run as ``python tests/benchmarks/log_speed.py [--store FOLDER] [--runs N] [--no-llm]``. Without a store one is made by
`log_store` in a temporary folder (a million runs: minutes, 2 GB) and deleted at the end. simonw/llm is installed from
PyPI into a virtual environment of its own; where that cannot be done the comparison says why and is left out.
"""

import argparse
import contextlib
import hashlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import log_store

from venice_widgets.log import Budgets, ImageRecord, Log, RunDraft, RunOutcome, Status

LLM_DATABASE = """
ATTACH ? AS ours;
INSERT INTO threads (id, name) VALUES ('t', 'images');
INSERT INTO messages (hash, role) SELECT 'u' || run_id, 'user' FROM ours.runs;
INSERT INTO messages (hash, parent_hash, role) SELECT 'a' || run_id, 'u' || run_id, 'assistant' FROM ours.runs;
INSERT INTO parts (message_hash, position, type, text) SELECT 'u' || run_id, 0, 'text', prompt FROM ours.runs;
INSERT INTO parts (message_hash, position, type, text)
    SELECT 'a' || run_id, 0, 'text', 'seed ' || seed FROM ours.runs;
INSERT INTO turns (id, thread_id, parent_message_hash, tip_message_hash, model, datetime_utc, duration_ms)
    SELECT lower(run_id), 't', 'u' || run_id, 'a' || run_id, model, created_at, 3700 FROM ours.runs ORDER BY number;
INSERT INTO turn_search (turn_id, prompt, response)
    SELECT lower(run_id), prompt, 'seed ' || seed FROM ours.runs ORDER BY number;
INSERT INTO turn_search_fts (turn_search_fts) VALUES ('rebuild');
"""
LLM_PROGRAM = """
import sys, time
from click.testing import CliRunner
from llm.cli import cli
times = []
for _ in range(int(sys.argv[1])):
    start = time.perf_counter()
    result = CliRunner().invoke(cli, ["logs", *sys.argv[2:]], catch_exceptions=False)
    times.append(time.perf_counter() - start)
    assert result.exit_code == 0 and len(result.output) > 100, result.output
print(sorted(times)[len(times) // 2])
"""
OUR_PROGRAM = """
import sys
from pathlib import Path
from venice_widgets.log import Log
log = Log.open(Path(sys.argv[1]))
for record in log.search(sys.argv[2]):
    print(record.run_id, record.draft.prompt, record.draft.model, record.draft.seed, record.status)
"""


def main() -> None:
    """Measure everything and print it."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.store or Path(place) / "store"
        if not folder.exists():
            log_store.make_store(folder, arguments.runs)
        print(f"{_count(folder):,} runs, {(folder / 'log.sqlite').stat().st_size / 1e6:,.0f} MB\n")
        logging(Path(place), folder)
        opening(Path(place), folder)
        searching(folder)
        if arguments.llm:
            beside_llm(Path(place), folder)


def logging(place: Path, large: Path) -> None:
    """What `reserve`, `mark_sent`, the image's note and `finish` cost beyond their flushes."""
    print("one request put on record: reserve + mark_sent + finish, ms (median of 200)")
    flush = _median(lambda: _flush(place / "flushed"), 100)
    for name, folder in (("an empty store", place / "small"), ("this store", _copy(large, place / "large"))):
        log = Log.open(folder)
        durable = _median(lambda log=log: _request(log), 200)
        log._database._thread.run(lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        beyond = _median(lambda log=log: _request(log), 200)
        log.close()
        print(f"  {name}: {durable:.2f} with its flushes, {beyond:.2f} beyond them (limit 3)")
    print(f"  one bare flush of this disk: {flush:.2f}\n")


def opening(place: Path, large: Path) -> None:
    """Opening this store beside opening an empty one, in turns."""
    empty = place / "empty"
    Log.open(empty).close()
    small, big = [], []
    for _ in range(30):
        small.append(_milliseconds(lambda: Log.open(empty).close()))
        big.append(_milliseconds(lambda: Log.open(large).close()))
    one, other = statistics.median(small), statistics.median(big)
    print(f"open: an empty store {one:.2f} ms, this one {other:.2f} ms, ratio {other / one:.2f}\n")


def searching(folder: Path) -> None:
    """Questions, each on a connection of its own first (the file out of the system's cache), then warm."""
    newest = _newest(folder)
    long_ago = newest.draft.created_at - timedelta(days=300)
    questions: list[tuple[str, Callable[[Log], object]]] = [
        ("newest 20 (limit 10)", lambda log: log.search()),
        ("text: fox night (limit 50)", lambda log: log.search("fox night")),
        ("text: one common word", lambda log: log.search("fox")),
        ("text: two common words, another order", lambda log: log.search("rain city")),
        ("text: a rare word", lambda log: log.search("narwhal")),
        ("text: a rare and a common word", lambda log: log.search("narwhal night")),
        ("text: a phrase", lambda log: log.search('"fox at night"')),
        ("text: a beginning", lambda log: log.search("narw*")),
        ("text: a common beginning", lambda log: log.search("gra*")),
        ("text: a beginning of one letter", lambda log: log.search("g*")),
        ("text: Chinese", lambda log: log.search("狐狸")),
        ("text: nothing is found", lambda log: log.search("fox zebra")),
        ("text and model", lambda log: log.search("fox night", model="flux-2-pro")),
        ("text and seed", lambda log: log.search("fox", seed=newest.draft.seed)),
        ("text and status unknown", lambda log: log.search("fox", status="unknown")),
        ("text and a day long ago", lambda log: log.search("fox", since=long_ago, until=long_ago + timedelta(days=1))),
        ("rare text and status unknown", lambda log: log.search("narwhal", status="unknown")),
        ("model", lambda log: log.search(model="flux-2-pro")),
        ("seed", lambda log: log.search(seed=newest.draft.seed)),
        ("status unknown", lambda log: log.search(status="unknown")),
        ("notebook", lambda log: log.search(notebook="study-7.ipynb")),
        ("get by id", lambda log: log.get(newest.run_id)),
        ("get by the last 8 characters", lambda log: log.get(newest.run_id[-8:])),
        ("the same request", lambda log: log.find_same(newest.draft.request_hash)),
        ("costs by day", lambda log: log.costs("day")),
        ("costs by model", lambda log: log.costs("model")),
        ("what is left of three budgets", lambda log: log.left(
            Budgets(session_usd=Decimal(1), day_usd=Decimal(1), project_usd=Decimal(1)), "session-1")),
    ]  # fmt: skip
    print(f"{'question, ms':42}{'first':>9}{'median':>9}{'worst':>9}")
    for name, ask in questions:
        _forget(folder / "log.sqlite")
        log = Log.open(folder)
        first = _milliseconds(lambda ask=ask, log=log: ask(log))
        times = [_milliseconds(lambda ask=ask, log=log: ask(log)) for _ in range(15)]
        log.close()
        print(f"  {name:40}{first:9.2f}{statistics.median(times):9.2f}{max(times):9.2f}")
    print()


def beside_llm(place: Path, folder: Path) -> None:
    """``llm logs -q`` on a database of the same prompts."""
    environment = place / "llm"
    python = environment / "bin" / "python"
    try:
        subprocess.run([sys.executable, "-m", "venv", environment], check=True, capture_output=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "llm"], check=True, capture_output=True, timeout=300)
    except (subprocess.SubprocessError, OSError) as exc:
        print(f"llm could not be installed, so nothing is compared: {exc}")
        return
    version = subprocess.run([environment / "bin/llm", "--version"], check=True, capture_output=True, text=True).stdout
    database = place / "llm.sqlite"
    _fill_llm(python, database, folder)
    print(f"{version.strip()}, {database.stat().st_size / 1e6:,.0f} MB. Seconds, and how many times ours it takes")
    for words in ("fox night", "narwhal"):
        ours = _median(lambda words=words: _search(folder, words), 9) / 1e3
        our_program = _median(lambda words=words: _run(sys.executable, "-c", OUR_PROGRAM, folder, words), 5) / 1e3
        for order in ((), ("--latest",)):
            options = ("-q", words, "-n", "20", "-d", str(database), *order)
            theirs = float(_run(python, "-c", LLM_PROGRAM, "5", *options))
            program = _median(lambda options=options: _run(environment / "bin/llm", "logs", *options), 5) / 1e3
            print(
                f"  -q {words!r}{' '.join(('', *order))}: in a running process {theirs:.4f} : {ours:.4f} = "
                f"{theirs / ours:.0f} ×; as a program {program:.2f} : {our_program:.2f} = {program / our_program:.1f} ×"
            )


def _fill_llm(python: Path, database: Path, folder: Path) -> None:
    migrate = "import sys, sqlite_utils, llm.migrations as m; m.migrate(sqlite_utils.Database(sys.argv[1]))"
    subprocess.run([python, "-c", migrate, database], check=True)
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")  # the index is rebuilt at once instead
    for statement in filter(str.strip, LLM_DATABASE.split(";")):
        connection.execute(statement, (str(folder / "log.sqlite"),) if "?" in statement else ())
    connection.close()


def _request(log: Log, counter: list[int] = [0]) -> None:  # noqa: B006  counts across calls
    counter[0] += 1
    request = f'{{"model":"z-image-turbo","prompt":"a red fox at night","seed":{counter[0]}}}'
    digest = hashlib.sha256(f"{os.getpid()} {id(log)} {counter[0]}".encode()).hexdigest()
    now = datetime.now(UTC)
    draft = RunDraft(
        run_id=digest[:26].upper(), generation_id=digest[26:52], position=0, created_at=now,
        base_url="https://api.venice.ai/api/v1", model="z-image-turbo", asked_model=None, seed=counter[0],
        seed_drawn=True, prompt="a red fox at night, seen from a hill above the river in the first snow",
        request=request, request_hash=f"sha256:{digest}", body_sha256=f"sha256:{digest}",
        estimate_usd=Decimal("0.01"), reserve_usd=Decimal("0.01"), formula="1 × $0.01 = $0.01",
        catalogue_entry={"id": "z-image-turbo", "limits": {str(n): n for n in range(40)}},
        environment={"python": "3.11", "venice-widgets": "0.1"},
        context={"cell": "%%venice\na red fox at night", "execution_count": counter[0], "notebook": "/work/a.ipynb"},
        session_id="bench",
    )  # fmt: skip
    image = ImageRecord(
        sha256=digest, size_bytes=9, mime="image/webp", width=1024, height=1024, seed=counter[0], mode="RGB"
    )
    log.reserve([draft], Budgets(project_usd=Decimal(10**9), day_usd=Decimal(10**9)))
    log.mark_sent(draft.run_id)
    headers = {f"x-header-{n}": "a value" for n in range(20)}
    outcome = RunOutcome(
        status=Status.SUCCEEDED, finished_at=now, headers=headers, response={"id": digest}, images=(image,)
    )
    log.finish(draft.run_id, outcome)


def _search(folder: Path, words: str) -> None:
    log = Log.open(folder)
    assert log.search(words)
    log.close()


def _newest(folder: Path):
    log = Log.open(folder)
    record = log.get("last")
    log.close()
    return record


def _count(folder: Path) -> int:
    log = Log.open(folder)
    runs = log.spent().runs
    log.close()
    return runs


def _copy(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def _flush(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())


def _forget(path: Path) -> None:
    """Take a file out of the system's cache, so that the next read is from the disk."""
    with contextlib.suppress(AttributeError, OSError), path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    assert done.stdout.strip()
    return done.stdout


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _median(call: Callable[[], object], times: int) -> float:
    return statistics.median(_milliseconds(call) for _ in range(times))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--no-llm", dest="llm", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    main()
