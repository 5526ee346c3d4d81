"""The tables of the log, as numbered steps: step n takes a store from one version to the next.

A step that was released is never changed. ``search_text`` is a function of `fulltext`, registered on every connection.

The views ``v_runs``, ``v_images``, ``v_costs`` and ``v_replays`` are the part that others may rely on; the package's
docstring says what they hold. Columns are only added to them, at the end.
"""

from __future__ import annotations

FIRST = """
CREATE TABLE documents (
    sha256 TEXT PRIMARY KEY,
    text TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    arrival INTEGER,
    run_id TEXT NOT NULL UNIQUE,
    generation_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at TEXT NOT NULL,
    sent_at TEXT,
    first_byte_at TEXT,
    finished_at TEXT,
    base_url TEXT NOT NULL,
    model TEXT NOT NULL,
    asked_model TEXT,
    seed INTEGER NOT NULL,
    seed_drawn INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    request TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    estimate_micro_usd INTEGER,
    reserve_micro_usd INTEGER,
    charged_micro_usd INTEGER,
    charge_source TEXT,
    charge_currency TEXT,
    balance_before_micro_usd INTEGER,
    formula TEXT NOT NULL,
    attempts INTEGER,
    error_class TEXT,
    error TEXT,
    status_code INTEGER,
    response_id TEXT,
    response TEXT,
    headers TEXT,
    blurred INTEGER,
    violation INTEGER,
    enhanced_prompt TEXT,
    served_model TEXT,
    served_model_name TEXT,
    router TEXT,
    service_version TEXT,
    parent_run_id TEXT,
    relation TEXT,
    catalogue_entry TEXT NOT NULL REFERENCES documents,
    environment TEXT NOT NULL REFERENCES documents,
    context TEXT NOT NULL REFERENCES documents,
    process TEXT NOT NULL,
    notebook TEXT NOT NULL,
    session_id TEXT NOT NULL,
    plan_id TEXT,
    plan_cell TEXT,
    favorite INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX runs_by_arrival ON runs (arrival) WHERE arrival IS NOT NULL;
CREATE INDEX runs_by_request ON runs (request_hash);
CREATE INDEX runs_by_ending ON runs (substr(run_id, -8));
CREATE INDEX runs_by_model ON runs (model);
CREATE INDEX runs_by_seed ON runs (seed);
CREATE INDEX runs_by_notebook ON runs (notebook) WHERE notebook <> '';
CREATE INDEX runs_by_response ON runs (response_id) WHERE response_id IS NOT NULL;
CREATE INDEX runs_by_parent ON runs (parent_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX runs_by_plan ON runs (plan_id) WHERE plan_id IS NOT NULL;
CREATE INDEX runs_not_succeeded ON runs (status) WHERE status <> 'succeeded';
CREATE INDEX runs_favorite ON runs (favorite) WHERE favorite;

CREATE TABLE images (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    position INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    mime TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    mode TEXT NOT NULL,
    seed INTEGER,
    pixels_sha256 TEXT,
    signed INTEGER,
    exif INTEGER,
    PRIMARY KEY (run_id, position)
) WITHOUT ROWID;

CREATE INDEX images_by_sha256 ON images (sha256);

CREATE TABLE bodies (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    position INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    part TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
) WITHOUT ROWID;

CREATE INDEX bodies_by_sha256 ON bodies (sha256);

CREATE VIRTUAL TABLE prompts USING fts5 (
    text, content = '', columnsize = 0, prefix = '3',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co So'"
);

CREATE TABLE arrivals (
    run_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    sha256 TEXT,
    status_code INTEGER,
    headers TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
) WITHOUT ROWID;

CREATE TABLE deletions (
    sha256 TEXT PRIMARY KEY,
    deleted_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE verdicts (
    run_id TEXT PRIMARY KEY REFERENCES runs (run_id),
    judged_at TEXT NOT NULL,
    grade TEXT,
    circumstances TEXT NOT NULL,
    figures TEXT NOT NULL
) WITHOUT ROWID;

CREATE VIEW money AS
SELECT
    number,
    run_id,
    created_at,
    substr(created_at, 1, 10) AS day,
    model,
    notebook,
    session_id,
    status,
    CASE WHEN charged_micro_usd IS NULL AND status = 'succeeded'
        THEN coalesce(estimate_micro_usd, 0) ELSE 0 END AS estimated,
    coalesce(charged_micro_usd, 0) AS charged,
    CASE WHEN charged_micro_usd IS NULL AND status IN ('pending', 'sent')
        THEN coalesce(reserve_micro_usd, 0) ELSE 0 END AS reserved,
    CASE WHEN charged_micro_usd IS NULL AND status = 'unknown'
        THEN coalesce(reserve_micro_usd, 0) ELSE 0 END AS unknown,
    CASE WHEN charged_micro_usd IS NULL AND status = 'succeeded'
        THEN max(coalesce(reserve_micro_usd, 0) - coalesce(estimate_micro_usd, 0), 0) ELSE 0 END AS margin,
    charged_micro_usd IS NULL AND (
        (status = 'succeeded' AND estimate_micro_usd IS NULL)
        OR (status IN ('pending', 'sent', 'unknown') AND reserve_micro_usd IS NULL)
    ) AS unpriced,
    charge_source,
    charge_currency
FROM runs;

CREATE TABLE totals (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    runs INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    charged INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    unknown INTEGER NOT NULL,
    margin INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;

CREATE VIEW contributions AS
SELECT number, 'project' AS scope, '' AS name, estimated, charged, reserved, unknown, margin, unpriced FROM money
UNION ALL SELECT number, 'day', day, estimated, charged, reserved, unknown, margin, unpriced FROM money
UNION ALL SELECT number, 'session', session_id, estimated, charged, reserved, unknown, margin, unpriced FROM money
UNION ALL SELECT number, 'model', model, estimated, charged, reserved, unknown, margin, unpriced FROM money
UNION ALL SELECT number, 'notebook', notebook, estimated, charged, reserved, unknown, margin, unpriced FROM money;

CREATE VIEW v_runs AS
SELECT
    runs.run_id,
    runs.generation_id,
    runs.position,
    runs.parent_run_id,
    runs.relation,
    runs.session_id,
    runs.notebook,
    runs.status,
    runs.created_at,
    runs.sent_at,
    runs.finished_at,
    runs.base_url,
    runs.model,
    runs.asked_model,
    runs.seed,
    runs.seed_drawn,
    runs.prompt,
    runs.enhanced_prompt,
    runs.request,
    runs.request_hash,
    runs.estimate_micro_usd / 1e6 AS estimate_usd,
    runs.charged_micro_usd / 1e6 AS charged_usd,
    runs.attempts,
    runs.status_code,
    runs.response_id,
    runs.blurred,
    runs.violation,
    runs.error_class,
    runs.error,
    (SELECT count(*) FROM images WHERE images.run_id = runs.run_id) AS images,
    runs.served_model,
    runs.served_model_name,
    runs.router,
    runs.service_version,
    runs.plan_id,
    runs.plan_cell,
    runs.favorite
FROM runs;

CREATE VIEW v_images AS
SELECT
    images.run_id,
    images.position,
    images.sha256,
    images.size_bytes,
    images.mime,
    images.width,
    images.height,
    images.mode,
    images.seed,
    runs.created_at,
    runs.model,
    runs.prompt,
    runs.blurred,
    deletions.deleted_at,
    images.pixels_sha256,
    images.signed,
    images.exif
FROM images
JOIN runs ON runs.run_id = images.run_id
LEFT JOIN deletions ON deletions.sha256 = images.sha256;

CREATE VIEW v_costs AS
SELECT
    run_id,
    created_at,
    day,
    model,
    notebook,
    session_id,
    status,
    estimated / 1e6 AS estimated_usd,
    charged / 1e6 AS charged_usd,
    reserved / 1e6 AS reserved_usd,
    unknown / 1e6 AS unknown_usd,
    unpriced,
    charge_source,
    charge_currency,
    margin / 1e6 AS margin_usd
FROM money;

CREATE VIEW v_replays AS
SELECT
    runs.run_id,
    runs.parent_run_id,
    runs.created_at,
    substr(runs.created_at, 1, 10) AS day,
    parents.created_at AS parent_created_at,
    runs.model,
    runs.seed,
    runs.status,
    verdicts.judged_at,
    verdicts.grade,
    verdicts.circumstances,
    json_extract(verdicts.figures, '$.psnr_db') AS psnr_db,
    json_extract(verdicts.figures, '$.worst_tile_psnr_db') AS worst_tile_psnr_db,
    json_extract(verdicts.figures, '$.changed_share') AS changed_share,
    json_extract(verdicts.figures, '$.ssim') AS ssim,
    json_extract(verdicts.figures, '$.hash_distance') AS hash_distance,
    json_extract(verdicts.figures, '$.detail_kept') AS detail_kept
FROM verdicts
JOIN runs ON runs.run_id = verdicts.run_id
LEFT JOIN runs AS parents ON parents.run_id = runs.parent_run_id;
"""

MIGRATIONS = (FIRST,)
