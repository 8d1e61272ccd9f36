-- Views: what people, the browser and the drawings read.  The writer remakes
-- them when this text changes, so a table may change under them.
--
-- Plain SQL for any SQLite client from 3.37 on: no extension, no function
-- beyond the core.  The packed columns of token are laid out in
-- docs/trace-format.md; here byte k of a blob is
--     instr(bytes, substr(blob, k + 1, 1)) - 1
-- where `bytes` is the blob 00 01 .. FF of v_byte, and a uf16 of the bytes lo
-- and hi is  ((lo + ((hi & 7) << 8)) << (hi >> 3)) / 65536.0
-- Offsets of substr() count from 1.
--
-- Keys first: WHERE path_id = ? AND pos = ? is answered through indexes.
-- CROSS JOIN keeps the order of the tables as written.

-- The bytes 00 01 .. FF: instr() in it turns a byte into its number.
CREATE VIEW v_byte AS SELECT
x'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF' AS bytes;

-- The models used, and by how many runs.
CREATE VIEW v_model AS
SELECT m.id, lower(hex(m.sha256)) AS sha256, m.name, m.path, m.arch, m.quant,
       m.bytes, m.n_layer, m.n_embd, m.n_head, m.n_head_kv, m.n_vocab,
       m.n_ctx_train,
       (SELECT count(*) FROM run r WHERE r.model_id = m.id) AS n_run
FROM model m;

-- One row per run, with how it ended.  answer: the vote that leads (ties: by
-- mean log-probability), with `votes` of the n_voted paths that gave any.
-- status NULL: still recording, or cut off.
CREATE VIEW v_run AS
SELECT r.id, r.uid, r.kind, r.model_id, m.name AS model,
       CASE WHEN f.id IS NULL THEN q.body END AS prompt,
       CASE WHEN f.id IS NULL THEN s.body END AS system,
       r.chat, r.route, r.kv_type, r.isa, r.level, r.program, r.params,
       r.n_prompt, r.n_path, r.max_tok, r.top_k, r.n_thread, r.n_ctx, r.seed,
       r.started_us,
       strftime('%Y-%m-%dT%H:%M:%SZ', r.started_us / 1000000, 'unixepoch')
           AS started,
       r.temperature, r.top_p, r.min_p,
       e.status, e.reason, e.n_token, e.n_lost, e.wall_ns, e.prefill_ns,
       e.ended_us,
       CASE WHEN f.id IS NULL THEN
       (SELECT n.body FROM path p JOIN answer a ON a.path_id = p.id
            JOIN text n ON n.id = a.norm_id
            LEFT JOIN path_end pe ON pe.path_id = p.id
        WHERE p.run_id = r.id AND a.final = 1
        GROUP BY a.norm_id, a.kind
        ORDER BY count(*) DESC, avg(pe.logprob_mean) DESC, a.norm_id LIMIT 1)
       END AS answer,
       coalesce((SELECT count(*) FROM path p JOIN answer a ON a.path_id = p.id
        WHERE p.run_id = r.id AND a.final = 1
        GROUP BY a.norm_id, a.kind ORDER BY count(*) DESC LIMIT 1), 0)
           AS votes,
       (SELECT count(*) FROM path p JOIN answer a ON a.path_id = p.id
        WHERE p.run_id = r.id AND a.final = 1) AS n_voted,
       (SELECT count(*) FROM path p JOIN path_end pe ON pe.path_id = p.id
        WHERE p.run_id = r.id) AS n_path_done,
       f.id IS NOT NULL AS forgotten
FROM run r
LEFT JOIN model m ON m.id = r.model_id
LEFT JOIN text q ON q.id = r.prompt_id
LEFT JOIN text s ON s.id = r.system_id
LEFT JOIN run_end e ON e.run_id = r.id
LEFT JOIN tombstone f ON f.run_id = r.id AND f.kind = 'forget';

-- One row per path.  answer: as the path stated it; answer_norm: as it is
-- counted; text: what it generated.
CREATE VIEW v_path AS
SELECT p.id, p.run_id, r.uid, p.ordinal, p.kind, p.params, p.parent_id,
       p.fork_pos, p.seed, e.stop, e.n_token,
       CASE WHEN f.id IS NULL THEN t.body END AS text,
       e.logprob_mean,
       CASE WHEN f.id IS NULL THEN at.body END AS answer,
       CASE WHEN f.id IS NULL THEN an.body END AS answer_norm,
       a.kind AS answer_kind,
       (SELECT count(*) FROM step s WHERE s.path_id = p.id) AS n_step,
       e.ended_us
FROM path p
JOIN run r ON r.id = p.run_id
LEFT JOIN path_end e ON e.path_id = p.id
LEFT JOIN text t ON t.id = e.text_id
LEFT JOIN answer a ON a.path_id = p.id AND a.final = 1
LEFT JOIN text at ON at.id = a.text_id
LEFT JOIN text an ON an.id = a.norm_id
LEFT JOIN tombstone f ON f.run_id = p.run_id AND f.kind = 'forget';

-- One row per step.  text: its part of the path's text; answer: what it
-- states, as counted; path: ordinal of the path.
CREATE VIEW v_step AS
SELECT s.id, s.path_id, p.run_id, r.uid, p.ordinal AS path, s.ordinal, s.role,
       s.origin, s.tok_from, s.tok_to, s.char_from, s.char_to,
       s.logprob_mean, s.logprob_min, s.min_pos, s.segmenter,
       CASE WHEN f.id IS NULL THEN
           substr(t.body, s.char_from + 1, s.char_to - s.char_from) END
           AS text,
       CASE WHEN f.id IS NULL THEN
       (SELECT n.body FROM answer a JOIN text n ON n.id = a.norm_id
        WHERE a.path_id = s.path_id AND a.step_id = s.id
        ORDER BY a.final DESC, a.id LIMIT 1) END AS answer
FROM step s
JOIN path p ON p.id = s.path_id
JOIN run r ON r.id = p.run_id
LEFT JOIN path_end e ON e.path_id = p.id
LEFT JOIN text t ON t.id = e.text_id
LEFT JOIN tombstone f ON f.run_id = p.run_id AND f.kind = 'forget';

-- Every token that a path consists of, those shared with its parent too
-- (source_id: the path that stores it).  step: ordinal of the path's step.
CREATE VIEW v_token AS
SELECT s.path_id, t.pos, s.source_id, t.token_id, w.text,
       t.logprob, t.entropy,
       CASE t.mode WHEN 0 THEN 'sparse' WHEN 1 THEN 'hybrid'
                   WHEN 2 THEN 'full' END AS mode,
       t.digest,
       (SELECT CASE WHEN t.pos < st.tok_to THEN st.ordinal END FROM step st
        WHERE st.path_id = s.path_id AND st.tok_from <= t.pos
        ORDER BY st.tok_from DESC LIMIT 1) AS step,
       t.id, p.run_id, p.ordinal AS path
FROM path_span s
CROSS JOIN token t ON t.path_id = s.source_id AND t.pos >= s.pos_from
                  AND t.pos < s.pos_to
JOIN path p ON p.id = s.path_id
JOIN run r ON r.id = p.run_id
LEFT JOIN piece w ON w.model_id = r.model_id AND w.token_id = t.token_id;

-- The likeliest tokens at a position, rank 1 first.
CREATE VIEW v_alt AS
SELECT u.path_id, u.pos, u.rank, u.token_id, w.text,
       -(((u.lo + ((u.hi & 7) << 8)) << (u.hi >> 3)) / 65536.0) AS logprob,
       u.token_id = u.chosen_id AS chosen
FROM (SELECT s.path_id, t.pos, k.n + 1 AS rank, t.token_id AS chosen_id,
             instr(bytes, substr(t.alt, 6 * k.n + 1, 1)) - 1
             + (instr(bytes, substr(t.alt, 6 * k.n + 2, 1)) - 1 << 8)
             + (instr(bytes, substr(t.alt, 6 * k.n + 3, 1)) - 1 << 16)
             + (instr(bytes, substr(t.alt, 6 * k.n + 4, 1)) - 1 << 24)
                 AS token_id,
             instr(bytes, substr(t.alt, 6 * k.n + 5, 1)) - 1 AS lo,
             instr(bytes, substr(t.alt, 6 * k.n + 6, 1)) - 1 AS hi,
             r.model_id
      FROM v_byte
      CROSS JOIN path_span s
      CROSS JOIN token t ON t.path_id = s.source_id AND t.pos >= s.pos_from
                        AND t.pos < s.pos_to
      CROSS JOIN number k ON k.n < length(t.alt) / 6
      JOIN path p ON p.id = s.path_id
      JOIN run r ON r.id = p.run_id) u
LEFT JOIN piece w ON w.model_id = u.model_id AND w.token_id = u.token_id;

-- One row per token and layer.  dense: bit g = KV group g read every key.
-- digest: 16 bits of the residual's digest.
CREATE VIEW v_layer AS
SELECT path_id, pos, layer,
       CASE b0 & 3 WHEN 0 THEN 'sparse' WHEN 1 THEN 'hybrid'
                   WHEN 2 THEN 'full' END AS mode,
       CASE b0 >> 2 & 3 WHEN 0 THEN 'policy' WHEN 1 THEN 'score'
                        WHEN 2 THEN 'guard' ELSE 'replay' END AS reason,
       ((b2 + ((b3 & 7) << 8)) << (b3 >> 3)) / 65536.0 AS blocks_read,
       ((in_lo + ((in_hi & 7) << 8)) << (in_hi >> 3)) / 65536.0 AS norm_in,
       ((b4 + ((b5 & 7) << 8)) << (b5 >> 3)) / 65536.0 AS norm_out,
       ((b6 + ((b7 & 7) << 8)) << (b7 >> 3)) / 65536.0 AS attn_entropy,
       ((b8 + ((b9 & 7) << 8)) << (b9 >> 3)) / 65536.0 AS exit_measure,
       ((b10 + ((b11 & 7) << 8)) << (b11 >> 3)) / 65536.0 AS time_us,
       b12 + (b13 << 8) AS digest,
       (SELECT coalesce(sum(instr(v.bytes, substr(mask, g.n + 1, 1)) - 1
                            << 8 * g.n), 0)
        FROM v_byte v JOIN number g ON g.n < length(mask)) AS dense,
       b0 >> 6 & 1 AS exit_here,
       b0 >> 7 & 1 AS skipped
FROM (SELECT path_id, pos, layer, mask,
             instr(bytes, substr(rec, 1, 1)) - 1 AS b0,
             instr(bytes, substr(rec, 3, 1)) - 1 AS b2,
             instr(bytes, substr(rec, 4, 1)) - 1 AS b3,
             instr(bytes, substr(rec, 5, 1)) - 1 AS b4,
             instr(bytes, substr(rec, 6, 1)) - 1 AS b5,
             instr(bytes, substr(rec, 7, 1)) - 1 AS b6,
             instr(bytes, substr(rec, 8, 1)) - 1 AS b7,
             instr(bytes, substr(rec, 9, 1)) - 1 AS b8,
             instr(bytes, substr(rec, 10, 1)) - 1 AS b9,
             instr(bytes, substr(rec, 11, 1)) - 1 AS b10,
             instr(bytes, substr(rec, 12, 1)) - 1 AS b11,
             instr(bytes, substr(rec, 13, 1)) - 1 AS b12,
             instr(bytes, substr(rec, 14, 1)) - 1 AS b13,
             instr(bytes, substr(before, 1, 1)) - 1 AS in_lo,
             instr(bytes, substr(before, 2, 1)) - 1 AS in_hi
      FROM (SELECT bytes, path_id, pos, l.n AS layer,
                   substr(layers, 1, 12) AS head,
                   substr(layers, 13 + l.n * stride, stride) AS rec,
                   substr(layers, 27 + l.n * stride, stride - 14) AS mask,
                   substr(layers, CASE l.n WHEN 0 THEN 5
                          ELSE 17 + (l.n - 1) * stride END, 2) AS before
            FROM (SELECT bytes, s.path_id, t.pos, t.layers,
                         13 + instr(bytes, substr(t.layers, 2, 1)) AS stride,
                         instr(bytes, substr(t.layers, 3, 1)) - 1
                         + (instr(bytes, substr(t.layers, 4, 1)) - 1 << 8)
                             AS n_layer
                  FROM v_byte
                  CROSS JOIN path_span s
                  CROSS JOIN token t ON t.path_id = s.source_id
                       AND t.pos >= s.pos_from AND t.pos < s.pos_to
                       AND t.layers IS NOT NULL)
            CROSS JOIN number l ON l.n < n_layer));

-- The choice of computation behind each token and layer.
CREATE VIEW v_route AS
SELECT path_id, pos, layer,
       CASE b0 & 3 WHEN 0 THEN 'sparse' WHEN 1 THEN 'hybrid'
                   WHEN 2 THEN 'full' END AS mode,
       CASE b0 >> 2 & 3 WHEN 0 THEN 'policy' WHEN 1 THEN 'score'
                        WHEN 2 THEN 'guard' ELSE 'replay' END AS reason,
       ((h6 + ((h7 & 7) << 8)) << (h7 >> 3)) / 65536.0 AS score,
       ((h8 + ((h9 & 7) << 8)) << (h9 >> 3)) / 65536.0 AS low,
       ((h10 + ((h11 & 7) << 8)) << (h11 >> 3)) / 65536.0 AS high,
       (SELECT coalesce(sum(instr(v.bytes, substr(mask, g.n + 1, 1)) - 1
                            << 8 * g.n), 0)
        FROM v_byte v JOIN number g ON g.n < length(mask)) AS dense,
       ((b2 + ((b3 & 7) << 8)) << (b3 >> 3)) / 65536.0 AS blocks_read
FROM (SELECT path_id, pos, layer, mask,
             instr(bytes, substr(rec, 1, 1)) - 1 AS b0,
             instr(bytes, substr(rec, 3, 1)) - 1 AS b2,
             instr(bytes, substr(rec, 4, 1)) - 1 AS b3,
             instr(bytes, substr(head, 7, 1)) - 1 AS h6,
             instr(bytes, substr(head, 8, 1)) - 1 AS h7,
             instr(bytes, substr(head, 9, 1)) - 1 AS h8,
             instr(bytes, substr(head, 10, 1)) - 1 AS h9,
             instr(bytes, substr(head, 11, 1)) - 1 AS h10,
             instr(bytes, substr(head, 12, 1)) - 1 AS h11
      FROM (SELECT bytes, path_id, pos, l.n AS layer,
                   substr(layers, 1, 12) AS head,
                   substr(layers, 13 + l.n * stride, stride) AS rec,
                   substr(layers, 27 + l.n * stride, stride - 14) AS mask,
                   substr(layers, CASE l.n WHEN 0 THEN 5
                          ELSE 17 + (l.n - 1) * stride END, 2) AS before
            FROM (SELECT bytes, s.path_id, t.pos, t.layers,
                         13 + instr(bytes, substr(t.layers, 2, 1)) AS stride,
                         instr(bytes, substr(t.layers, 3, 1)) - 1
                         + (instr(bytes, substr(t.layers, 4, 1)) - 1 << 8)
                             AS n_layer
                  FROM v_byte
                  CROSS JOIN path_span s
                  CROSS JOIN token t ON t.path_id = s.source_id
                       AND t.pos >= s.pos_from AND t.pos < s.pos_to
                       AND t.layers IS NOT NULL)
            CROSS JOIN number l ON l.n < n_layer));

-- Why tokens ran in the mode they did: one row for each block of 16 positions
-- and for each token that the guard sent to full.  Parts of the score: 0..1, NULL
-- where not known.
CREATE VIEW v_route_block AS
SELECT p.run_id, p.ordinal AS path, s.path_id, d.pos, d.mode, d.reason, d.score,
       d.low, d.high, d.entropy, d.trend, d.novelty, d.structure, d.escalated
FROM path_span s
JOIN path p ON p.id = s.path_id
JOIN route d ON d.path_id = s.source_id
     AND d.pos >= s.pos_from AND d.pos < s.pos_to;

-- Where each head looked, rank 1 heaviest; key_pos NULL: nothing recorded.
CREATE VIEW v_head AS
SELECT path_id, pos, layer, head,
       ((e0 + ((e1 & 7) << 8)) << (e1 >> 3)) / 65536.0 AS entropy,
       rank,
       CASE WHEN key < 16777215 THEN key END AS key_pos,
       CASE WHEN key < 16777215 THEN weight / 65535.0 END AS weight
FROM (SELECT path_id, pos, layer, head, rank,
             instr(bytes, substr(rec, 1, 1)) - 1 AS e0,
             instr(bytes, substr(rec, 2, 1)) - 1 AS e1,
             instr(bytes, substr(rec, 5 * rank - 2, 1)) - 1
             + (instr(bytes, substr(rec, 5 * rank - 1, 1)) - 1 << 8)
             + (instr(bytes, substr(rec, 5 * rank, 1)) - 1 << 16) AS key,
             instr(bytes, substr(rec, 5 * rank + 1, 1)) - 1
             + (instr(bytes, substr(rec, 5 * rank + 2, 1)) - 1 << 8) AS weight
      FROM (SELECT bytes, path_id, pos, l.n AS layer, h.n AS head,
                   k.n + 1 AS rank,
                   substr(heads, 7 + (l.n * n_head + h.n) * (2 + 5 * n_top),
                          2 + 5 * n_top) AS rec
            FROM (SELECT bytes, s.path_id, t.pos, t.heads,
                         instr(bytes, substr(t.heads, 2, 1)) - 1 AS n_top,
                         instr(bytes, substr(t.heads, 3, 1)) - 1
                         + (instr(bytes, substr(t.heads, 4, 1)) - 1 << 8)
                             AS n_layer,
                         instr(bytes, substr(t.heads, 5, 1)) - 1
                         + (instr(bytes, substr(t.heads, 6, 1)) - 1 << 8)
                             AS n_head
                  FROM v_byte
                  CROSS JOIN path_span s
                  CROSS JOIN token t ON t.path_id = s.source_id
                       AND t.pos >= s.pos_from AND t.pos < s.pos_to
                       AND t.heads IS NOT NULL)
            CROSS JOIN number l ON l.n < n_layer
            CROSS JOIN number h ON h.n < n_head
            CROSS JOIN number k ON k.n < n_top));

-- How full the passes of a run were: shares of the seats and of the rows that
-- were in use, mean over all steps.
CREATE VIEW v_batching AS
SELECT b.run_id, r.uid, b.n_seat, b.n_row, b.n_step,
       b.seats * 1.0 / (b.n_step * b.n_seat) AS seat_share,
       b.n_fed * 1.0 / (b.n_step * b.n_row) AS row_share
FROM batching b JOIN run r ON r.id = b.run_id;

-- Its steps, equal neighbours as one: n of them from step_from on, with so many
-- seats and rows in use.
CREATE VIEW v_batching_step AS
SELECT run_id, sum(n) OVER (PARTITION BY run_id ORDER BY k) - n AS step_from,
       n, seats, n_fed
FROM (SELECT run_id, k,
             instr(bytes, substr(rec, 1, 1)) - 1
             + (instr(bytes, substr(rec, 2, 1)) - 1 << 8) AS seats,
             instr(bytes, substr(rec, 3, 1)) - 1
             + (instr(bytes, substr(rec, 4, 1)) - 1 << 8) AS n_fed,
             instr(bytes, substr(rec, 5, 1)) - 1
             + (instr(bytes, substr(rec, 6, 1)) - 1 << 8)
             + (instr(bytes, substr(rec, 7, 1)) - 1 << 16)
             + (instr(bytes, substr(rec, 8, 1)) - 1 << 24) AS n
      FROM (SELECT bytes, b.run_id, 1024 * h.n + l.n AS k,
                   substr(b.steps, 8192 * h.n + 8 * l.n + 1, 8) AS rec
            FROM v_byte
            CROSS JOIN batching b
            CROSS JOIN number h ON 8192 * h.n < length(b.steps)
            CROSS JOIN number l ON 8192 * h.n + 8 * l.n < length(b.steps)));

-- When each path took its seat, in that order; path: its ordinal.
CREATE VIEW v_batching_join AS
SELECT run_id, k AS ordinal,
       instr(bytes, substr(rec, 1, 1)) - 1
       + (instr(bytes, substr(rec, 2, 1)) - 1 << 8)
       + (instr(bytes, substr(rec, 3, 1)) - 1 << 16)
       + (instr(bytes, substr(rec, 4, 1)) - 1 << 24) AS path,
       instr(bytes, substr(rec, 5, 1)) - 1
       + (instr(bytes, substr(rec, 6, 1)) - 1 << 8)
       + (instr(bytes, substr(rec, 7, 1)) - 1 << 16)
       + (instr(bytes, substr(rec, 8, 1)) - 1 << 24) AS step
FROM (SELECT bytes, b.run_id, 1024 * h.n + l.n AS k,
             substr(b.joined, 8192 * h.n + 8 * l.n + 1, 8) AS rec
      FROM v_byte
      CROSS JOIN batching b
      CROSS JOIN number h ON 8192 * h.n < length(b.joined)
      CROSS JOIN number l ON 8192 * h.n + 8 * l.n < length(b.joined));

-- What guessing ahead did for each path that did: shares of the guesses that
-- were right, and tokens written in a pass that read guesses.
CREATE VIEW v_draft AS
SELECT p.run_id, r.uid, p.ordinal AS path, d.source, d.n_pass, d.n_draft,
       d.n_kept, d.n_kept * 1.0 / d.n_draft AS kept_share,
       1.0 + d.n_kept * 1.0 / d.n_pass AS tokens_per_pass
FROM draft d JOIN path p ON p.id = d.path_id JOIN run r ON r.id = p.run_id;

-- Its passes: with the token at pos were read n_draft guesses at those after
-- it, of which the first n_kept were right.
CREATE VIEW v_draft_pass AS
SELECT run_id, path, k AS ordinal,
       instr(bytes, substr(rec, 1, 1)) - 1
       + (instr(bytes, substr(rec, 2, 1)) - 1 << 8)
       + (instr(bytes, substr(rec, 3, 1)) - 1 << 16)
       + (instr(bytes, substr(rec, 4, 1)) - 1 << 24) AS pos,
       instr(bytes, substr(rec, 5, 1)) - 1 AS n_draft,
       instr(bytes, substr(rec, 6, 1)) - 1 AS n_kept
FROM (SELECT bytes, p.run_id, p.ordinal AS path, 1024 * h.n + l.n AS k,
             substr(d.passes, 6144 * h.n + 6 * l.n + 1, 6) AS rec
      FROM v_byte
      CROSS JOIN draft d JOIN path p ON p.id = d.path_id
      CROSS JOIN number h ON 6144 * h.n < length(d.passes)
      CROSS JOIN number l ON 6144 * h.n + 6 * l.n < length(d.passes));

-- How many tokens of a path left the network after which layer; layer: the last
-- one's for those that went all the way.  Paths without an early exit have no
-- rows.
CREATE VIEW v_exit_layer AS
SELECT run_id, uid, path, layer, count(*) AS n,
       count(*) * 1.0 / sum(count(*)) OVER (PARTITION BY run_id, path)
           AS share
FROM (SELECT p.run_id, r.uid, p.ordinal AS path,
             coalesce(x.layer, m.n_layer - 1) AS layer
      FROM path p JOIN run r ON r.id = p.run_id
      JOIN model m ON m.id = r.model_id
      JOIN token t ON t.path_id = p.id AND t.digest IS NOT NULL
      LEFT JOIN token_exit x ON x.path_id = p.id AND x.pos = t.pos
      WHERE p.id IN (SELECT path_id FROM token_exit))
GROUP BY run_id, path, layer;

-- Work of a run, as it was done beside what full would have done (_full), for
-- the prompt and for the answers of all paths.  macs: multiplications; bytes:
-- keys and values that each row reads, also where rows of a pass share them,
-- and the weights once a pass.  attn: attention alone, hulls that were compared
-- included; total: all.  saved: share of full's; below 0 where the guard took
-- more than routing saved.
CREATE VIEW v_work AS
SELECT run_id, uid, route, phase, n_row, n_again, n_pass,
       attn_macs, attn_macs_full,
       1.0 - attn_macs / nullif(attn_macs_full, 0) AS attn_macs_saved,
       total_macs, total_macs_full,
       1.0 - total_macs / nullif(total_macs_full, 0) AS total_macs_saved,
       attn_bytes, attn_bytes_full,
       1.0 - attn_bytes / nullif(attn_bytes_full, 0) AS attn_bytes_saved,
       total_bytes, total_bytes_full,
       1.0 - total_bytes / nullif(total_bytes_full, 0) AS total_bytes_saved
FROM (SELECT r.id AS run_id, r.uid, r.route, k.phase, k.n_row, k.n_again,
             k.n_pass,
             k.blocks_read * u.block_macs + k.compared * u.compare_macs
                 AS attn_macs,
             k.blocks_full * u.block_macs AS attn_macs_full,
             k.blocks_read * u.block_macs + k.compared * u.compare_macs
             + k.layer_rows * u.layer_macs + k.n_head * u.head_macs
                 AS total_macs,
             k.blocks_full * u.block_macs
             + (k.layer_rows - k.layer_again) * u.layer_macs
             + (k.n_head - k.n_again) * u.head_macs AS total_macs_full,
             k.blocks_read * u.block_bytes + k.compared * u.compare_bytes
                 AS attn_bytes,
             k.blocks_full * u.block_bytes AS attn_bytes_full,
             k.blocks_read * u.block_bytes + k.compared * u.compare_bytes
             + k.n_pass * u.weight_bytes AS total_bytes,
             k.blocks_full * u.block_bytes
             + (k.n_pass - k.pass_again) * u.weight_bytes
                 AS total_bytes_full
      FROM run r
      JOIN work_unit u ON u.run_id = r.id
      JOIN (SELECT p.run_id, w.phase, sum(w.n_row) AS n_row,
                   sum(w.n_again) AS n_again, sum(w.layer_rows) AS layer_rows,
                   sum(w.layer_again) AS layer_again, sum(w.n_head) AS n_head,
                   sum(w.n_pass) AS n_pass, sum(w.pass_again) AS pass_again,
                   sum(w.blocks_read) AS blocks_read,
                   sum(w.compared) AS compared,
                   sum(w.blocks_full) AS blocks_full
            FROM path p JOIN work w ON w.path_id = p.id
            GROUP BY p.run_id, w.phase) k ON k.run_id = r.id);

-- How each layer of a path was computed, mode by mode: tokens, KV blocks read
-- of those there, and the KV groups that were dense, mean.  A shared prompt
-- counts with every path that shares it; layers left out after an exit do not
-- count.
CREATE VIEW v_route_by_layer AS
SELECT p.run_id, p.ordinal AS path, l.path_id, l.layer, l.mode,
       count(*) AS n,
       count(*) * 1.0 / sum(count(*)) OVER (PARTITION BY l.path_id, l.layer)
           AS share,
       sum(l.blocks_read) AS blocks_read,
       sum(m.n_head_kv * (l.pos / 16 + 1)) AS blocks_full,
       sum(l.blocks_read) / sum(m.n_head_kv * (l.pos / 16 + 1)) AS read_share,
       avg((SELECT count(*) FROM number g WHERE g.n < 64
            AND l.dense >> g.n & 1)) AS dense_groups
FROM v_layer l
JOIN path p ON p.id = l.path_id
JOIN run r ON r.id = p.run_id
JOIN model m ON m.id = r.model_id
WHERE NOT l.skipped
GROUP BY l.path_id, l.layer, l.mode;

-- The price of each token that an audit computed again: what the row at pos
-- says of the token after it, as routed and in full.  local: this row alone in
-- full, all before it as recorded; total: all in full from the first token on.
-- kl: nats, of the routed distribution from the full one.  rank: of the token
-- that came, from 1; _change: how many places routing put it further down.
-- attn, total: share of the multiplications of the row that routing saved, of
-- attention and of all.
CREATE VIEW v_route_price AS
SELECT p.run_id, r.uid, p.ordinal AS path, s.path_id, k.pos, k.mode,
       CASE WHEN k.pos + 1 < r.n_prompt THEN 'prompt' ELSE 'answer' END
           AS phase,
       k.kl_local, k.kl_total, k.rank, k.rank_local, k.rank_total,
       k.rank - k.rank_local AS rank_change_local,
       k.rank - k.rank_total AS rank_change_total,
       k.logprob, k.logprob_local, k.logprob_total,
       k.same_local, k.same_total,
       k.blocks_read, k.compared, k.blocks_full,
       k.blocks_full * u.block_macs - k.blocks_read * u.block_macs
           - k.compared * u.compare_macs AS macs_saved,
       k.blocks_full * u.block_bytes - k.blocks_read * u.block_bytes
           - k.compared * u.compare_bytes AS bytes_saved,
       1.0 - (k.blocks_read * u.block_macs + k.compared * u.compare_macs)
           / (k.blocks_full * u.block_macs) AS attn_saved,
       1.0 - (k.blocks_read * u.block_macs + k.compared * u.compare_macs
              + k.n_layer * u.layer_macs + u.head_macs)
           / (k.blocks_full * u.block_macs + k.n_layer * u.layer_macs
              + u.head_macs) AS total_saved,
       a.exact
FROM path_span s
JOIN route_price k ON k.path_id = s.source_id
     AND k.pos >= s.pos_from AND k.pos < s.pos_to
JOIN audit a ON a.id = k.audit_id
JOIN path p ON p.id = s.path_id
JOIN run r ON r.id = p.run_id
LEFT JOIN work_unit u ON u.run_id = a.run_id;

-- What the audits of a run found, all of them together; a run that was never
-- audited has no row.  n_routed: tokens that left something out; n: of which
-- priced.
CREATE VIEW v_audit AS
SELECT a.run_id, a.uid, a.n_audit, a.rate, a.n_routed, count(k.id) AS n,
       avg(k.kl_local) AS kl_local, avg(k.kl_total) AS kl_total,
       max(k.kl_local) AS kl_local_max, max(k.kl_total) AS kl_total_max,
       avg(k.same_local) AS same_local, avg(k.same_total) AS same_total,
       avg(k.logprob_local - k.logprob) AS nats_local,
       avg(k.logprob_total - k.logprob) AS nats_total, a.exact
FROM (SELECT a.run_id, r.uid, count(*) AS n_audit, max(a.rate) AS rate,
             max(a.n_routed) AS n_routed, min(a.exact) AS exact
      FROM audit a JOIN run r ON r.id = a.run_id GROUP BY a.run_id) a
LEFT JOIN audit b ON b.run_id = a.run_id
LEFT JOIN route_price k ON k.audit_id = b.id
GROUP BY a.run_id;

-- Edges with their ends as people write them: UID:PATH:STEP for a step.
-- 'attends' is attention mass: correlation, never evidence.
CREATE VIEW v_edge AS
SELECT e.id, e.run_id, r.uid, e.kind,
       e.src_kind, e.src_id, e.dst_kind, e.dst_id, e.weight, e.measured,
       CASE WHEN f.id IS NULL THEN n.body END AS note,
       CASE e.src_kind
       WHEN 'step' THEN
           (SELECT substr(r.uid, 1, 8) || ':' || p.ordinal || ':' || s.ordinal
            FROM step s JOIN path p ON p.id = s.path_id WHERE s.id = e.src_id)
       WHEN 'answer' THEN
           (SELECT substr(r.uid, 1, 8) || ':' || p.ordinal
            FROM answer a JOIN path p ON p.id = a.path_id
            WHERE a.id = e.src_id)
       ELSE substr(r.uid, 1, 8) END AS src,
       CASE e.dst_kind
       WHEN 'step' THEN
           (SELECT substr(r.uid, 1, 8) || ':' || p.ordinal || ':' || s.ordinal
            FROM step s JOIN path p ON p.id = s.path_id WHERE s.id = e.dst_id)
       WHEN 'answer' THEN
           (SELECT substr(r.uid, 1, 8) || ':' || p.ordinal
            FROM answer a JOIN path p ON p.id = a.path_id
            WHERE a.id = e.dst_id)
       ELSE substr(r.uid, 1, 8) END AS dst
FROM edge e
JOIN run r ON r.id = e.run_id
LEFT JOIN text n ON n.id = e.note_id
LEFT JOIN tombstone f ON f.run_id = e.run_id AND f.kind = 'forget';

-- One row per answer of a run.  share: of the n_voted paths that gave any;
-- paths: ordinals of those that gave this one.  margin: its share less that of
-- the best other answer.  rank 1 leads; ties go by mean log-probability.
CREATE VIEW v_vote AS
SELECT c.run_id, r.uid,
       CASE WHEN f.id IS NULL THEN n.body END AS answer,
       c.kind, c.votes,
       c.votes * 1.0 / c.n_voted AS share, c.n_voted, c.logprob_mean,
       (SELECT group_concat(ordinal) FROM
           (SELECT p.ordinal FROM path p JOIN answer a ON a.path_id = p.id
            WHERE p.run_id = c.run_id AND a.final = 1
              AND a.norm_id = c.norm_id AND a.kind = c.kind
            ORDER BY p.ordinal)) AS paths,
       c.rank,
       (c.votes - CASE c.rank WHEN 1 THEN c.second ELSE c.first END) * 1.0
           / c.n_voted AS margin
FROM (SELECT run_id, norm_id, kind, votes, logprob_mean,
             sum(votes) OVER (PARTITION BY run_id) AS n_voted,
             row_number() OVER (PARTITION BY run_id ORDER BY votes DESC,
                                logprob_mean DESC, norm_id) AS rank,
             max(votes) OVER (PARTITION BY run_id) AS first,
             coalesce(nth_value(votes, 2) OVER (PARTITION BY run_id
                 ORDER BY votes DESC, logprob_mean DESC, norm_id
                 ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), 0)
                 AS second
      FROM (SELECT p.run_id, a.norm_id, a.kind, count(*) AS votes,
                   avg(e.logprob_mean) AS logprob_mean
            FROM path p
            JOIN answer a ON a.path_id = p.id AND a.final = 1
            LEFT JOIN path_end e ON e.path_id = p.id
            GROUP BY p.run_id, a.norm_id, a.kind)) c
JOIN run r ON r.id = c.run_id
LEFT JOIN text n ON n.id = c.norm_id
LEFT JOIN tombstone f ON f.run_id = c.run_id AND f.kind = 'forget';

-- Where two paths first differ: each pair of a run's first 64, and each later
-- path beside path 0 (path_diff() compares any two).  pos NULL: identical to
-- the end, token NULL: that path had ended.
CREATE VIEW v_divergence AS
SELECT d.run_id, r.uid, a.ordinal AS path_a, b.ordinal AS path_b, d.pos,
       d.token_a, wa.text AS text_a, d.token_b, wb.text AS text_b
FROM divergence d
JOIN run r ON r.id = d.run_id
JOIN path a ON a.id = d.path_a
JOIN path b ON b.id = d.path_b
LEFT JOIN piece wa ON wa.model_id = r.model_id AND wa.token_id = d.token_a
LEFT JOIN piece wb ON wb.model_id = r.model_id AND wb.token_id = d.token_b;

-- What the recorder lost, and why.
CREATE VIEW v_loss AS
SELECT l.run_id, r.uid, l.from_seq, l.n_event, l.reason
FROM loss l JOIN run r ON r.id = l.run_id;

-- One row per committed transaction.
CREATE VIEW v_batch AS
SELECT b.id, b.run_id, strftime('%Y-%m-%dT%H:%M:%SZ', b.at_us / 1000000,
                                'unixepoch') AS at,
       (SELECT coalesce(sum(n_row), 0) FROM batch_part bp
        WHERE bp.batch_id = b.id) AS n_row,
       lower(hex(b.hash)) AS hash
FROM batch b;

-- Experiments on recorded runs, with the place in words that people write.
CREATE VIEW v_probe AS
SELECT b.id, b.run_id, b.path_id, r.uid, p.ordinal AS path, b.pos, b.kind,
       b.params, b.token_id, w.text, b.logprob, b.isa, b.program, b.wall_ns,
       b.at_us
FROM probe b
JOIN run r ON r.id = b.run_id
JOIN path p ON p.id = b.path_id
LEFT JOIN piece w ON w.model_id = b.model_id AND w.token_id = b.token_id;

-- The logit lens: per layer, rank and log-probability of the token asked
-- about (text) and the likeliest token there (top_text).  layer -1: embedding.
CREATE VIEW v_lens AS
SELECT b.run_id, b.path_id, b.pos, l.layer, b.token_id, w.text, l.rank,
       l.logprob, l.entropy, l.kl,
       t.token_id AS top_id, tw.text AS top_text, t.logprob AS top_logprob,
       l.probe_id
FROM probe b
JOIN lens l ON l.probe_id = b.id
LEFT JOIN lens_top t ON t.probe_id = b.id AND t.layer = l.layer AND t.rank = 1
LEFT JOIN piece w ON w.model_id = b.model_id AND w.token_id = b.token_id
LEFT JOIN piece tw ON tw.model_id = b.model_id AND tw.token_id = t.token_id;

-- The likeliest tokens of each layer, rank 1 first.
CREATE VIEW v_lens_top AS
SELECT b.run_id, b.path_id, b.pos, t.layer, t.rank, t.token_id, w.text,
       t.logprob, t.probe_id
FROM probe b
JOIN lens_top t ON t.probe_id = b.id
LEFT JOIN piece w ON w.model_id = b.model_id AND w.token_id = t.token_id;

-- What each part wrote towards the logit of the token asked about, directly,
-- the output norm's scale frozen.  part 'layer' sums its heads and its mlp.
CREATE VIEW v_attribution AS
SELECT b.run_id, b.path_id, b.pos, a.part, a.layer, a.head, a.logit,
       b.token_id, w.text, a.probe_id
FROM probe b
JOIN attribution a ON a.probe_id = b.id
LEFT JOIN piece w ON w.model_id = b.model_id AND w.token_id = b.token_id;

-- Where chosen heads looked: correlation, never evidence.
CREATE VIEW v_attention AS
SELECT b.run_id, b.path_id, b.pos, a.layer, a.head, a.rank, a.key_pos,
       a.weight, a.entropy, a.probe_id
FROM probe b JOIN attention a ON a.probe_id = b.id;

-- Whole rows of chosen heads: every key's weight.  Correlation, as above.
CREATE VIEW v_attention_row AS
SELECT run_id, path_id, pos, layer, head, entropy, key_pos,
       ((lo + ((hi & 7) << 8)) << (hi >> 3)) / 68719476736.0 AS weight,
       probe_id
FROM (SELECT b.run_id, b.path_id, b.pos, r.layer, r.head, r.entropy,
             1024 * m.n + k.n AS key_pos,
             instr(bytes, substr(r.weights, 2048 * m.n + 2 * k.n + 1, 1)) - 1
                 AS lo,
             instr(bytes, substr(r.weights, 2048 * m.n + 2 * k.n + 2, 1)) - 1
                 AS hi,
             r.probe_id
      FROM v_byte
      CROSS JOIN probe b
      CROSS JOIN attention_row r ON r.probe_id = b.id
      CROSS JOIN number m ON m.n <= (length(r.weights) - 1) / 2048
      CROSS JOIN number k ON k.n < length(r.weights) / 2 - 1024 * m.n);

-- Norms of the residual stream and what each block added.
CREATE VIEW v_activation AS
SELECT b.run_id, b.path_id, b.pos, a.layer, a.norm, a.update_norm, a.cosine,
       a.probe_id
FROM probe b JOIN activation a ON a.probe_id = b.id;

-- The neurons that fired most in each layer, by size.
CREATE VIEW v_neuron AS
SELECT b.run_id, b.path_id, b.pos, n.layer, n.rank, n.neuron, n.value,
       n.probe_id
FROM probe b JOIN neuron n ON n.probe_id = b.id;

-- What followed when one thing was changed.  measured 'causal' only where the
-- text was removed and everything after it computed again.
CREATE VIEW v_effect AS
SELECT b.run_id, b.path_id, b.pos, e.how, e.measured, e.layer, e.head,
       e.span_from, e.span_to, b.token_id, w.text,
       b.logprob AS logprob_before, e.logprob AS logprob_after,
       e.logprob - b.logprob AS change, e.kl, e.top_id, tw.text AS top_text,
       e.probe_id
FROM probe b
JOIN effect e ON e.probe_id = b.id
LEFT JOIN piece w ON w.model_id = b.model_id AND w.token_id = b.token_id
LEFT JOIN piece tw ON tw.model_id = b.model_id AND tw.token_id = e.top_id;

-- Faithfulness tests: how often the path's answer came again, with a 95 %
-- interval; step: how many steps stood before the change.
CREATE VIEW v_trial AS
SELECT b.run_id, b.path_id, t.test, t.step_id, t.step, t.n, t.n_same,
       t.n_same * 1.0 / t.n AS share, t.low, t.high, t.logprob, t.probe_id
FROM probe b JOIN trial t ON t.probe_id = b.id;

-- Was the answer fixed before the reasoning?  Asked for it at once and after
-- all n_step steps: did the path's answer come, and its log-probability.  One
-- row per path, of the last test made of it.
CREATE VIEW v_fixed AS
SELECT b.run_id, b.path_id, a.step AS n_step,
       z.n_same AS same_without, a.n_same AS same_with,
       z.logprob AS logprob_without, a.logprob AS logprob_with,
       z.n_same = z.n AND a.n_same = a.n AS fixed_before, b.id AS probe_id
FROM probe b
JOIN trial z ON z.probe_id = b.id AND z.test = 'early' AND z.step = 0
JOIN trial a ON a.probe_id = b.id AND a.test = 'early' AND a.step =
     (SELECT max(t.step) FROM trial t
      WHERE t.probe_id = b.id AND t.test = 'early')
WHERE b.id = (SELECT max(l.id) FROM probe l
              WHERE l.path_id = b.path_id AND l.kind = 'faithful');

-- --- reviews ---------------------------------------------------------------
-- Words of a forgotten run are NULL.  A quotation is cut from the document's
-- text; offsets count code points.

-- One row per review, with how it was made and what came of it.
CREATE VIEW v_review AS
SELECT v.run_id, r.uid,
       CASE WHEN f.id IS NULL THEN n.body END AS document,
       d.format, d.n_char, d.n_page, lower(hex(d.sha256)) AS sha256,
       v.domain, v.pack_version, v.adapter, v.party, v.strict, v.rules_only,
       v.n_path,
       (SELECT count(*) FROM clause c WHERE c.run_id = v.run_id) AS n_clause,
       (SELECT count(*) FROM claim c WHERE c.run_id = v.run_id) AS n_claim,
       (SELECT count(*) FROM finding c WHERE c.run_id = v.run_id)
           AS n_finding,
       (SELECT count(*) FROM reading c WHERE c.run_id = v.run_id)
           AS n_reading,
       (SELECT count(DISTINCT finding_id) FROM decision c
        WHERE c.run_id = v.run_id) AS n_decided,
       e.status, e.wall_ns, r.started_us,
       CASE WHEN f.id IS NULL THEN t.body END AS note
FROM review v
JOIN run r ON r.id = v.run_id
LEFT JOIN document d ON d.run_id = v.run_id
LEFT JOIN text n ON n.id = d.name_id
LEFT JOIN text t ON t.id = v.note_id
LEFT JOIN run_end e ON e.run_id = v.run_id
LEFT JOIN tombstone f ON f.run_id = v.run_id AND f.kind = 'forget';

-- The text of each document that was reviewed.
CREATE VIEW v_document AS
SELECT d.id, d.run_id, r.uid,
       CASE WHEN f.id IS NULL THEN n.body END AS name,
       d.format, d.encoding, lower(hex(d.sha256)) AS sha256, d.n_byte,
       d.n_char, d.n_page, CASE WHEN f.id IS NULL THEN t.body END AS text
FROM document d
JOIN run r ON r.id = d.run_id
LEFT JOIN text n ON n.id = d.name_id
LEFT JOIN text t ON t.id = d.text_id
LEFT JOIN tombstone f ON f.run_id = d.run_id AND f.kind = 'forget';

-- Clauses with their type (label NULL: not scored) and their own words.
-- name: as edges call it.
CREATE VIEW v_clause AS
SELECT c.id, c.run_id, d.uid, c.ordinal, 'c' || (c.ordinal + 1) AS name,
       c.kind, c.parent, c.depth, c.number, c.full_number, c.unit,
       CASE WHEN d.text IS NOT NULL THEN h.body END AS heading,
       c.char_from, c.char_to, c.page, t.label, t.score,
       substr(d.text, c.text_from + 1, c.text_to - c.text_from) AS text
FROM clause c
JOIN v_document d ON d.run_id = c.run_id
LEFT JOIN text h ON h.id = c.heading_id
LEFT JOIN clause_type t ON t.clause_id = c.id;

-- Defined terms, with the words that give each its meaning.
CREATE VIEW v_term AS
SELECT t.id, t.run_id, d.uid, t.ordinal,
       CASE WHEN d.text IS NOT NULL THEN n.body END AS name,
       c.full_number AS clause, t.char_from, t.char_to, t.n_def, t.n_use,
       substr(d.text, t.meaning_from + 1, t.meaning_to - t.meaning_from)
           AS meaning
FROM term t
JOIN v_document d ON d.run_id = t.run_id
LEFT JOIN text n ON n.id = t.name_id
LEFT JOIN clause c ON c.id = t.clause_id;

-- Who must, may or must not do what, by when, for how much.
CREATE VIEW v_norm AS
SELECT n.id, n.run_id, d.uid, n.kind, c.full_number AS clause,
       CASE WHEN d.text IS NOT NULL THEN b.body END AS bearer,
       CASE WHEN d.text IS NOT NULL THEN m.body END AS modal,
       substr(d.text, n.act_from + 1, n.act_to - n.act_from) AS act,
       substr(d.text, n.deadline_from + 1, n.deadline_to - n.deadline_from)
           AS deadline,
       substr(d.text, n.amount_from + 1, n.amount_to - n.amount_from)
           AS amount,
       n.char_from, n.char_to
FROM norm n
JOIN v_document d ON d.run_id = n.run_id
LEFT JOIN clause c ON c.id = n.clause_id
LEFT JOIN text b ON b.id = n.bearer_id
LEFT JOIN text m ON m.id = n.modal_id;

-- Values in a form that can be compared: P30D, 2024-03-01, USD 1000000.00.
CREATE VIEW v_value AS
SELECT v.id, v.run_id, d.uid, v.kind, c.full_number AS clause,
       CASE WHEN d.text IS NOT NULL THEN n.body END AS norm,
       substr(d.text, v.char_from + 1, v.char_to - v.char_from) AS quote,
       v.char_from, v.char_to
FROM value v
JOIN v_document d ON d.run_id = v.run_id
LEFT JOIN clause c ON c.id = v.clause_id
LEFT JOIN text n ON n.id = v.norm_id;

-- The logic graph, its ends by name: c12, term:X, external:X, dangling:X,
-- document, claim:ID.
CREATE VIEW v_logic AS
SELECT l.id, l.run_id, d.uid, l.kind,
       CASE l.src_kind
       WHEN 'clause' THEN (SELECT 'c' || (c.ordinal + 1) FROM clause c
                           WHERE c.id = l.src_id)
       WHEN 'term' THEN 'term:' || CASE WHEN d.text IS NOT NULL THEN
           (SELECT n.body FROM term t JOIN text n ON n.id = t.name_id
            WHERE t.id = l.src_id) END
       WHEN 'claim' THEN (SELECT 'claim:' || c.name FROM claim c
                          WHERE c.id = l.src_id)
       WHEN 'document' THEN 'document'
       WHEN 'external_term' THEN 'external:term:' ||
           CASE WHEN d.text IS NOT NULL THEN
           (SELECT n.body FROM text n WHERE n.id = l.src_id) END
       ELSE l.src_kind || ':' || CASE WHEN d.text IS NOT NULL THEN
           (SELECT n.body FROM text n WHERE n.id = l.src_id) END END AS src,
       CASE l.dst_kind
       WHEN 'clause' THEN (SELECT 'c' || (c.ordinal + 1) FROM clause c
                           WHERE c.id = l.dst_id)
       WHEN 'term' THEN 'term:' || CASE WHEN d.text IS NOT NULL THEN
           (SELECT n.body FROM term t JOIN text n ON n.id = t.name_id
            WHERE t.id = l.dst_id) END
       WHEN 'claim' THEN (SELECT 'claim:' || c.name FROM claim c
                          WHERE c.id = l.dst_id)
       WHEN 'document' THEN 'document'
       WHEN 'external_term' THEN 'external:term:' ||
           CASE WHEN d.text IS NOT NULL THEN
           (SELECT n.body FROM text n WHERE n.id = l.dst_id) END
       ELSE l.dst_kind || ':' || CASE WHEN d.text IS NOT NULL THEN
           (SELECT n.body FROM text n WHERE n.id = l.dst_id) END END AS dst,
       l.src_kind, l.src_id, l.dst_kind, l.dst_id,
       substr(d.text, l.char_from + 1, l.char_to - l.char_from) AS quote,
       l.char_from, l.char_to, l.score, l.measured, l.rule
FROM logic l
JOIN v_document d ON d.run_id = l.run_id;

-- Defects found by rule; no place: something is missing.
CREATE VIEW v_defect AS
SELECT x.id, x.run_id, d.uid, x.ordinal, x.kind,
       CASE WHEN d.text IS NOT NULL THEN n.body END AS note,
       substr(d.text, x.char_from + 1, x.char_to - x.char_from) AS quote,
       substr(d.text, x.related_from + 1, x.related_to - x.related_from)
           AS related,
       x.char_from, x.char_to, x.related_from, x.related_to, x.n_searched
FROM defect x
JOIN v_document d ON d.run_id = x.run_id
LEFT JOIN text n ON n.id = x.note_id;

-- Claims with their verdict.  error_rate: how often verdicts on this claim
-- were wrong where that was measured; NULL: unmeasured.
CREATE VIEW v_claim AS
SELECT c.id, c.run_id, d.uid, c.ordinal, c.name, c.kind,
       CASE WHEN d.text IS NOT NULL THEN h.body END AS title,
       CASE WHEN d.text IS NOT NULL THEN t.body END AS text,
       v.verdict, v.confidence, v.supported, v.contradicted, v.not_addressed,
       v.stability, v.n_count, v.error_correlation,
       (SELECT count(*) FROM "check" k WHERE k.claim_id = c.id
        AND k.passed = 1) AS n_passed,
       (SELECT count(*) FROM "check" k WHERE k.claim_id = c.id
        AND k.passed = 0) AS n_failed,
       CASE WHEN c.n_given > 0 THEN c.n_wrong * 1.0 / c.n_given END
           AS error_rate,
       c.wrong_low, c.wrong_high, c.n_given, c.measured_on,
       CASE WHEN d.text IS NOT NULL THEN x.body END AS flip,
       v.stance, CASE WHEN d.text IS NOT NULL THEN o.body END AS position,
       c.custom
FROM claim c
JOIN v_document d ON d.run_id = c.run_id
LEFT JOIN verdict v ON v.claim_id = c.id
LEFT JOIN text h ON h.id = c.title_id
LEFT JOIN text t ON t.id = c.text_id
LEFT JOIN text x ON x.id = v.flip_id
LEFT JOIN text o ON o.id = v.position_id;

-- The paths of each claim: what each read and concluded.
CREATE VIEW v_claim_path AS
SELECT p.id, p.run_id, d.uid, c.name AS claim, p.claim_id, p.path_id,
       a.ordinal AS path, p.variant, p.counts,
       CASE WHEN d.text IS NOT NULL THEN t.body END AS statement,
       p.verdict, p.supported, p.contradicted, p.not_addressed
FROM claim_path p
JOIN v_document d ON d.run_id = p.run_id
JOIN claim c ON c.id = p.claim_id
JOIN path a ON a.id = p.path_id
LEFT JOIN text t ON t.id = p.statement_id;

-- Every question put to the model about a passage, and its logits.
CREATE VIEW v_reading AS
SELECT g.id, g.run_id, d.uid,
       CASE WHEN d.text IS NOT NULL THEN x.body END AS context,
       CASE WHEN d.text IS NOT NULL THEN t.body END AS text,
       CASE WHEN d.text IS NOT NULL THEN s.body END AS statement,
       g.logit_unrelated, g.logit_supports, g.logit_contradicts,
       printf('%016x', g.digest) AS digest, g.n_tok
FROM reading g
JOIN v_document d ON d.run_id = g.run_id
LEFT JOIN text x ON x.id = g.context_id
LEFT JOIN text t ON t.id = g.text_id
LEFT JOIN text s ON s.id = g.statement_id;

-- Passages cited for each claim, best first (rank 0), quoted.
CREATE VIEW v_evidence AS
SELECT e.id, e.run_id, d.uid, c.name AS claim, e.claim_id, e.rank,
       k.full_number AS clause, 'c' || (k.ordinal + 1) AS clause_name,
       e.relation, e.score, e.status, e.page,
       substr(d.text, e.char_from + 1, e.char_to - e.char_from) AS quote,
       e.char_from, e.char_to
FROM evidence e
JOIN v_document d ON d.run_id = e.run_id
JOIN claim c ON c.id = e.claim_id
LEFT JOIN clause k ON k.id = e.clause_id;

-- Tests of each verdict; passed NULL: does not apply, note says why.
CREATE VIEW v_check AS
SELECT k.id, k.run_id, d.uid, c.name AS claim, k.claim_id, k.ordinal, k.kind,
       k.passed, CASE WHEN d.text IS NOT NULL THEN i.body END AS input,
       k.supported, k.contradicted, k.not_addressed,
       CASE WHEN d.text IS NOT NULL THEN n.body END AS note,
       l.full_number AS clause
FROM "check" k
JOIN v_document d ON d.run_id = k.run_id
JOIN claim c ON c.id = k.claim_id
LEFT JOIN text i ON i.id = k.input_id
LEFT JOIN text n ON n.id = k.note_id
LEFT JOIN clause l ON l.id = k.clause_id;

-- What the report says, with what people decided last.
CREATE VIEW v_finding AS
SELECT x.id, x.run_id, d.uid, x.ordinal, x.source, x.severity, x.origin,
       CASE WHEN d.text IS NOT NULL THEN t.body END AS text,
       k.full_number AS clause, c.name AS claim, g.kind AS defect,
       x.confidence,
       substr(d.text, x.char_from + 1, x.char_to - x.char_from) AS quote,
       x.char_from, x.char_to, o.choice AS decision,
       o.verdict AS decided_verdict
FROM finding x
JOIN v_document d ON d.run_id = x.run_id
LEFT JOIN text t ON t.id = x.text_id
LEFT JOIN clause k ON k.id = x.clause_id
LEFT JOIN claim c ON c.id = x.claim_id
LEFT JOIN defect g ON g.id = x.defect_id
LEFT JOIN decision o ON o.id = (SELECT max(id) FROM decision
                                WHERE finding_id = x.id);

-- Every decision, who and when and why.
CREATE VIEW v_decision AS
SELECT o.id, o.run_id, d.uid, x.ordinal AS finding, o.choice, o.verdict,
       CASE WHEN d.text IS NOT NULL THEN n.body END AS name,
       CASE WHEN d.text IS NOT NULL THEN w.body END AS reason,
       strftime('%Y-%m-%dT%H:%M:%SZ', o.at_us / 1000000, 'unixepoch') AS at
FROM decision o
JOIN v_document d ON d.run_id = o.run_id
JOIN finding x ON x.id = o.finding_id
LEFT JOIN text n ON n.id = o.name_id
LEFT JOIN text w ON w.id = o.reason_id;

-- Figures of `sorites eval`, newest last.
CREATE VIEW v_eval AS
SELECT e.id, strftime('%Y-%m-%dT%H:%M:%SZ', e.at_us / 1000000, 'unixepoch')
           AS at, e.data, e.measure, e.value, e.low, e.high, e.n, e.model,
       e.pack, e.program
FROM eval e;
