# The words a newcomer types. Each first installs what it needs and lacks (scripts/deps), then hands over to a script that does one thing.
#
#   make demo     build, start the daemon, post sample events, watch them arrive        (KEEP=1 keeps it serving)
#   make test     every test, under ASan and UBSan; the last line is `N passed, N failed`
#   make build    build/postrider, optimized and hardened
#   make sim      the simulator: SEEDS=n runs n of them, SEED=k replays one
#   make fuzz     every fuzz target under libFuzzer, each for SECONDS seconds
#   make screenshots   the console's pictures, into docs/images                         (three minutes)
#   make bench    the figures, into docs/performance.md                                  (ROWS=... SCALE=0.1)
#   make check    style, layers, banned functions, warnings of two compilers, hardening
#   make install  PREFIX=/usr/local DESTDIR=
#   make deb      build/postrider_VERSION_ARCH.deb
#   make package-test   that package on a clean Debian 12: install, run, upgrade, remove, purge    (as root; takes minutes)
#   make clean
PREFIX ?= /usr/local
DESTDIR ?=
SEEDS ?= 2000
SEED ?=
SECONDS ?= 60
ROWS ?= all
SCALE ?= 1

.PHONY: demo test build bench screenshots fuzz sim check install deb package-test clean

build:
	@scripts/deps build
	@scripts/build release
	@program=$$(scripts/build --program release) && ln -sfn "$$program" build/postrider

demo: build
	@scripts/deps demo
	@scripts/demo

test:
	@scripts/deps build test
	@scripts/build asan
	@scripts/build fuzz
	@scripts/run-tests build/asan build/fuzz:fuzz

sim:
	@scripts/deps build test
	@scripts/build asan tests/sim/simulate
	@build/asan/tests/sim/simulate $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

fuzz:
	@scripts/deps build test fuzz
	@scripts/build fuzz
	@scripts/fuzz $(SECONDS)

bench: build
	@scripts/deps bench
	@scripts/build release all benches
	@bench/run --rows $(ROWS) --scale $(SCALE) --write docs/performance.md

screenshots: build
	@scripts/deps screenshots
	@scripts/screenshots

check: build
	@scripts/deps build test check
	@scripts/check

build/postrider:
	@$(MAKE) build

install: | build/postrider
	@scripts/install build/postrider "$(PREFIX)" "$(DESTDIR)"

deb:
	@scripts/deps build deb
	@scripts/package

package-test:
	@scripts/deps build deb package-test
	@scripts/package-test

clean:
	rm -rf build
