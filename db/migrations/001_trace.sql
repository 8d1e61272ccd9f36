-- 001: runs, paths, tokens, steps, and the chain over all of them.
--
-- Everything is append-only: what is known only at the end of a run or a path
-- is a row of its own (run_end, path_end), so that a committed row never
-- changes and the hash chain can cover it.  Text that a person or a model
-- wrote lives in `text`, once per content, and nowhere else: `forget` empties
-- it there and the digests stay.
--
-- Ids are given by the writer, rise by one, and are never used again after
-- `rm`: a part of the chain names its rows as a range of ids.
--
-- Run inside one transaction by db_migrate(), which sets PRAGMA user_version
-- in that transaction.  Never edit a released migration: add the next number.

-- 0..1023: views turn one packed row into many by joining it.
CREATE TABLE number (n INTEGER PRIMARY KEY) STRICT;
INSERT INTO number
WITH RECURSIVE up(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM up WHERE n < 1023)
SELECT n FROM up;

-- Which text of db/views.sql the views in this file were made from.
CREATE TABLE views_made (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    sha256 BLOB NOT NULL CHECK (length(sha256) = 32)
) STRICT;

-- Repeated text is stored once.  body is NULL once forgotten.
CREATE TABLE text (
    id     INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),  -- of the UTF-8
    body   TEXT
) STRICT;

-- One row per model file ever used, named by its content.
CREATE TABLE model (
    id           INTEGER PRIMARY KEY,
    sha256       BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    name         TEXT NOT NULL,             -- general.name, else the file name
    path         TEXT NOT NULL,             -- where it was when first used
    arch         TEXT NOT NULL,
    quant        TEXT NOT NULL,             -- commonest tensor type
    bytes        INTEGER NOT NULL,
    n_layer      INTEGER NOT NULL,
    n_embd       INTEGER NOT NULL,
    n_head       INTEGER NOT NULL,
    n_head_kv    INTEGER NOT NULL,
    n_vocab      INTEGER NOT NULL,
    n_ctx_train  INTEGER NOT NULL
) STRICT;

-- Digests of a model's header (ordinal 0) and of each tensor, so that a
-- changed file is not only noticed but located.
CREATE TABLE model_part (
    id       INTEGER PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES model(id),
    ordinal  INTEGER NOT NULL,
    name     TEXT NOT NULL,
    bytes    INTEGER NOT NULL,
    xxh3     INTEGER NOT NULL,              -- XXH3-64, as a signed integer
    UNIQUE (model_id, ordinal)
) STRICT;

-- The bytes of the tokens that occur, as text (invalid UTF-8 as U+FFFD).
CREATE TABLE piece (
    id       INTEGER PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES model(id),
    token_id INTEGER NOT NULL,
    bytes    BLOB NOT NULL,
    text     TEXT NOT NULL,
    UNIQUE (model_id, token_id)
) STRICT;

-- One question asked of one model, and everything its result depends on.
CREATE TABLE run (
    id            INTEGER PRIMARY KEY,
    uid           TEXT NOT NULL UNIQUE CHECK (length(uid) = 32),
    kind          TEXT NOT NULL CHECK
                  (kind IN ('run','review','import','fork')),
    model_id      INTEGER REFERENCES model(id),     -- NULL: foreign trace
    prompt_id     INTEGER NOT NULL REFERENCES text(id),  -- as the user gave it
    system_id     INTEGER REFERENCES text(id),
    chat          TEXT NOT NULL,            -- template recognised, or 'none'
    n_prompt      INTEGER NOT NULL,         -- tokens, template included
    n_path        INTEGER NOT NULL,         -- paths asked for
    max_tok       INTEGER NOT NULL,
    seed          INTEGER NOT NULL,
    temperature   REAL NOT NULL,            -- 0: greedy
    top_k         INTEGER NOT NULL,         -- 0: off
    top_p         REAL NOT NULL,            -- 1: off
    min_p         REAL NOT NULL,            -- 0: off
    route         TEXT NOT NULL,            -- 'off' until routing is asked for
    kv_type       TEXT NOT NULL,
    isa           TEXT NOT NULL,
    n_thread      INTEGER NOT NULL,
    n_ctx         INTEGER NOT NULL,
    level         TEXT NOT NULL CHECK
                  (level IN ('steps','tokens','layers','heads')),
    program       TEXT NOT NULL,            -- sorites version
    params        TEXT NOT NULL,            -- JSON object, what has no column
    started_us    INTEGER NOT NULL          -- since 1970, UTC
) STRICT;

-- How a run ended.  A run without this row was cut off.
CREATE TABLE run_end (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL UNIQUE REFERENCES run(id),
    status     TEXT NOT NULL CHECK
               (status IN ('complete','interrupted','incomplete')),
    reason     TEXT,                        -- why it is not complete
    n_token    INTEGER NOT NULL,            -- rows of token
    n_lost     INTEGER NOT NULL,            -- events dropped, see loss
    wall_ns    INTEGER NOT NULL,
    prefill_ns INTEGER NOT NULL,
    ended_us   INTEGER NOT NULL
) STRICT;

-- One line of reasoning.  A child shares the first fork_pos tokens of its
-- parent; path_span spells the sharing out.
CREATE TABLE path (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL REFERENCES run(id),
    ordinal  INTEGER NOT NULL CHECK (ordinal >= 0),
    kind     TEXT NOT NULL CHECK
             (kind IN ('greedy','sample','score','fork','import')),
    parent_id INTEGER REFERENCES path(id),
    fork_pos INTEGER NOT NULL CHECK (fork_pos >= 0),
    seed     INTEGER NOT NULL,
    params   TEXT NOT NULL,                 -- JSON object: what differs
    UNIQUE (run_id, ordinal)
) STRICT;

-- Where the tokens of a path are stored: positions pos_from <= pos < pos_to
-- under source_id.  The last span of a path is its own and is open-ended
-- (pos_to 2147483647).
CREATE TABLE path_span (
    id        INTEGER PRIMARY KEY,
    path_id   INTEGER NOT NULL REFERENCES path(id),
    source_id INTEGER NOT NULL REFERENCES path(id),
    pos_from  INTEGER NOT NULL,
    pos_to    INTEGER NOT NULL,
    UNIQUE (path_id, pos_from)
) STRICT;

CREATE TABLE path_end (
    id           INTEGER PRIMARY KEY,
    path_id      INTEGER NOT NULL UNIQUE REFERENCES path(id),
    stop         TEXT NOT NULL CHECK
                 (stop IN ('eog','length','context','cancelled','scored',
                  'import')),
    n_token      INTEGER NOT NULL,          -- generated
    text_id      INTEGER NOT NULL REFERENCES text(id),  -- generated text
    logprob_mean REAL,                      -- nats per generated token
    ended_us     INTEGER NOT NULL
) STRICT;

-- One token of one path: how it was chosen (logprob, entropy, alt: of the
-- distribution it was drawn from; NULL for a prompt token) and what the
-- engine did when it went in (mode, digest, layers; NULL where it never did).
-- alt, layers and heads are packed as docs/trace-format.md says; v_alt,
-- v_layer, v_route and v_head unpack them in plain SQL.
CREATE TABLE token (
    id       INTEGER PRIMARY KEY,
    path_id  INTEGER NOT NULL REFERENCES path(id),
    pos      INTEGER NOT NULL CHECK (pos >= 0),
    token_id INTEGER NOT NULL,
    logprob  REAL,                          -- natural log
    entropy  REAL,                          -- nats
    mode     INTEGER,                       -- 0 sparse, 1 hybrid, 2 full
    digest   INTEGER,                       -- XXH3-64 of the logits it made
    alt      BLOB,
    layers   BLOB,
    heads    BLOB,
    UNIQUE (path_id, pos)
) STRICT;

-- One step of reasoning: positions tok_from <= pos < tok_to of its path,
-- code points char_from..char_to of the path's generated text.
CREATE TABLE step (
    id           INTEGER PRIMARY KEY,
    path_id      INTEGER NOT NULL REFERENCES path(id),
    ordinal      INTEGER NOT NULL CHECK (ordinal >= 0),
    role         TEXT NOT NULL,             -- think plan compute ... conclude
    origin       TEXT NOT NULL CHECK (origin IN ('rule','scored','generated')),
    tok_from     INTEGER NOT NULL,
    tok_to       INTEGER NOT NULL,
    char_from    INTEGER NOT NULL,
    char_to      INTEGER NOT NULL,
    logprob_mean REAL,
    logprob_min  REAL,
    min_pos      INTEGER,                   -- where logprob_min stands
    segmenter    INTEGER NOT NULL,          -- version of the rules that cut it
    UNIQUE (path_id, ordinal)
) STRICT;

-- An answer that a path states.  Votes are counted over `norm`.
CREATE TABLE answer (
    id      INTEGER PRIMARY KEY,
    path_id INTEGER NOT NULL REFERENCES path(id),
    step_id INTEGER REFERENCES step(id),
    final   INTEGER NOT NULL CHECK (final IN (0, 1)),  -- 1: the path's vote
    kind    TEXT NOT NULL CHECK (kind IN ('number','yesno','option','text')),
    text_id INTEGER NOT NULL REFERENCES text(id),   -- as stated
    norm_id INTEGER NOT NULL REFERENCES text(id)    -- as counted
) STRICT;

-- An edge of the reasoning graph.  weight 0..1; measured says how it was got.
-- 'attends' is attention mass: correlation, never evidence.
CREATE TABLE edge (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL REFERENCES run(id),
    kind     TEXT NOT NULL,                 -- follows refers_to shares attends
                                            -- concludes
    src_kind TEXT NOT NULL,                 -- question step answer ...
    src_id   INTEGER NOT NULL,
    dst_kind TEXT NOT NULL,
    dst_id   INTEGER NOT NULL,
    weight   REAL NOT NULL,
    measured TEXT NOT NULL CHECK (measured IN ('rule','correlation','causal')),
    note_id  INTEGER REFERENCES text(id)    -- what was shared or referred to
) STRICT;

-- Where each pair of paths of a run first differs.
CREATE TABLE divergence (
    id      INTEGER PRIMARY KEY,
    run_id  INTEGER NOT NULL REFERENCES run(id),
    path_a  INTEGER NOT NULL REFERENCES path(id),
    path_b  INTEGER NOT NULL REFERENCES path(id),
    pos     INTEGER,                        -- NULL: identical to the end
    token_a INTEGER,                        -- NULL: the path had ended
    token_b INTEGER
) STRICT;

-- What the recorder lost, and why.
CREATE TABLE loss (
    id      INTEGER PRIMARY KEY,
    run_id  INTEGER NOT NULL REFERENCES run(id),
    from_seq INTEGER NOT NULL,
    n_event INTEGER NOT NULL,
    reason  TEXT NOT NULL
) STRICT;

-- The hash chain: one row per committed transaction of the writer.
-- hash = SHA-256 of (id, run_id, at_us, prev, then every column but hash of
-- each of its parts, in order of id); batch 1 has 32 zero bytes as prev.
CREATE TABLE batch (
    id     INTEGER PRIMARY KEY,
    run_id INTEGER,                         -- no foreign key: outlives rm
    at_us  INTEGER NOT NULL,
    prev   BLOB NOT NULL CHECK (length(prev) = 32),
    hash   BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- A part covers n_row rows of one table, all that have an id in
-- first_id..last_id: digest = SHA-256 of their columns in order of id.  Of a
-- text it covers id and sha256 only, so that `forget` can empty the body.
-- docs/trace-format.md says how a value becomes bytes.
CREATE TABLE batch_part (
    id         INTEGER PRIMARY KEY,
    batch_id   INTEGER NOT NULL REFERENCES batch(id),
    table_name TEXT NOT NULL,
    first_id   INTEGER NOT NULL,
    last_id    INTEGER NOT NULL,
    n_row      INTEGER NOT NULL,
    digest     BLOB NOT NULL CHECK (length(digest) = 32)
) STRICT;

-- What `rm` and `forget` leave behind.
CREATE TABLE tombstone (
    id     INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL,
    uid    TEXT NOT NULL,
    kind   TEXT NOT NULL CHECK (kind IN ('rm','forget')),
    n_row  INTEGER NOT NULL,
    at_us  INTEGER NOT NULL
) STRICT;

CREATE INDEX run_started ON run(started_us);
CREATE INDEX step_tok ON step(path_id, tok_from);
CREATE INDEX edge_run ON edge(run_id, kind);
CREATE INDEX edge_src ON edge(src_kind, src_id);
CREATE INDEX edge_dst ON edge(dst_kind, dst_id);
CREATE INDEX answer_path ON answer(path_id);
CREATE INDEX divergence_run ON divergence(run_id);
CREATE INDEX batch_part_batch ON batch_part(batch_id);
CREATE INDEX batch_part_rows ON batch_part(table_name, last_id);
CREATE UNIQUE INDEX tombstone_run ON tombstone(run_id, kind);
CREATE INDEX batch_run ON batch(run_id);
