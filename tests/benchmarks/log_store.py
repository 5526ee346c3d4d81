"""Makes a store of many runs, quickly: for measuring, and for looking at how large one becomes.

Run as ``python tests/benchmarks/log_store.py FOLDER [RUNS]``; a million runs take a minute or two and about 1.5 GB.
The rows are what `Log` itself would have written, put in without its transactions; the script ends by comparing kept
totals with their sums and a sample of runs with `Log.get`.
"""

import hashlib
import itertools
import json
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from venice_widgets.log import Log, migrations
from venice_widgets.log.fulltext import search_text
from venice_widgets.log.rows import json_text, text_sha256, time_text
from venice_widgets.log.run_rows import first_number, recount

START = datetime(2025, 1, 1, tzinfo=UTC)
MODELS = ("z-image-turbo", "qwen-image-2", "flux-2-pro", "gpt-image-2", "venice-sd35")
STATUSES = ("succeeded",) * 96 + ("failed", "refused", "cancelled", "unknown")
SUBJECTS = (
    "fox", "owl", "river", "mountain", "lighthouse", "portrait", "city", "garden",
    "whale", "train", "forest", "castle", "robot", "bridge", "狐狸", "夜晚",
)  # fmt: skip
WHEN = ("night", "dawn", "dusk", "noon", "winter", "autumn", "spring", "rain", "snow", "fog")
WORDS = [f"{a}{b}{c}" for a in ("ba", "co", "du", "fi", "gra", "lo", "mi", "sta") for b in ("ll", "nd", "rt", "ss", "x")
         for c in ("a", "en", "ing", "ish", "or", "um", "y")]  # fmt: skip
PER_GENERATION = 4
_ULID_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def prompts(seed: int) -> Iterator[str]:
    """Prompts of 8 to 25 words; one in 160 is of a fox at night, and one in 10,000 of a narwhal."""
    chance = random.Random(seed)
    while True:
        words = chance.choices(WORDS, k=chance.randint(5, 22))
        rare = ["narwhal"] if chance.random() < 0.0001 else []
        yield " ".join(["a", chance.choice(SUBJECTS), "at", chance.choice(WHEN), *rare, *words])


def ulid(milliseconds: int, chance: random.Random) -> str:
    value = (milliseconds << 80) | chance.getrandbits(80)
    return "".join(_ULID_LETTERS[(value >> shift) & 31] for shift in range(125, -1, -5))


def rows(runs: int, documents: list[tuple[str, str]]) -> Iterator[dict[str, object]]:
    """Rows of the table of runs; contexts, one a generation, are added to `documents`."""
    chance = random.Random(1)
    entry, environment = keep({"id": "m", "price": 0.01}, documents), keep({"python": "3.11"}, documents)
    texts = prompts(2)
    for number in range(runs):
        moment = START + timedelta(seconds=30 * number)
        position = number % PER_GENERATION
        if position == 0:
            prompt, model = next(texts), chance.choice(MODELS)
            generation = ulid(int(moment.timestamp() * 1000), chance)
            notebook = f"/work/notebooks/study-{number * 40 // runs}.ipynb"
            context = keep({"cell": f"%%venice\n{prompt}", "notebook": notebook, "execution_count": number}, documents)
        seed, status = chance.randint(1, 999_999_999), chance.choice(STATUSES)
        request = json_text({"model": model, "prompt": prompt, "seed": seed, "width": 1024, "height": 1024})
        digest = hashlib.sha256(request.encode()).hexdigest()
        yield {
            "number": first_number(moment),
            "run_id": ulid(int(moment.timestamp() * 1000), chance),
            "generation_id": generation,
            "position": position,
            "status": status,
            "created_at": time_text(moment),
            "sent_at": time_text(moment + timedelta(seconds=1)),
            "first_byte_at": time_text(moment + timedelta(seconds=8)),
            "finished_at": time_text(moment + timedelta(seconds=9)),
            "base_url": "https://api.venice.ai/api/v1",
            "model": model,
            "asked_model": None,
            "seed": seed,
            "seed_drawn": 1,
            "prompt": prompt,
            "request": request,
            "request_hash": f"sha256:{digest}",
            "body_sha256": f"sha256:{digest}",
            "estimate_micro_usd": 10_000,
            "reserve_micro_usd": 10_000,
            "charged_micro_usd": None,
            "balance_before_micro_usd": 12_340_000,
            "formula": "1 × $0.01 = $0.01",
            "attempts": 1,
            "error_class": None,
            "error": None,
            "status_code": 200,
            "response_id": f"generate-image-{number}",
            "response": json.dumps(
                {"id": f"generate-image-{number}", "timing": {"inferenceDuration": 3100, "total": 3700}}
            ),
            "headers": json.dumps(
                {"cf-ray": f"9a{number:014x}-FRA", "x-venice-model-id": model, "x-venice-version": "20261122"}
            ),
            "blurred": 0,
            "violation": 0,
            "enhanced_prompt": None,
            "parent_run_id": None,
            "relation": None,
            "catalogue_entry": entry,
            "environment": environment,
            "context": context,
            "process": '{"pid":1}',
            "notebook": notebook,
            "session_id": f"session-{number // 1000}",
            "charge_source": None,
        }


def keep(document: dict[str, object], documents: list[tuple[str, str]]) -> str:
    text = json_text(document)
    documents.append((text_sha256(text), text))
    return documents[-1][0]


def make_store(folder: Path, runs: int) -> None:
    """Fill the store in `folder`, which must not exist, with this many runs."""
    Log.open(folder).close()
    connection = sqlite3.connect(folder / "log.sqlite", isolation_level=None)
    connection.create_function("search_text", 2, search_text, deterministic=True)
    for pragma in ("synchronous = OFF", "cache_size = -400000", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("BEGIN")
    # Indexes are cheaper made at once than row by row.
    indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL").fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    documents: list[tuple[str, str]] = []
    made = rows(runs, documents)
    while chunk := list(itertools.islice(made, 20_000)):
        marks = ", ".join("?" for _ in chunk[0])
        columns = ", ".join(chunk[0])
        connection.executemany(f"INSERT INTO runs ({columns}) VALUES ({marks})", [tuple(row.values()) for row in chunk])
        images = [(r["run_id"], hashlib.sha256(str(r["run_id"]).encode()).hexdigest(), r["seed"]) for r in chunk
                    if r["status"] == "succeeded"]  # fmt: skip
        connection.executemany(
            "INSERT INTO images (run_id, position, sha256, size_bytes, mime, width, height, mode, seed) "
            "VALUES (?, 0, ?, 900000, 'image/webp', 1024, 1024, 'RGB', ?)",
            images,
        )
    connection.executemany("INSERT OR IGNORE INTO documents VALUES (?, ?)", documents)
    for _, statement in indexes:
        connection.execute(statement)
    # The same statements that a migration fills these tables with.
    for statement in migrations.SECOND.split(";"):
        if statement.strip().startswith(("INSERT INTO prompts", "INSERT INTO totals")):
            connection.execute(statement)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def check(folder: Path, runs: int) -> None:
    log = Log.open(folder)
    assert log.spent().runs == runs
    assert log._database.read(recount) == []
    record = log.get("last")
    assert log.search(record.draft.prompt, seed=record.draft.seed)[0] == record
    log.close()


if __name__ == "__main__":
    folder, runs = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    if folder.exists():
        sys.exit(f"{folder} exists already")
    started = time.perf_counter()
    make_store(folder, runs)
    check(folder, runs)
    size = (folder / "log.sqlite").stat().st_size
    print(
        f"{runs:,} runs in {time.perf_counter() - started:.0f} s, {size / 1e6:,.0f} MB, {size / runs:.0f} bytes a run"
    )
