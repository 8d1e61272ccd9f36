-- 007: why tokens ran in the mode they did, where routing was on.
--
-- One row for each block of 16 positions, at its first one, and one for each
-- token that the guard sent to full (reason 'guard').  The parts of the score
-- are what engine/complexity.h says; NULL: not known at that place.  The mode of
-- every token is in token.mode.

CREATE TABLE route (
    id        INTEGER PRIMARY KEY,
    path_id   INTEGER NOT NULL REFERENCES path(id),
    pos       INTEGER NOT NULL CHECK (pos >= 0),
    mode      TEXT NOT NULL CHECK (mode IN ('sparse','hybrid','full')),
    reason    TEXT NOT NULL CHECK
              (reason IN ('policy','score','guard','replay')),
    score     REAL NOT NULL,                -- 0..1
    low       REAL NOT NULL,                -- below: sparse
    high      REAL NOT NULL,                -- below: hybrid
    entropy   REAL,
    trend     REAL,
    novelty   REAL,
    structure REAL,
    escalated REAL,
    UNIQUE (path_id, pos)
) STRICT;
