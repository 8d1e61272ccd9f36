-- 003: documents reviewed: clauses, the logic between them, claims along
-- several paths, checks, findings, and what people decided.
--
-- A review is a run of kind 'review' over one document.  Offsets (char_from,
-- char_to: half-open) count Unicode code points of document.text_id, so that
-- substr(body, char_from + 1, char_to - char_from) is the quotation.  A path of
-- a claim is a row of `path` of kind 'score' like any other: its tokens are the
-- timeline of its decisive reading, its steps cite, relate, weigh, conclude.
--
-- `reading` holds every question that was put to the model with its exact
-- input, once: replay computes each again, and a review that was cut off goes
-- on from them.

-- How a review was made.  It goes on after a cut only where `same` agrees.
CREATE TABLE review (
    id           INTEGER PRIMARY KEY,
    run_id       INTEGER NOT NULL UNIQUE REFERENCES run(id),
    same         BLOB NOT NULL CHECK (length(same) = 32),  -- SHA-256 of
                                            -- document, pack, model, options
    domain       TEXT NOT NULL,
    pack_version TEXT NOT NULL,
    adapter      TEXT,                      -- SHA-256 of the file, hex
    party        TEXT,                      -- whose side; NULL: nobody's
    strict       INTEGER NOT NULL CHECK (strict IN (0, 1)),
    rules_only   INTEGER NOT NULL CHECK (rules_only IN (0, 1)),
    n_path       INTEGER NOT NULL,          -- asked for, of each claim
    note_id      INTEGER REFERENCES text(id)    -- what every report says
) STRICT;

CREATE TABLE document (
    id       INTEGER PRIMARY KEY,
    run_id   INTEGER NOT NULL UNIQUE REFERENCES run(id),
    name_id  INTEGER NOT NULL REFERENCES text(id),  -- as the user gave it
    format   TEXT NOT NULL CHECK
             (format IN ('text','markdown','pdf','docx')),
    encoding TEXT NOT NULL,
    sha256   BLOB NOT NULL CHECK (length(sha256) = 32),  -- of the file
    n_byte   INTEGER NOT NULL,              -- of the text
    n_char   INTEGER NOT NULL,
    n_page   INTEGER NOT NULL,              -- 0: the format has none
    text_id  INTEGER NOT NULL REFERENCES text(id)
) STRICT;

-- A numbered, lettered or headed provision, or an unnumbered body paragraph.
-- Parents contain their children: own_to ends the part before the first child,
-- text_from..text_to is what a model reads of it.
CREATE TABLE clause (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES run(id),
    ordinal    INTEGER NOT NULL,
    kind       TEXT NOT NULL CHECK
               (kind IN ('numbered','headed','paragraph','preamble','recital',
                'item')),
    parent     INTEGER,                     -- its ordinal; NULL: top
    depth      INTEGER NOT NULL,
    number     TEXT,                        -- as printed: '(a)'
    full_number TEXT,                       -- '2.1(a)'
    unit       TEXT,                        -- 'section', 'exhibit'
    heading_id INTEGER REFERENCES text(id),
    char_from  INTEGER NOT NULL,
    char_to    INTEGER NOT NULL,
    own_to     INTEGER NOT NULL,
    text_from  INTEGER NOT NULL,
    text_to    INTEGER NOT NULL,
    page       INTEGER,
    UNIQUE (run_id, ordinal)
) STRICT;

-- The type of a clause, by the model; score: calibrated probability.
CREATE TABLE clause_type (
    id        INTEGER PRIMARY KEY,
    run_id    INTEGER NOT NULL REFERENCES run(id),
    clause_id INTEGER NOT NULL UNIQUE REFERENCES clause(id),
    label     TEXT NOT NULL,
    score     REAL NOT NULL
) STRICT;

-- What the model reads: a clause's own text, a long one in pieces.
CREATE TABLE passage (
    id        INTEGER PRIMARY KEY,
    run_id    INTEGER NOT NULL REFERENCES run(id),
    ordinal   INTEGER NOT NULL,
    clause_id INTEGER NOT NULL REFERENCES clause(id),
    char_from INTEGER NOT NULL,
    char_to   INTEGER NOT NULL,
    UNIQUE (run_id, ordinal)
) STRICT;

-- A defined term, where it is defined first.
CREATE TABLE term (
    id           INTEGER PRIMARY KEY,
    run_id       INTEGER NOT NULL REFERENCES run(id),
    ordinal      INTEGER NOT NULL,
    name_id      INTEGER NOT NULL REFERENCES text(id),
    clause_id    INTEGER REFERENCES clause(id),
    char_from    INTEGER NOT NULL,
    char_to      INTEGER NOT NULL,
    meaning_from INTEGER,                   -- the words that say what it is
    meaning_to   INTEGER,
    n_def        INTEGER NOT NULL,
    n_use        INTEGER NOT NULL
) STRICT;

-- A party of the preamble.
CREATE TABLE party (
    id        INTEGER PRIMARY KEY,
    run_id    INTEGER NOT NULL REFERENCES run(id),
    name_id   INTEGER NOT NULL REFERENCES text(id),
    role_id   INTEGER REFERENCES text(id),
    char_from INTEGER NOT NULL,
    char_to   INTEGER NOT NULL
) STRICT;

-- Who must, may or must not do what.
CREATE TABLE norm (
    id            INTEGER PRIMARY KEY,
    run_id        INTEGER NOT NULL REFERENCES run(id),
    clause_id     INTEGER REFERENCES clause(id),
    kind          TEXT NOT NULL CHECK
                  (kind IN ('obligation','permission','prohibition')),
    bearer_id     INTEGER REFERENCES text(id),
    modal_id      INTEGER REFERENCES text(id),
    char_from     INTEGER NOT NULL,
    char_to       INTEGER NOT NULL,
    act_from      INTEGER,
    act_to        INTEGER,
    deadline_from INTEGER,
    deadline_to   INTEGER,
    amount_from   INTEGER,
    amount_to     INTEGER
) STRICT;

-- A value that the text states, in a form that code can compare.
CREATE TABLE value (
    id        INTEGER PRIMARY KEY,
    run_id    INTEGER NOT NULL REFERENCES run(id),
    clause_id INTEGER REFERENCES clause(id),
    kind      TEXT NOT NULL CHECK
              (kind IN ('period','date','amount','percent','law','party')),
    norm_id   INTEGER REFERENCES text(id),  -- 'P30D', 'USD 1000000.00'
    char_from INTEGER NOT NULL,
    char_to   INTEGER NOT NULL
) STRICT;

-- An edge of the logic graph and the words that say so.  An end of kind
-- external, external_term or dangling is a name: its id is of `text`.
CREATE TABLE logic (
    id        INTEGER PRIMARY KEY,
    run_id    INTEGER NOT NULL REFERENCES run(id),
    kind      TEXT NOT NULL CHECK
              (kind IN ('defines','uses','refers_to','condition_of',
               'exception_to','overrides','conflicts_with','supports',
               'contradicts')),
    src_kind  TEXT NOT NULL,                -- clause term document claim ...
    src_id    INTEGER NOT NULL,
    dst_kind  TEXT NOT NULL,
    dst_id    INTEGER NOT NULL,
    char_from INTEGER,
    char_to   INTEGER,
    score     REAL NOT NULL,                -- 1: by rule
    measured  TEXT NOT NULL CHECK (measured IN ('rule','scored')),
    rule      TEXT                          -- which pattern of the pack
) STRICT;

-- What is wrong with the document, by rule.  No place: an absence.
CREATE TABLE defect (
    id           INTEGER PRIMARY KEY,
    run_id       INTEGER NOT NULL REFERENCES run(id),
    ordinal      INTEGER NOT NULL,
    kind         TEXT NOT NULL,             -- 'missing_governing_law'
    note_id      INTEGER REFERENCES text(id),
    char_from    INTEGER,
    char_to      INTEGER,
    related_from INTEGER,                   -- the other place
    related_to   INTEGER,
    n_searched   INTEGER NOT NULL           -- clauses, for an absence
) STRICT;

-- A point in dispute, and how often verdicts on it were wrong where that was
-- measured (n_given 0: it was not), contradictions apart.
CREATE TABLE claim (
    id               INTEGER PRIMARY KEY,
    run_id           INTEGER NOT NULL REFERENCES run(id),
    ordinal          INTEGER NOT NULL,
    name             TEXT NOT NULL,         -- 'nda-4'
    kind             TEXT NOT NULL,         -- statement law period ...
    title_id         INTEGER REFERENCES text(id),
    text_id          INTEGER NOT NULL REFERENCES text(id),
    type             TEXT,                  -- of the clauses it is about
    custom           INTEGER NOT NULL CHECK (custom IN (0, 1)),
    n_given          INTEGER NOT NULL,
    n_wrong          INTEGER NOT NULL,
    wrong_low        REAL,                  -- 95 % interval of the error rate
    wrong_high       REAL,
    n_contradicted   INTEGER NOT NULL,      -- of those, and how many wrong
    n_contradicted_wrong INTEGER NOT NULL,
    measured_on      TEXT,
    UNIQUE (run_id, ordinal)
) STRICT;

-- One statement held against one passage by the model: the input, word for
-- word, and the logits of the three answers.
CREATE TABLE reading (
    id           INTEGER PRIMARY KEY,
    run_id       INTEGER NOT NULL REFERENCES run(id),
    context_id   INTEGER NOT NULL REFERENCES text(id),  -- text before it
    text_id      INTEGER NOT NULL REFERENCES text(id),
    statement_id INTEGER NOT NULL REFERENCES text(id),
    logit_unrelated   REAL NOT NULL,
    logit_supports    REAL NOT NULL,
    logit_contradicts REAL NOT NULL,
    digest       INTEGER NOT NULL,          -- XXH3-64 of all logits there
    n_tok        INTEGER NOT NULL
) STRICT;

-- The log-probability of every clause type for one passage, as 32-bit floats
-- (little-endian) in the order of the pack.
CREATE TABLE type_reading (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES run(id),
    context_id INTEGER NOT NULL REFERENCES text(id),
    text_id    INTEGER NOT NULL REFERENCES text(id),
    logp       BLOB NOT NULL
) STRICT;

-- A path of a claim and what it concludes.
CREATE TABLE claim_path (
    id            INTEGER PRIMARY KEY,
    run_id        INTEGER NOT NULL REFERENCES run(id),
    claim_id      INTEGER NOT NULL REFERENCES claim(id),
    path_id       INTEGER NOT NULL UNIQUE REFERENCES path(id),
    variant       TEXT NOT NULL,            -- how its input differs
    counts        INTEGER NOT NULL CHECK (counts IN (0, 1)),  -- 0: it does
                                            -- not differ from an earlier one
    statement_id  INTEGER NOT NULL REFERENCES text(id),
    verdict       TEXT NOT NULL,
    supported     REAL,                     -- probabilities
    contradicted  REAL,
    not_addressed REAL
) STRICT;

-- The readings that a path rests on; probabilities are calibrated.
CREATE TABLE claim_reading (
    id          INTEGER PRIMARY KEY,
    run_id      INTEGER NOT NULL REFERENCES run(id),
    path_id     INTEGER NOT NULL REFERENCES path(id),
    reading_id  INTEGER REFERENCES reading(id),
    passage_id  INTEGER NOT NULL REFERENCES passage(id),
    unrelated   REAL NOT NULL,
    supports    REAL NOT NULL,
    contradicts REAL NOT NULL,
    decisive    INTEGER NOT NULL CHECK (decisive IN (0, 1))
) STRICT;

-- What all paths and checks of a claim come to.
CREATE TABLE verdict (
    id            INTEGER PRIMARY KEY,
    run_id        INTEGER NOT NULL REFERENCES run(id),
    claim_id      INTEGER NOT NULL UNIQUE REFERENCES claim(id),
    verdict       TEXT NOT NULL CHECK
                  (verdict IN ('supported','contradicted','not_addressed',
                   'needs_review','not_measured')),
    confidence    REAL,                     -- calibrated: that it is right
    supported     REAL,
    contradicted  REAL,
    not_addressed REAL,
    stability     REAL,                     -- share of counting paths agreeing
    n_count       INTEGER NOT NULL,         -- paths that count
    error_correlation REAL,                 -- between paths, as measured
    path_a        INTEGER REFERENCES path(id),  -- the first two that part
    path_b        INTEGER REFERENCES path(id),
    flip_id       INTEGER REFERENCES text(id),  -- what would change it
    stance        TEXT CHECK (stance IN ('standard','fallback',
                  'unacceptable')),         -- of the playbook
    position_id   INTEGER REFERENCES text(id),
    suggest_id    INTEGER REFERENCES text(id)   -- clause to propose
) STRICT;

-- Passages cited for a claim, best first.
CREATE TABLE evidence (
    id        INTEGER PRIMARY KEY,
    run_id    INTEGER NOT NULL REFERENCES run(id),
    claim_id  INTEGER NOT NULL REFERENCES claim(id),
    rank      INTEGER NOT NULL,             -- from 0
    clause_id INTEGER REFERENCES clause(id),
    char_from INTEGER NOT NULL,
    char_to   INTEGER NOT NULL,
    relation  TEXT NOT NULL CHECK
              (relation IN ('unrelated','supports','contradicts')),
    score     REAL NOT NULL,                -- probability that it bears on it
    status    TEXT NOT NULL,                -- 'located': cut from the text
    page      INTEGER
) STRICT;

-- One test of a verdict.  passed NULL: does not apply, the note says why.
CREATE TABLE "check" (
    id            INTEGER PRIMARY KEY,
    run_id        INTEGER NOT NULL REFERENCES run(id),
    claim_id      INTEGER NOT NULL REFERENCES claim(id),
    ordinal       INTEGER NOT NULL,
    kind          TEXT NOT NULL,            -- negation swap value knockout ...
    passed        INTEGER CHECK (passed IN (0, 1)),
    input_id      INTEGER REFERENCES text(id),  -- changed words, or struck
    supported     REAL,                     -- what came of it
    contradicted  REAL,
    not_addressed REAL,
    note_id       INTEGER REFERENCES text(id),
    clause_id     INTEGER REFERENCES clause(id)
) STRICT;

-- What the report says.  People name it by its ordinal.
CREATE TABLE finding (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES run(id),
    ordinal    INTEGER NOT NULL,
    source     TEXT NOT NULL,               -- claim defect playbook missing
    claim_id   INTEGER REFERENCES claim(id),
    defect_id  INTEGER REFERENCES defect(id),
    severity   INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 3),
    origin     TEXT NOT NULL CHECK (origin IN ('rule','scored')),
    text_id    INTEGER NOT NULL REFERENCES text(id),
    clause_id  INTEGER REFERENCES clause(id),
    char_from  INTEGER,
    char_to    INTEGER,
    confidence REAL,                        -- NULL: by rule
    UNIQUE (run_id, ordinal)
) STRICT;

-- What a person said of a finding.  The newest counts; all stay.
CREATE TABLE decision (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES run(id),
    finding_id INTEGER NOT NULL REFERENCES finding(id),
    choice     TEXT NOT NULL CHECK (choice IN ('accept','reject','correct')),
    verdict    TEXT CHECK (verdict IN ('supported','contradicted',
               'not_addressed')),           -- what it should be
    name_id    INTEGER REFERENCES text(id),
    reason_id  INTEGER REFERENCES text(id),
    at_us      INTEGER NOT NULL
) STRICT;

-- What `sorites eval` measured: one figure of one set a row.
CREATE TABLE eval (
    id      INTEGER PRIMARY KEY,
    at_us   INTEGER NOT NULL,
    data    TEXT NOT NULL,                  -- which set
    measure TEXT NOT NULL,                  -- 'edges.f1', 'claims.accuracy'
    value   REAL,
    low     REAL,                           -- 95 % interval, by document
    high    REAL,
    n       INTEGER NOT NULL,
    model   TEXT NOT NULL,                  -- its SHA-256, or 'none'
    pack    TEXT NOT NULL,
    program TEXT NOT NULL
) STRICT;

CREATE INDEX review_same ON review(same);
CREATE INDEX type_clause_run ON clause_type(run_id);
CREATE INDEX term_run ON term(run_id);
CREATE INDEX party_run ON party(run_id);
CREATE INDEX norm_run ON norm(run_id);
CREATE INDEX value_run ON value(run_id);
CREATE INDEX logic_run ON logic(run_id, kind);
CREATE INDEX logic_src ON logic(src_kind, src_id);
CREATE INDEX logic_dst ON logic(dst_kind, dst_id);
CREATE INDEX defect_run ON defect(run_id);
CREATE INDEX reading_run ON reading(run_id);
CREATE INDEX type_reading_run ON type_reading(run_id);
CREATE INDEX claim_path_claim ON claim_path(claim_id);
CREATE INDEX claim_path_run ON claim_path(run_id);
CREATE INDEX claim_reading_path ON claim_reading(path_id);
CREATE INDEX claim_reading_run ON claim_reading(run_id);
CREATE INDEX verdict_run ON verdict(run_id);
CREATE INDEX evidence_claim ON evidence(claim_id, rank);
CREATE INDEX evidence_run ON evidence(run_id);
CREATE INDEX check_claim ON "check"(claim_id, ordinal);
CREATE INDEX check_run ON "check"(run_id);
CREATE INDEX decision_finding ON decision(finding_id);
CREATE INDEX decision_run ON decision(run_id);
