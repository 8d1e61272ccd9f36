-- 005: how full the passes of a run were.
--
-- The paths of a run are decoded together: each takes a seat as one comes free
-- and leaves it when it ends, and a step feeds all who are seated, writers with
-- one row each, readers with what room is left.  A run whose paths were not
-- decoded together has no row here.

CREATE TABLE batching (
    id      INTEGER PRIMARY KEY,
    run_id  INTEGER NOT NULL UNIQUE REFERENCES run(id),
    n_seat  INTEGER NOT NULL,               -- paths that could run together
    n_row   INTEGER NOT NULL,               -- rows that a step could hold
    n_step  INTEGER NOT NULL,
    seats   INTEGER NOT NULL,               -- in use, summed over all steps
    n_fed   INTEGER NOT NULL,               -- rows, summed over all steps
    steps   BLOB NOT NULL CHECK (length(steps) % 8 = 0),   -- in order, equal
                                            -- neighbours as one: u16 seats in
                                            -- use, u16 rows, u32 how many such
                                            -- steps, little-endian
    joined  BLOB NOT NULL CHECK (length(joined) % 8 = 0)   -- paths in the order
                                            -- in which they took a seat: u32
                                            -- ordinal, u32 step
) STRICT;
