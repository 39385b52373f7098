# ktcp: the commands that a user types. `make help` lists them.

# A Go that setup may just have installed is not on PATH yet.
GO ?= $(shell command -v go || ls -d /usr/local/go/bin/go /usr/lib/go-1.*/bin/go 2>/dev/null | tail -n 1)
export PATH := $(dir $(abspath $(GO))):$(PATH)

# Which scenarios and benchmarks: a regular expression as for go test.
RUN   ?= .
BENCH ?= .
# On which kernels: stock, kasan, kcsan or all. Empty: stock and kasan.
FLAVORS ?=
# How often each scenario runs.
COUNT ?= 1
# Whether scenarios run that passed before and of which nothing has changed since: 1 for all.
FRESH ?=

# What make test runs on the kasan kernel too, and of the sweeps, which no other kernel can run, a sample. make vm-check runs everything on it.
ON_KASAN = ^(TestCanary|TestSweep.*|TestLedgerFromOutside|TestNetnsEachServesItsOwn|TestNetnsDeletedWithRemoteConnections|TestToggleUnderTraffic|TestHTTPdPipelining|TestRole.*)$$

GOTESTSUM = go tool gotestsum

# What make mutants keeps: all mutants on the default kernel are results/mutants.md and a figure, those on another kernel a table with
# its name. Some of them, RUN=, are no table.
ON = $(notdir $(filter-out 6.1,$(KERNEL)))
MUTANTS_RESULTS = $(if $(filter .,$(RUN)),MUTANTS_TABLE='$(CURDIR)/results/mutants$(if $(ON),-$(ON)).md' \
	$(if $(ON),,MUTANTS_FIGURE='$(CURDIR)/results/reference'))

.DEFAULT_GOAL := help
.PHONY: help setup vm-check test mutants sweep fuzz bench bench-check bench-reference plot lint modules clean

help: ## list these commands
	@echo 'usage: make COMMAND [KERNEL=6.1|6.12|VERSION|host|DIR] [VARIABLE=VALUE...]'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: ## install what is missing (Debian and Ubuntu packages; sudo only for apt-get)
	@scripts/setup.sh

vm-check: setup ## build the modules, run every scenario in throw-away guests, print the verdict [RUN=regexp] [FLAVORS="stock kasan"|kcsan|all] [COUNT=n] [FRESH=1]
	@go run . check --run '$(value RUN)' --flavors '$(FLAVORS)' --count '$(COUNT)' $(if $(FRESH),--fresh)

test: setup ## everything that must pass: unit tests, scenarios, and the canaries and what ends under load again on kasan
	@go run . kernels get kasan # first: it may have to be built, which no test has the time for
	$(GOTESTSUM) --format pkgname-and-test-fails -- -timeout 60m -p 2 -skip '^TestSweep' ./...
	FLAVOR=kasan $(GOTESTSUM) --format pkgname-and-test-fails -- -count=1 -timeout 60m -run '$(ON_KASAN)' ./scenarios

mutants: setup ## hold every mutant in scenarios/testdata/mutants to the scenarios, and write results/mutants.md and its figure [RUN=regexp]
	@go run . kernels get kasan
	MUTANTS=all $(MUTANTS_RESULTS) \
		$(GOTESTSUM) --format testname --hide-summary output -- -count=1 -timeout 120m -run '^TestMutants$$/$(value RUN)' ./scenarios
	@$(MAKE) --no-print-directory plot DATA=results/reference

sweep: setup ## fail one allocation after the other in insmod, status, namespace creation and serving, on the kasan kernel
	@go run . kernels get kasan
	SWEEP=all FLAVOR=kasan $(GOTESTSUM) --format testname -- -count=1 -timeout 60m -run '^TestSweep' -v ./scenarios

fuzz: ## have libFuzzer make up requests for khttpd's parser in user space [SECONDS=60]
	@scripts/setup.sh clang:clang clang:libclang-rt-dev
	@scripts/fuzz.sh $(SECONDS)

bench: setup ## benchmarks in benchstat's format: clones, and speed beside nginx and the echo twin, in instructions [BENCH=regexp]
	go test ./harness/vm ./scenarios -run '^$$' -bench '$(value BENCH)' -timeout 60m

bench-check: ## compare what make bench measured with the committed reference: more than 2 % worse fails
	@go run . bench-check

bench-reference: ## make what make bench measured the committed reference, and its figures
	mkdir -p results/reference
	cp results/bench/*.dat results/reference/
	@DATA=results/reference scripts/plot.sh

plot: ## render the figures of results/ with gnuplot, as SVG and PNG
	@scripts/setup.sh gnuplot:gnuplot-nox
	@scripts/plot.sh

modules: ## the kernel modules alone, with plain kbuild [KDIR=/lib/modules/.../build]
	$(MAKE) -C module

lint: setup ## formatting, vet, import directions, C style, shell and workflow checks
	@scripts/setup.sh clang-format:clang-format shellcheck:shellcheck
	@scripts/lint.sh

clean: ## remove build products and the evidence of runs; with CACHE=1 also kernels and templates
	$(MAKE) -s -C module clean
	rm -rf results/runs results/latest results/bench results/trace results/fuzz
	$(if $(CACHE),rm -rf "$${KTCP_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/ktcp}")
