-- 004: whole rows of attention, of the heads that somebody chose.
--
-- Two bytes a key: 2,000 keys of 270 heads are a megabyte, where a row each
-- would be thirty.  v_attention_row unpacks them.

CREATE TABLE attention_row (
    id       INTEGER PRIMARY KEY,
    probe_id INTEGER NOT NULL REFERENCES probe(id),
    layer    INTEGER NOT NULL,
    head     INTEGER NOT NULL,
    entropy  REAL NOT NULL,                 -- nats
    weights  BLOB NOT NULL                  -- keys 0..probe.pos: a uf16 of
                                            -- 2^20 times the weight each
) STRICT;

CREATE INDEX attention_row_probe ON attention_row(probe_id);
