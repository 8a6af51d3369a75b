# SPDX-License-Identifier: Apache-2.0
# What the targets around the program do; the Makefile builds the programs. Every suite
# leaves its count in build/results, and tests/summary adds them up.

FUZZ_SECONDS ?= 20
CHECKS := lint build unit unit-sanitize fuzz cli demos systemd mutants races cycles faults records \
          plans differential microvm vm vm-isolation

# Every suite runs, whatever became of the others; the sum is the verdict.
check: ## install what is missing, run every test; the last line has the counts
	@tests/deps build test
	@export RACES=$(or $(RACES),short); MAKE=$(MAKE) tests/check $(CHECKS)

# What goes into the test machine.
.PHONY: for-vm
for-vm: all $(TOOLS) $(addprefix $(BUILD)/tests/microvm-,boot init hostile)

check-long: ## the same with long fuzzing, every fault point, every configuration: hours
	@FAULTS=long MICROVMS=long SECCOMP_ROUNDS=20000 CYCLES=10000 FUZZ_SEED=0 MUTANTS=all RACES=3000 $(MAKE) --no-print-directory check FUZZ_SECONDS=1800

check-lint: lint
lint: ## check format, rules and layers, and run the analyzers
	@tests/lint/run

fmt: ## format every C file
	@git ls-files --cached --others --exclude-standard -- '*.[ch]' | xargs -r clang-format -i

check-build: ## check that builds are reproducible and programs hardened
	@tests/build

check-unit: $(UNITS) ## run the unit tests
	@tests/run-units unit$(if $(filter 1,$(SANITIZE)),-sanitize) $(UNITS)

check-unit-sanitize: ## run the unit tests with the address and undefined behaviour sanitizers
	@$(MAKE) --no-print-directory SANITIZE=1 check-unit

check-fuzz: ## replay the fuzzers' corpora, then look for more, FUZZ_SECONDS each
	@$(MAKE) --no-print-directory -j$$(nproc) $(FUZZERS)
	@tests/run-fuzz $(FUZZ_SECONDS) $(FUZZERS)

check-cli: all $(TOOLS) ## run the tests of the commands on this host (root)
	@tests/rootfs busybox >/dev/null
	@tests/private-cgroup tests/run-bats cli tests/cli/*.bats

check-demos: demos
demos: all ## run the demos, and compare what they print with their texts (root)
	@tests/demos

check-systemd: all $(TOOLS) ## run the tests of the systemd driver beside a systemd of their own (root)
	@tests/rootfs busybox >/dev/null
	@tests/private-cgroup tests/private-systemd tests/run-bats systemd tests/systemd/*.bats

check-races: all $(TOOLS) ## exchange paths while containers are created, RACES times each (root)
	@tests/rootfs busybox >/dev/null
	@tests/private-cgroup tests/races/run $(or $(RACES),300)

mutants: ## take down every wall of the program, one by one: a test has to notice (root)
	@$(MAKE) --no-print-directory check-mutants MUTANTS=all

check-mutants: all $(TOOLS) ## the same with MUTANTS: names, or short, which is three of them (root)
	@tests/rootfs busybox >/dev/null
	@tests/private-cgroup tests/mutants/run $(or $(MUTANTS),short)

check-cycles: all $(TOOLS) ## create and delete containers, CYCLES of them, and look for leaks (root)
	@tests/rootfs busybox >/dev/null
	@tests/private-cgroup tests/faults/cycles

check-faults: all $(TOOLS) ## kill the runtime and fail its system calls, and look for leaks (root)
	@tests/rootfs busybox >/dev/null
	@tests/private-cgroup tests/private-systemd tests/faults/killsweep $(FAULTS)

check-records: all $(TOOLS) ## damage the record of a container byte by byte (root)
	@tests/rootfs busybox >/dev/null
	@tests/private-cgroup tests/faults/records $(FAULTS)

check-plans: all ## give changed plans to caisson-init in throw-away namespaces (root)
	@tests/rootfs busybox >/dev/null
	@tests/faults/planfuzz $(FAULTS)

check-differential: all ## give the same configs to caisson, runc and crun, and compare (root)
	@tests/rootfs busybox >/dev/null
	@tests/private-cgroup tests/faults/differential $(FAULTS)

check-vm: for-vm ## run the tests of the commands and of the engines in the test machine
	@tests/vm/check

check-microvm: for-vm ## run the tests of microVMs there
	@SUITE=microvm tests/vm/check

check-vm-isolation: for-vm ## run tests of the commands there with microVMs instead
	@ISOLATION=vm tests/vm/check

check-vm-isolation-long: for-vm ## the same with all files of tests that make sense there: hours
	@ISOLATION=vm MICROVMS=long tests/vm/check

conformance: all ## run foreign suites, at PLACES: native, user, vm, vm-user (root)
	@tests/conformance/check $(PLACES)

bench: all $(BENCHES) build/tests/sysfault ## measure next to the peers, and print tables
	@bench/run

deps: ## install the packages that building and testing needs
	@tests/deps

run: ## install what is missing, build, start a container that shows that it is one (root)
	@tests/deps build run
	@$(MAKE) --no-print-directory -j2 all
	@tests/demo

install: all ## install below PREFIX (and DESTDIR)
	@tests/install "$(BUILD)" "$(DESTDIR)$(PREFIX)"

uninstall: ## remove what install installed
	@tests/install --remove "$(DESTDIR)$(PREFIX)"

.PHONY: conformance check-vm-isolation check-vm-isolation-long check-microvm check-lint check-build check-unit-sanitize check-cycles check-mutants mutants check-races check-systemd check-demos demos
