#!/bin/sh
# What tests need besides Rust and this machine lacks: one line each, with the word in the names of the tests that need
# it, and how to get it. `make test` leaves those tests out and says so; CI, which installs the programs, fails instead.
tesseract --list-langs 2>/dev/null | grep -qx eng ||
	echo "with_tesseract: apt-get install tesseract-ocr tesseract-ocr-eng"
cc -x c /dev/null -shared -lfloatfann -o /dev/null 2>/dev/null ||
	echo "with_libfann: apt-get install gcc libfann-dev"
chromium --version >/dev/null 2>&1 ||
	echo "with_chromium: apt-get install chromium"
test -f target/tools/axe/axe_playwright_python/axe.min.js ||
	echo "with_chromium_and_axe: make axe"
unshare --user --map-root-user --mount mount -t tmpfs none /mnt 2>/dev/null ||
	echo "with_mounts: a kernel that lets users make mount namespaces (unshare --user --mount)"
tests/python/.venv/bin/python -c "import docling_core, duckdb, openpyxl, pyarrow" 2>/dev/null ||
	echo "with_python_packages: make python-packages"
soffice --version >/dev/null 2>&1 ||
	echo "with_soffice: apt-get install libreoffice-calc-nogui"
