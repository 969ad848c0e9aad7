# A thin door to CMake. `make help` lists what it opens.
MAKEFLAGS += --no-print-directory
PRESET ?= default
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
SECONDS ?= 60
TARGET ?=
PORT ?= 8888

# build/ itself for the default preset, so that the examples are build/examples/NAME.
folder = build$(if $(filter-out default,$1),/$1)
configure = cmake --preset $1 >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
build = mkdir -p build; $(call configure,$1); cmake --build $(call folder,$1) --parallel $(JOBS)
test = tools/run-tests --build $(call folder,$1) --jobs $(JOBS)

.PHONY: all demo test install bench fuzz asan tsan clang faults aarch64 format check docs clean help

all:
	@$(call build,$(PRESET))

demo:
	@tools/install-deps --demo
	@$(call build,default)
	@exec tools/demo $(PORT)

test:
	@tools/install-deps --tests
	@$(call build,$(PRESET)) --target all tests
	@$(call test,$(PRESET))

asan tsan clang faults:
	@$(MAKE) --no-print-directory test PRESET=$@

aarch64:
	@tools/install-deps --tests
	@$(call build,aarch64) --target all tests
	@$(call test,aarch64) --unit

install:
	@$(call build,default)
	@cmake --install build --prefix $(abspath $(PREFIX))

bench:
	@tools/install-deps --bench
	@$(call build,default) --target all bench
	@bench/run

fuzz:
	@tools/install-deps --tests
	@$(call build,fuzz) --target fuzzers
	@tools/fuzz build/fuzz $(SECONDS) $(TARGET)

format:
	@tools/check-format --fix

check:
	@tools/install-deps --tests
	@$(call build,default)
	@status=0; for check in format folders headers tags symbols; do \
	    tools/check-$$check || { echo "check-$$check: FAILED"; status=1; }; \
	done; exit $$status

docs:
	@tools/make-docs build/docs

clean:
	rm -rf build

help:
	@echo "make            build everything into build/ (PRESET=debug|release|clang|asan|tsan|faults: build/PRESET)"
	@echo "make demo       install what is missing, build, run the demo (PORT=8888) and the blog (PORT + 1)"
	@echo "make test       install what is missing, build, run all tests"
	@echo "make asan       the same tests under AddressSanitizer; also: tsan, clang, faults, aarch64 (unit tests, qemu)"
	@echo "make fuzz       fuzz each target for SECONDS=60, or only TARGET=x"
	@echo "make bench      build the benchmarks, and run them"
	@echo "make check      format, folder order, headers, tags, symbols; make format writes the format"
	@echo "make install    into PREFIX=/usr/local (DESTDIR is honoured)"
	@echo "make docs       the reference from the public headers, into build/docs/"
	@echo "make clean      remove build/"
