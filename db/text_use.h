/* db/text_use.h - where texts are used: what `forget` may empty, and what the
 * verifier expects to be there.  Internal to db/.  A new column that names a
 * text belongs here; tests/test_db_review.c compares with the schema. */
#ifndef DB_TEXT_USE_H
#define DB_TEXT_USE_H

#define TEXT_OF(column, table) \
    "UNION ALL SELECT run_id, " column " FROM " table " "
#define TEXT_NAMES "IN ('external', 'external_term', 'dangling')"

/* Every use of a text, with the run that uses it. */
#define TABLE_TEXT_USES \
    "(SELECT id AS run_id, prompt_id AS text_id FROM run " \
    "UNION ALL SELECT id, system_id FROM run " \
    "UNION ALL SELECT p.run_id, e.text_id FROM path_end e " \
    " JOIN path p ON p.id = e.path_id " \
    "UNION ALL SELECT p.run_id, a.text_id FROM answer a " \
    " JOIN path p ON p.id = a.path_id " \
    "UNION ALL SELECT p.run_id, a.norm_id FROM answer a " \
    " JOIN path p ON p.id = a.path_id " \
    "UNION ALL SELECT run_id, note_id FROM edge " \
    TEXT_OF("name_id", "document") TEXT_OF("text_id", "document") \
    TEXT_OF("heading_id", "clause") TEXT_OF("name_id", "term") \
    TEXT_OF("name_id", "party") TEXT_OF("role_id", "party") \
    TEXT_OF("bearer_id", "norm") TEXT_OF("modal_id", "norm") \
    TEXT_OF("norm_id", "value") TEXT_OF("note_id", "defect") \
    TEXT_OF("title_id", "claim") TEXT_OF("text_id", "claim") \
    TEXT_OF("context_id", "reading") TEXT_OF("text_id", "reading") \
    TEXT_OF("statement_id", "reading") \
    TEXT_OF("context_id", "type_reading") \
    TEXT_OF("text_id", "type_reading") \
    TEXT_OF("statement_id", "claim_path") \
    TEXT_OF("flip_id", "verdict") TEXT_OF("position_id", "verdict") \
    TEXT_OF("suggest_id", "verdict") TEXT_OF("note_id", "review") \
    TEXT_OF("input_id", "\"check\"") TEXT_OF("note_id", "\"check\"") \
    TEXT_OF("text_id", "finding") TEXT_OF("name_id", "decision") \
    TEXT_OF("reason_id", "decision") \
    TEXT_OF("src_id", "logic WHERE src_kind " TEXT_NAMES) \
    TEXT_OF("dst_id", "logic WHERE dst_kind " TEXT_NAMES) ")"

#endif
