-- 008: what routing saved, and what that cost.
--
-- The work of a path as it was done, in whole numbers that the engine told: a
-- row of `work` for the prompt, one for the answer.  A row of the network is
-- one token in one pass: a token that the guard sent to full counts twice, and
-- wrong guesses count.  Not counted: the few layers with which --draft self
-- guesses, and logits that --exit looked at in vain.  `work_unit` says what
-- each thing costs in the run's model.

CREATE TABLE work_unit (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL UNIQUE REFERENCES run(id),
    block_macs    REAL NOT NULL,            -- multiplications of attention for
                                            -- a block of keys that a KV group
                                            -- reads
    compare_macs  REAL NOT NULL,            -- for a hull that it compares
    block_bytes   REAL NOT NULL,            -- keys and values of the block
    compare_bytes REAL NOT NULL,            -- hull
    layer_macs    REAL NOT NULL,            -- a row in a layer, attention aside
    head_macs     REAL NOT NULL,            -- a row of logits
    weight_bytes  REAL NOT NULL             -- all matrices, as repacked
) STRICT;

CREATE TABLE work (
    id       INTEGER PRIMARY KEY,
    path_id  INTEGER NOT NULL REFERENCES path(id),
    phase    TEXT NOT NULL CHECK (phase IN ('prompt','answer')),
    n_row    INTEGER NOT NULL,              -- rows of the network
    n_again  INTEGER NOT NULL,              -- of which a token's second
    layer_rows  INTEGER NOT NULL,           -- layers that they went through
    layer_again INTEGER NOT NULL,           -- of which a second time
    n_head   INTEGER NOT NULL,              -- rows of logits
    n_pass   INTEGER NOT NULL,              -- passes in whose first row it was
    pass_again  INTEGER NOT NULL,           -- of which for second rows alone
    blocks_read INTEGER NOT NULL,           -- over layers and KV groups
    compared    INTEGER NOT NULL,           -- hulls, likewise
    blocks_full INTEGER NOT NULL,           -- what full would have read
    UNIQUE (path_id, phase)
) STRICT;

-- An audit computes a share of the tokens that left something out again in
-- full, after the run, and keeps the difference.  Which tokens follows from the
-- seed of the path and the position: a larger rate takes those of a smaller one
-- and more.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL REFERENCES run(id),
    rate     REAL NOT NULL CHECK (rate > 0 AND rate <= 1),
    n_routed INTEGER NOT NULL,              -- tokens that left something out
    n_audited INTEGER NOT NULL,             -- of which this audit priced
    exact    INTEGER NOT NULL CHECK (exact IN (0, 1)),  -- 1: on the instruction
                                            -- set of the run, so to the bit
    isa      TEXT NOT NULL,
    program  TEXT NOT NULL,
    wall_ns  INTEGER NOT NULL,
    at_us    INTEGER NOT NULL
) STRICT;

-- The price of one: what the row at pos says of the token after it, as routed
-- and in full.  local: this row alone in full, all before it as recorded.
-- total: a timeline that was in full from its first token.
CREATE TABLE route_price (
    id       INTEGER PRIMARY KEY,
    audit_id INTEGER NOT NULL REFERENCES audit(id),
    path_id  INTEGER NOT NULL REFERENCES path(id),
    pos      INTEGER NOT NULL CHECK (pos >= 0),
    mode     TEXT NOT NULL CHECK (mode IN ('sparse','hybrid')),
    n_layer  INTEGER NOT NULL,              -- that the row went through
    kl_local REAL NOT NULL,                 -- nats, of the routed distribution
    kl_total REAL NOT NULL,                 -- from the full one
    rank       INTEGER NOT NULL,            -- of the token after it, from 1
    rank_local INTEGER NOT NULL,
    rank_total INTEGER NOT NULL,
    logprob       REAL NOT NULL,            -- of it, nats
    logprob_local REAL NOT NULL,
    logprob_total REAL NOT NULL,
    same_local INTEGER NOT NULL,            -- 1: the same token is likeliest
    same_total INTEGER NOT NULL,
    blocks_read INTEGER NOT NULL,           -- over layers and KV groups
    compared    INTEGER NOT NULL,
    blocks_full INTEGER NOT NULL,
    UNIQUE (path_id, pos)
) STRICT;

CREATE INDEX audit_run ON audit(run_id);
CREATE INDEX route_price_audit ON route_price(audit_id);
