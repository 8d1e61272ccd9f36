-- 006: what was guessed ahead, and where a token left the network early.
--
-- Guesses at the next tokens are read together with the last certain one and
-- kept where the sampler draws them (engine/draft.h).  Wrong ones leave nothing
-- but their number here.  A path without guesses has no row.

CREATE TABLE draft (
    id      INTEGER PRIMARY KEY,
    path_id INTEGER NOT NULL UNIQUE REFERENCES path(id),
    source  TEXT NOT NULL CHECK (source IN ('lookup','self')),
    n_pass  INTEGER NOT NULL,               -- passes that read guesses
    n_draft INTEGER NOT NULL,               -- guesses read
    n_kept  INTEGER NOT NULL,               -- of which right
    passes  BLOB NOT NULL CHECK (length(passes) % 6 = 0)  -- in order: u32
                                            -- position of the certain token,
                                            -- u8 guesses, u8 of which right;
                                            -- little-endian
) STRICT;

-- Tokens whose later layers were left out: the layer whose output went to the
-- output head (0-based), what was measured there and the threshold that it
-- passed.  A token that went through all layers has no row.
CREATE TABLE token_exit (
    id        INTEGER PRIMARY KEY,
    path_id   INTEGER NOT NULL REFERENCES path(id),
    pos       INTEGER NOT NULL CHECK (pos >= 0),
    layer     INTEGER NOT NULL CHECK (layer >= 0),
    measure   REAL NOT NULL,                -- a probability, see engine/exit.h
    threshold REAL NOT NULL,
    UNIQUE (path_id, pos)
) STRICT;
