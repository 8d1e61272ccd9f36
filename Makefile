# Sorites.  `make help` lists the targets.
#
#   make BUILD=/tmp/b               build elsewhere; ./sorites stays as it is
#   make CC=clang                   the other compiler
#   make WERROR=                    warnings stay warnings
#   make V=1                        show the commands
#   make DIRS="base engine" $(BUILD)/tests/test_x     a part of the tree only

BUILD   ?= build
DIRS    ?= base engine db trace probe review viz tui
PREFIX  ?= /usr/local
# Set by the sanitizer targets: SAN=address,undefined
SAN     ?=

# --- what is there ---------------------------------------------------------
ARCH     := $(shell uname -m)
X86_ONLY := engine/kern_avx2.c engine/kern_avxvnni.c engine/kern_avx512.c
EXT_ONLY := db/extension.c
SKIP     := $(if $(filter x86_64,$(ARCH)),,$(X86_ONLY)) $(EXT_ONLY)
LIB_SRC  := $(filter-out $(SKIP),$(wildcard $(DIRS:%=%/*.c)))
CLI_SRC  := $(wildcard cli/*.c)
TEST_SRC := $(wildcard tests/test_*.c)
AID_SRC  := $(filter-out $(TEST_SRC),$(wildcard tests/*.c))
SQL      := $(if $(filter db,$(DIRS)),$(sort $(wildcard db/migrations/*.sql)) \
                                      $(wildcard db/views.sql))
SQL_SRC  := $(if $(strip $(SQL)),$(BUILD)/gen/db_sql.c)
PAGE     := $(if $(filter viz,$(DIRS)),viz/page.css viz/page.js)
GEN_SRC  := $(SQL_SRC) $(if $(PAGE),$(BUILD)/gen/viz_page.c)

objects   = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIB_OBJ  := $(call objects,$(LIB_SRC)) $(GEN_SRC:.c=.o)
CLI_OBJ  := $(call objects,$(filter-out cli/main.c,$(CLI_SRC)))
MAIN_OBJ := $(call objects,$(filter cli/main.c,$(CLI_SRC)))
AID_OBJ  := $(call objects,$(AID_SRC))
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))

# The SQL functions once more, for any SQLite to load; not with a sanitizer,
# which the program that loads it would have to have as well.
EXT_SRC  := $(EXT_ONLY) db/sqlfunc.c $(wildcard db/tvf*.c) db/pack.c
EXT_OBJ  := $(EXT_SRC:db/%.c=$(BUILD)/ext/%.o)

LIB      := $(BUILD)/libsorites.a
CLI_LIB  := $(if $(CLI_OBJ),$(BUILD)/libcli.a)
AID_LIB  := $(if $(AID_OBJ),$(BUILD)/libaid.a)
PROG     := $(if $(MAIN_OBJ),$(BUILD)/sorites)
EXT      := $(if $(filter db,$(DIRS)),$(if $(SAN),,$(BUILD)/sorites.so))
ROOT     := $(if $(filter build,$(BUILD)),$(if $(PROG),sorites) \
                $(if $(EXT),sorites.so))

# --- flags -----------------------------------------------------------------
PKGS     := sqlite3 libcjson libcgraph libgvc ncursesw libpcre2-8 libutf8proc \
            libcrypto libxxhash libedit openblas libarchive expat
# -isystem: other people's headers need not meet our warnings.  An include
# folder that the compiler searches anyway is dropped.
PKG_CFLAGS := $(patsubst -I%,-isystem %,$(filter-out -I/usr/include \
    -D%,$(shell pkg-config --cflags $(PKGS) 2>/dev/null)))
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WERROR   ?= -Werror
WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wconversion \
            -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 $(WERROR)
# Results must be the same bits everywhere, so the compiler may not fuse a
# multiplication with an addition that the source keeps apart.
EXACT    := -ffp-contract=off
HARDEN   := $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) \
            -fstack-protector-strong -fPIE
# A checker in a loop may keep clang from unrolling it as it was told to.
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all \
            -fno-omit-frame-pointer -Wno-pass-failed)
OPT      ?= -O2 -g
CFLAGS   ?=
LDFLAGS  ?=
COMPILE   = $(CC) -std=c11 -D_POSIX_C_SOURCE=200809L -I. -pthread $(OPT) \
            $(WARN) $(EXACT) $(HARDEN) $(SANFLAGS) $(PKG_CFLAGS) $(CFLAGS)
LINK      = $(CC) -pthread -pie -Wl,-z,relro,-z,now -Wl,--as-needed \
            $(SANFLAGS) $(LDFLAGS)
# dlopen() is in a library of its own before glibc 2.34.
LIBS      = $(PKG_LIBS) -ldl -lm

ISA_AVX2   := -mavx2 -mfma -mf16c
ISA_AVX512 := $(ISA_AVX2) -mavx512f -mavx512bw -mavx512vl -mavx512dq \
              -mavx512vnni -mavx512vbmi
$(BUILD)/engine/kern_avx2.o:   ISA := $(ISA_AVX2)
$(BUILD)/engine/kern_avxvnni.o: ISA := $(ISA_AVX2) -mavxvnni
$(BUILD)/engine/kern_avx512.o: ISA := $(ISA_AVX512)
# Where `make install` puts the domain packs.
$(BUILD)/review/pack.o: ISA := -DSORITES_PREFIX='"$(PREFIX)"'

Q  := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s%s\n' $(1) $(2))

# --- building --------------------------------------------------------------
.PHONY: all
all: $(LIB) $(PROG) $(EXT) $(ROOT) ## build ./sorites (the default)

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) $(ISA) -MMD -MP -c -o $@ $<

$(BUILD)/gen/%.o: $(BUILD)/gen/%.c $(BUILD)/flags
	$(call say,CC,$@)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

$(BUILD)/gen/db_sql.c: db/embed.sh $(SQL)
	@mkdir -p $(@D)
	$(Q)sh db/embed.sh $(SQL) > $@.tmp && mv $@.tmp $@

$(BUILD)/gen/viz_page.c: viz/embed.sh $(PAGE)
	@mkdir -p $(@D)
	$(Q)sh viz/embed.sh $(PAGE) > $@.tmp && mv $@.tmp $@

# Whole archives, made anew when the list of files changes: a member whose
# source is gone must not linger.
$(BUILD)/%.a: $(BUILD)/objects
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $(filter %.o,$^)
$(LIB): $(LIB_OBJ)
$(BUILD)/libcli.a: $(CLI_OBJ)
$(BUILD)/libaid.a: $(AID_OBJ)

$(BUILD)/sorites: $(MAIN_OBJ) $(CLI_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# In place of a copy of half a file: link beside it, then rename.
sorites sorites.so: %: $(BUILD)/%
	@cp -f $< .$@.tmp && mv -f .$@.tmp $@

$(BUILD)/ext/%.o: db/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,"$< (extension)")
	$(Q)$(COMPILE) -fPIC -fvisibility=hidden -DSORITES_EXTENSION -MMD -MP \
	    -c -o $@ $<

$(BUILD)/sorites.so: $(EXT_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -Wl,-z,relro,-z,now $(SANFLAGS) $(LDFLAGS) -o $@ $^ -lm

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(AID_LIB) $(CLI_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS) -lcmocka

$(BUILD)/bench/%: $(BUILD)/bench/%.o $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

# Objects depend on the command line that made them, archives on the list of
# what is in them.  These files change only when their text does.
$(BUILD)/flags: FORCE
	$(call keep,$(COMPILE))
$(BUILD)/objects: FORCE
	$(call keep,$(LIB_OBJ) $(CLI_OBJ) $(AID_OBJ))
keep = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' > $@
.PHONY: FORCE
FORCE:

.PHONY: tests
tests: $(TESTS) ## build the test programs without running them

.SECONDARY:
-include $(wildcard $(BUILD)/*/*.d)

# --- testing ----------------------------------------------------------------
SOURCES := $(wildcard $(DIRS:%=%/*.[ch]) cli/*.[ch] tests/*.[ch] bench/*.[ch])
HEADERS := $(filter %.h,$(SOURCES))
C_FILES := $(filter %.c,$(SOURCES))

.PHONY: test
test: deps model ## install what is needed, then build and run all tests
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory unit

# SUITES="gguf import" chooses test programs, here and for asan, tsan, cover.
SUITES ?=
CHOSEN := $(if $(SUITES),$(SUITES:%=$(BUILD)/tests/test_%),$(TESTS))
.PHONY: unit
unit: $(CHOSEN) $(PROG) ## build and run the test programs (SUITES="a b": those)
	@SORITES_PROG=$(PROG) sh tests/run.sh $(CHOSEN)

# Built elsewhere or not, the tests use the packs of this tree.
export SORITES_DOMAINS ?= $(CURDIR)/domains

.PHONY: check
check: ## everything that must hold: both compilers, sanitizers, lint, docs
	@sh setup/packages.sh build check
	@$(MAKE) --no-print-directory all unit
	@$(MAKE) --no-print-directory layers headers lint packs datasette
	@$(MAKE) --no-print-directory CC=clang BUILD=build/clang all
	@SORITES_FAST=1 $(MAKE) --no-print-directory CC=clang BUILD=build/clang unit
	@$(MAKE) --no-print-directory asan
	@$(MAKE) --no-print-directory SECONDS=5 fuzz

.PHONY: packs
packs: $(PROG) ## check the shipped domain packs, against their schema too
	@$(PROG) domains --check -q domains/legal domains/finance domains/medical
	@python3 tests/domains.py

.PHONY: report-browser screenshots
report-browser: $(PROG) ## reports in Chromium, through selenium from PyPI
	@sh tests/report_browser.sh $(BUILD)

screenshots: $(PROG) ## pictures of reports for the docs, the same way
	@sh tests/report_browser.sh $(BUILD) docs

.PHONY: datasette
datasette: $(EXT) $(BUILD)/bench/cookbook ## ask a trace in Datasette, from PyPI
	@sh tests/datasette.sh $(BUILD)

# leak checking stays on; a refused huge allocation must be NULL, not death.
.PHONY: asan
asan: export ASAN_OPTIONS := allocator_may_return_null=1
asan: export LSAN_OPTIONS := suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0
asan: ## the suite under AddressSanitizer and UBSan
	@SORITES_FAST=1 $(MAKE) --no-print-directory CC=clang BUILD=build/asan \
	    SAN=address,undefined all unit
	@sh tests/real.sh build/asan/sorites

.PHONY: tsan
tsan: ## the suite under ThreadSanitizer
	@SORITES_FAST=1 $(MAKE) --no-print-directory CC=clang BUILD=build/tsan \
	    SAN=thread all unit

# Leaks are the address sanitizer's to find: forked children, which exit with
# what they had, would be reported here.
VALGRIND := valgrind -q --leak-check=no --error-exitcode=99 \
            --suppressions=$(CURDIR)/tests/valgrind.supp
.PHONY: valgrind
valgrind: $(TESTS) $(PROG) ## the fast tier under valgrind's memcheck
	@SORITES_FAST=1 SORITES_PROG=$(PROG) SORITES_ISA=ref \
	    SORITES_TEST_UNDER='$(VALGRIND)' sh tests/run.sh $(TESTS)

.PHONY: test-isa
test-isa: $(TESTS) $(PROG) ## the fast tier once for each kernel set
	@for isa in ref avx2 avx512; do echo "SORITES_ISA=$$isa"; \
	    SORITES_ISA=$$isa SORITES_FAST=1 SORITES_PROG=$(PROG) \
	    sh tests/run.sh $(TESTS) || exit 1; done

# libFuzzer's own main() comes with -fsanitize=fuzzer at the link.
FUZZ     := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/fuzz.c \
                tests/fuzz/seed.c,$(wildcard tests/fuzz/*.c)))
FUZZ_SAN := address,undefined
SECONDS  ?= 60
.PHONY: fuzz fuzz-build
fuzz: ## each fuzz target for SECONDS=60 (clang)
	@$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang OPT='-O1 -g' \
	    SAN=fuzzer-no-link,$(FUZZ_SAN) fuzz-build
	@sh tests/fuzz.sh build/fuzz/bin $(SECONDS) $(FUZZ)

.PHONY: fuzz-keys
fuzz-keys: ## random keys in the browser for ten minutes (clang, sanitizers)
	@$(MAKE) --no-print-directory fuzz FUZZ=keys SECONDS=600

fuzz-build: $(FUZZ:%=$(BUILD)/bin/%) $(BUILD)/bin/seed

$(BUILD)/bin/seed: $(BUILD)/tests/fuzz/seed.o $(AID_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pthread -pie -fsanitize=$(FUZZ_SAN) -o $@ $^ $(LIBS)

$(BUILD)/bin/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/fuzz.o \
                $(AID_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -pthread -pie -fsanitize=fuzzer,$(FUZZ_SAN) -o $@ $^ $(LIBS)

# What reads a stranger's bytes, in all their damaged forms; and what happens
# when the machine fails, at every place where it can.
HOSTILE := hostile_gguf hostile_random hostile_bytes hostile_trace \
           hostile_document hostile_calibration gguf hparams lora tok \
           document domain import export
FAULTS  := kill9 power_loss recorder_io recorder_faults cli_faults cli_lost \
           clock_steps db_place db_write sql_fence private cli_run tui_term
# Threads: recorder, pool, browser.
THREADS := pool ring recorder recorder_faults determinism batching tui \
           cli_browse
.PHONY: hostile faults faults-short ndebug threads mutants hard
hostile faults: export SORITES_HARD := 1
hostile faults: export SORITES_TEST_LIMIT := 3600
hostile: ## files, traces and documents of strangers, damaged everywhere
	@$(MAKE) --no-print-directory SUITES="$(HOSTILE)" unit

faults: ## power, disk, memory, signals, kill -9: everywhere (half an hour)
	@$(MAKE) --no-print-directory SUITES="$(FAULTS)" unit

faults-short: ## the same at every few places, but all 200 kills
	@$(MAKE) --no-print-directory FAULTS=kill9 faults
	@$(MAKE) --no-print-directory \
	    SUITES="$(filter-out kill9,$(FAULTS))" unit

# An assert() must not be what keeps a hostile file out.  Without them some
# variables have no use.
ndebug: ## the hostile suites without assertions
	@$(MAKE) --no-print-directory BUILD=build/ndebug SUITES="$(HOSTILE)" \
	    WERROR= CFLAGS='-DNDEBUG -Wno-unused -Wno-unused-parameter' unit

threads: ## the suites that start threads, under ThreadSanitizer
	@$(MAKE) --no-print-directory SUITES="$(THREADS)" tsan

MUTANT_SUITES := hostile_gguf gguf hparams hostile_bytes
mutants: ## is every check of the model's loader missed where it is gone?
	@$(MAKE) --no-print-directory CC=clang BUILD=build/mutants OPT='-O1 -g' \
	    SAN=address,undefined all $(MUTANT_SUITES:%=build/mutants/tests/test_%)
	@python3 tests/mutants.py build/mutants clang -std=c11 -I. -pthread \
	    -D_POSIX_C_SOURCE=200809L -O1 -g -fsanitize=address,undefined \
	    -fno-sanitize-recover=all $(PKG_CFLAGS) --libs $(LIBS)

# SECONDS=20 SHORT=1 is half an hour on two cores in place of two; STEPS="..."
# measures some of it anew.
hard: ## every promise of SECURITY.md; the figures go to build/hard/report.md
	@SECONDS_EACH=$(if $(filter file,$(origin SECONDS)),120,$(SECONDS)) \
	    SHORT=$(SHORT) STEPS="$(STEPS)" sh tests/hard.sh

# Files whose every line but one in twenty must have run.
PARSERS := engine/gguf.c engine/gguf_get.c engine/hparams.c engine/lora.c \
           engine/route.c engine/tok_open.c base/json.c base/text.c \
           trace/import.c trace/import_chat.c trace/import_otlp.c \
           trace/import_rows.c trace/import_sorites.c \
           review/document.c review/document_docx.c \
           review/document_numbering.c review/document_text.c \
           review/document_xml.c review/pack_read.c review/pack_json.c
.PHONY: cover-parsers
cover-parsers: ## line coverage of what reads a stranger's bytes: 95 % or more
	@SORITES_FAST=1 $(MAKE) --no-print-directory BUILD=build/cover \
	    OPT='-O1 -g --coverage' LDFLAGS=--coverage all unit \
	    SUITES="$(HOSTILE) base_json base_text numbering route" || true
	@sh tests/cover.sh build/cover 95 $(PARSERS)

.PHONY: cover
cover: ## line coverage of the suite, by file
	@$(MAKE) --no-print-directory BUILD=build/cover OPT='-O1 -g --coverage' \
	    LDFLAGS=--coverage all unit || true
	@sh tests/cover.sh build/cover

.PHONY: docs
docs: $(PROG) ## write docs/schema.md from a new database
	@rm -f $(BUILD)/schema.db*
	@echo .doc | $(PROG) sql -q --write --db $(BUILD)/schema.db \
	    > $(BUILD)/schema.md && mv $(BUILD)/schema.md docs/schema.md
	@rm -f $(BUILD)/schema.db*

.PHONY: man
man: $(PROG) ## write the manual pages into $(BUILD)/man
	@sh man/pages.sh $(PROG) $(BUILD)/man

.PHONY: layers
layers: ## every \#include against tests/layers.txt
	@awk -f tests/layers.awk tests/layers.txt $(SOURCES)

# The declaration is there because a file of macros alone is no C program.  A
# *_body.h is text that several files include after their own definitions.
.PHONY: headers
headers: ## every header compiles on its own
	@for h in $(filter-out %_body.h,$(HEADERS)); do \
	    case $$h in \
	    *avx512*) isa="$(ISA_AVX512)" ;; \
	    *avx2*) isa="$(ISA_AVX2)" ;; \
	    *) isa= ;; \
	    esac; \
	    printf '#include "%s"\nextern int nothing;\n' $$h | \
	    $(COMPILE) $$isa -fsyntax-only -x c - || exit 1; done

.PHONY: lint
lint: ## clang-tidy and cppcheck, clean
	@sh tests/lint.sh -std=c11 -D_POSIX_C_SOURCE=200809L -I. $(PKG_CFLAGS) \
	    -- $(C_FILES)

# --- set-up -----------------------------------------------------------------
.PHONY: deps
deps: ## install the packages this needs (apt, sudo)
	@sh setup/packages.sh build

.PHONY: model
model: deps ## fetch the default model into the XDG data folder
	@sh setup/model.sh

.PHONY: peer
peer: ## build llama.cpp to measure against (five minutes)
	@sh setup/packages.sh build peer
	@sh setup/peer.sh

.PHONY: bench
bench: all ## time it against llama.cpp in one run (PEER=its python)
	@python="$(PEER)"; "$${python:-$$(sh setup/peer.sh)}" bench/peer.py $(BENCH)

$(BUILD)/bench/cookbook: $(BUILD)/bench/cookbook.o $(AID_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

.PHONY: cookbook
cookbook: $(BUILD)/bench/cookbook ## time docs/cookbook.md on a million tokens
	@$(BUILD)/bench/cookbook $(BUILD)/cookbook.db

$(BUILD)/bench/browse: $(BUILD)/bench/browse.o $(AID_LIB) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS)

.PHONY: browse-speed
browse-speed: $(BUILD)/bench/browse ## time the browser on ten million tokens (2 GB)
	@$(BUILD)/bench/browse $(BUILD)/browse.db

$(BUILD)/bench/routing: $(BUILD)/bench/routing.o \
    $(patsubst %,$(BUILD)/bench/routing_%.o,read mass family speed) $(LIB)

# STAGE=quality, speed or all; TOKENS, CONTEXTS: less of it, sooner.
STAGE ?= all
.PHONY: bench-routing
bench-routing: model $(BUILD)/bench/routing $(BUILD)/bench/routing_plot \
    $(BUILD)/bench/exits ## what routing saves and costs (STAGE=quality, speed)
	@BENCH=$(BUILD)/bench DATA="$(or $(SORITES_SHARED),../shared)/data" \
	    sh bench/routing.sh "$$(sh setup/model.sh)" $(STAGE)

.PHONY: bench-speculate
bench-speculate: DATA = $(or $(SORITES_SHARED),../shared)/data
bench-speculate: model $(BUILD)/bench/speculate ## what guessing ahead saves, and that it changes nothing
	@model="$$(sh setup/model.sh)"; set -e; \
	$(BUILD)/bench/speculate "$$model" quote \
	    $(DATA)/demo_contracts/commonpaper-*.txt $(DATA)/demo_contracts/nda-*.txt; \
	TOKENS=200 $(BUILD)/bench/speculate "$$model" free; \
	TOKENS=64 $(BUILD)/bench/speculate "$$model" same $(DATA)/gsm8k/dev.jsonl 200

.PHONY: accuracy
accuracy: model $(BUILD)/bench/accuracy ## how often the default model is right (QUESTIONS=FILE)
	@$(BUILD)/bench/accuracy "$$(sh setup/model.sh)" "$(or $(QUESTIONS),sums)"

.PHONY: faithful
faithful: all model ## does the answer follow from the reasoning? (DB=FILE keeps it)
	@SORITES_PROG=$(PROG) sh bench/faithful.sh $(DB)

.PHONY: mistakes
mistakes: model $(BUILD)/bench/mistakes ## find the first wrong steps of TRACES=FILE
	@$(BUILD)/bench/mistakes "$$(sh setup/model.sh)" "$(TRACES)" 40 12

.PHONY: quality
quality: all model $(BUILD)/bench/quality ## what each type of weights costs (TEXT=FILE)
	@SORITES_PROG=$(PROG) QUALITY=$(BUILD)/bench/quality \
	    sh bench/quality.sh "$$(sh setup/model.sh)" "$(TEXT)"

.PHONY: pictures
pictures: demo ## make the pictures of the README anew
	@sh docs/pictures.sh

.PHONY: demo
demo: deps model ## a contract reviewed and proved, then a question; three minutes
	@$(MAKE) --no-print-directory all
	@sh setup/demo.sh

.PHONY: install
install: all man ## copy it below $$(DESTDIR)$$(PREFIX)
	install -D -m 755 $(BUILD)/sorites $(DESTDIR)$(PREFIX)/bin/sorites
	install -D -m 644 $(BUILD)/sorites.so \
	    $(DESTDIR)$(PREFIX)/lib/sorites/sorites.so
	for page in $(BUILD)/man/*.1; do install -D -m 644 "$$page" \
	    "$(DESTDIR)$(PREFIX)/share/man/man1/$${page##*/}" || exit 1; done
	cd domains && find . -type f -exec install -D -m 644 {} \
	    $(DESTDIR)$(PREFIX)/share/sorites/domains/{} \;

# --- keeping house ---------------------------------------------------------
.PHONY: clean
clean: ## remove everything that make made
	rm -rf build sorites sorites.so

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { gsub(/\\/, "", $$2); \
	    gsub(/\$$\$$/, "$$", $$2); printf "  %-14s %s\n", $$1, $$2 }' Makefile
