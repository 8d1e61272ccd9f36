-- 002: experiments on recorded runs.
--
-- An experiment reads one position of one path after an exact replay of the
-- prefix, so its result depends on the model, the prefix, the position and the
-- parameters alone: that is its key, and what has been computed for a key is
-- read from here the second time.  Its rows go with the run, and `forget`
-- takes them too.

CREATE TABLE probe (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL REFERENCES run(id),
    path_id  INTEGER NOT NULL REFERENCES path(id),
    model_id INTEGER NOT NULL REFERENCES model(id),
    kind     TEXT NOT NULL CHECK
             (kind IN ('lens','attention','activations','ablate','faithful')),
    pos      INTEGER NOT NULL CHECK (pos >= 0),  -- the row that was read
    prefix   BLOB NOT NULL CHECK (length(prefix) = 32),  -- SHA-256 of the ids
                                            -- at 0..pos, 32 bits LE each
    params   TEXT NOT NULL,                 -- JSON object: the rest of the key
    token_id INTEGER,                       -- what was asked about; or NULL
    logprob  REAL,                          -- of it, nothing altered, nats
    isa      TEXT NOT NULL,
    program  TEXT NOT NULL,
    wall_ns  INTEGER NOT NULL,              -- without the prefix's replay
    at_us    INTEGER NOT NULL
) STRICT;

-- What the output head makes of the residual stream after each layer (the
-- logit lens); layer -1 is the embedding.
CREATE TABLE lens (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    layer    INTEGER NOT NULL,
    rank     INTEGER NOT NULL,              -- of probe.token_id, from 1
    logprob  REAL NOT NULL,                 -- of it, nats
    entropy  REAL NOT NULL,                 -- nats
    kl       REAL NOT NULL                  -- of the last layer from this one
) STRICT;

CREATE TABLE lens_top (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    layer    INTEGER NOT NULL,
    rank     INTEGER NOT NULL,              -- from 1
    token_id INTEGER NOT NULL,
    logprob  REAL NOT NULL
) STRICT;

-- What each part wrote towards the logit of probe.token_id: direct effect,
-- with the scale of the output norm frozen at its value in this row, relative
-- to the mean over the vocabulary.
CREATE TABLE attribution (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    part     TEXT NOT NULL CHECK (part IN ('embed','head','mlp','layer')),
    layer    INTEGER NOT NULL,              -- -1: the embedding
    head     INTEGER NOT NULL,              -- -1: no head
    logit    REAL NOT NULL
) STRICT;

CREATE TABLE attention (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    layer    INTEGER NOT NULL,
    head     INTEGER NOT NULL,
    rank     INTEGER NOT NULL,              -- from 1, heaviest
    key_pos  INTEGER NOT NULL,
    weight   REAL NOT NULL,                 -- 0..1
    entropy  REAL NOT NULL                  -- of the head's whole row, nats
) STRICT;

CREATE TABLE activation (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    layer    INTEGER NOT NULL,              -- -1: the embedding
    norm     REAL NOT NULL,                 -- L2, residual stream
    update_norm REAL,                       -- of what the block added
    cosine   REAL                           -- with the layer before
) STRICT;

CREATE TABLE neuron (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    layer    INTEGER NOT NULL,
    rank     INTEGER NOT NULL,              -- from 1, by size
    neuron   INTEGER NOT NULL,
    value    REAL NOT NULL                  -- silu(gate) * up
) STRICT;

-- What follows when one thing is changed: of a head or a layer (zero, mean,
-- patch), of keys hidden in the reused KV (mask: later tokens have read them),
-- of text removed and everything after it computed again (recompute).  Only
-- the last is called causal.
CREATE TABLE effect (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    how      TEXT NOT NULL CHECK
             (how IN ('zero','mean','patch','mask','recompute')),
    measured TEXT NOT NULL CHECK (measured IN ('intervention','causal')),
    layer    INTEGER NOT NULL,              -- -1: none
    head     INTEGER NOT NULL,              -- -1: none, or all
    span_from INTEGER NOT NULL,             -- -1: none
    span_to  INTEGER NOT NULL,
    logprob  REAL NOT NULL,                 -- of probe.token_id afterwards
    kl       REAL NOT NULL,                 -- from the unaltered distribution
    top_id   INTEGER NOT NULL,              -- likeliest token afterwards
    CHECK (measured = 'intervention' OR how = 'recompute')
) STRICT;

-- One faithfulness test of one step (step_id NULL: of the reasoning as a
-- whole): the path's answer came again in n_same of n.
CREATE TABLE trial (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    test     TEXT NOT NULL CHECK
             (test IN ('early','mistake','paraphrase','filler','resample')),
    step_id  INTEGER REFERENCES step(id),
    step     INTEGER NOT NULL,              -- steps kept before the change
    n        INTEGER NOT NULL,
    n_same   INTEGER NOT NULL,
    low      REAL NOT NULL,                 -- 95 % interval of n_same / n
    high     REAL NOT NULL,
    logprob  REAL                           -- of the path's answer, nats
) STRICT;

CREATE INDEX probe_key ON probe(model_id, kind, prefix, pos);
CREATE INDEX probe_run ON probe(run_id);
CREATE INDEX probe_path ON probe(path_id, pos);
CREATE INDEX lens_probe ON lens(probe_id);
CREATE INDEX lens_top_probe ON lens_top(probe_id, layer);
CREATE INDEX attribution_probe ON attribution(probe_id);
CREATE INDEX attention_probe ON attention(probe_id);
CREATE INDEX activation_probe ON activation(probe_id);
CREATE INDEX neuron_probe ON neuron(probe_id, layer);
CREATE INDEX effect_probe ON effect(probe_id);
CREATE INDEX trial_probe ON trial(probe_id);
CREATE INDEX trial_step ON trial(step_id);
