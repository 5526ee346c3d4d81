"""The reproducibility log: every paid request is on record before it is sent, every image stored as it was received.

`Log` is the whole surface: `RunDraft` goes in before a request is sent, `RunOutcome` when it ended, `RunRecord` comes
out. Rows, SQL and file names stay inside, but for four views of ``log.sqlite`` that others (pandas, Datasette,
DuckDB) may rely on; their columns are only added to. Amounts are dollars, times are UTC as ISO 8601 text.

``v_runs``
    One row a run: run_id, generation_id, position, parent_run_id, relation, session_id, notebook, status, created_at,
    sent_at, finished_at, base_url, model, asked_model, seed, seed_drawn, prompt, enhanced_prompt, request,
    request_hash, estimate_usd, charged_usd, attempts, status_code, response_id, blurred, violation, error_class,
    error, images (how many), served_model, served_model_name, router, service_version, plan_id, plan_cell (JSON),
    favorite.
``v_images``
    One row an image: run_id, position, sha256, size_bytes, mime, width, height, mode, seed, created_at, model,
    prompt, blurred, deleted_at, pixels_sha256 (once deleted), signed (C2PA), exif.
``v_costs``
    One row a run, and what budgets count for it: run_id, created_at, day, model, notebook, session_id, status,
    estimated_usd (succeeded, charge not known), charged_usd, reserved_usd (pending or sent), unknown_usd (may have
    been charged), unpriced (1 where the price is unknown and the amounts are 0), charge_source, charge_currency (what
    it was charged to: USD or DIEM or EARNED or BUNDLED), margin_usd (what budgets count above estimated_usd).
``v_replays``
    One row a judged replay: run_id, parent_run_id, created_at, day, parent_created_at, model, seed, status, judged_at,
    grade, circumstances (a JSON list), psnr_db, worst_tile_psnr_db, changed_share, ssim, hash_distance, detail_kept.
"""

from venice_widgets.files.store_folder import DATABASE_FILE

from .budgets import Budgets, Left, Spent
from .charges import BalanceDifference, Reconciled, balance_difference
from .leftovers import IncomingFile
from .log import Log
from .maintenance import Fault, Health, Size, Verification
from .object_store import ObjectStore, Spool, Stored
from .records import REPLAY_OF, RUN_ENDING, BodyRecord, ImageRecord, Parent, RunDraft, RunOutcome, RunRecord, Status
from .recovery import Recovered
from .search import Cost, Filters
from .verdicts import VerdictRecord

__all__ = [
    "DATABASE_FILE",
    "REPLAY_OF",
    "RUN_ENDING",
    "BalanceDifference",
    "BodyRecord",
    "Budgets",
    "Cost",
    "Fault",
    "Filters",
    "Health",
    "ImageRecord",
    "IncomingFile",
    "Left",
    "Log",
    "ObjectStore",
    "Parent",
    "Reconciled",
    "Recovered",
    "RunDraft",
    "RunOutcome",
    "RunRecord",
    "Size",
    "Spent",
    "Spool",
    "Status",
    "Stored",
    "VerdictRecord",
    "Verification",
    "balance_difference",
]
