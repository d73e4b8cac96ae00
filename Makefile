# What people type. CI calls only these targets.

GO      ?= go
OUT     := build
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
FLAGS   := -trimpath -ldflags '-s -w -X main.version=$(VERSION)'
SOURCES  = $(shell find . -name '*.go' -o -name '*.wav' -o -name '*.board' -o -path '*/tools/image/text/*' | grep -v '^./$(OUT)/') go.mod go.sum

export CGO_ENABLED := 0

.PHONY: help build replay demo run test race vet check interop cross sim sim-big fuzz explore vm vm-cuts vm-update bench image clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

build: $(OUT)/chordophone ## the program for this machine

$(OUT)/chordophone: $(SOURCES)
	$(GO) build $(FLAGS) -o $@ ./firmware/cmd/chordophone

$(OUT)/ringsim: $(SOURCES)
	$(GO) build $(FLAGS) -o $@ ./tools/ringsim

$(OUT)/replay: $(SOURCES)
	$(GO) build $(FLAGS) -o $@ ./tools/replay

replay: $(OUT)/replay ## build/replay, which plays what the console's dump wrote: a fault, again

explore: ## the ring's operations in all reachable states of five identifiers: minutes
	CHORD_EXPLORE=5 $(GO) test -count=1 -timeout 30m -run 'TestExplore$$' -v ./overlay/chord

demo: $(OUT)/chordophone ## three phones, one ring, no server: a scripted office, every step verified
	$(OUT)/chordophone demo --out $(OUT)/demo

run: $(OUT)/chordophone ## the same office with phone 101 on this terminal
	@$(OUT)/chordophone demo --interactive --out $(OUT)/run

test: ## all tests that need nothing but Go
	$(GO) test ./...
	$(GO) test -tags noopus ./sip/media

race: ## the same under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

vet: ## go vet, gofmt, and a tidy go.mod
	$(GO) vet ./...
	$(GO) vet -tags interop ./...
	$(GO) vet -tags noopus ./...
	@bad=$$(gofmt -l .); test -z "$$bad" || { echo "$$bad"; echo 'run gofmt -w on the files above'; exit 1; }
	$(GO) mod tidy -diff

# What interop needs beside Go, by the names of their Debian packages.
DEBIAN := tshark openssl iproute2 openssh-client ssh-audit baresip-core linphone-cli sip-tester sipsak kamailio kamailio-tls-modules bind9-dnsutils libxml2-utils dosfstools mtools minisign dnsmasq-base chrony e2fsprogs

.PHONY: packages
packages:
	@missing=; for p in $(DEBIAN); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
	test -z "$$missing" || { test $$(id -u) = 0 || { echo "please install:$$missing"; exit 1; }; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing >/dev/null; }

# Messages that another implementation of RELOAD made; not ours to ship.
RELOAD_VECTORS ?=
export RELOAD_VECTORS
LACKING := $(if $(RELOAD_VECTORS),,-skip '^TestForeignMessages$$')

interop: packages ## what programs that others wrote say of our octets: tshark, openssl; network namespaces (root)
	@test -n '$(RELOAD_VECTORS)' || echo 'not checked: reference messages of another implementation (RELOAD_VECTORS names no directory)'
	$(GO) test -count=1 -p 1 -timeout 20m -tags interop $(LACKING) $$(grep -rl --include='*_test.go' '^//go:build interop' . | xargs -n1 dirname | sort -u)

check: test race vet interop demo cross image vm ## everything CI runs

cross: $(OUT)/chordophone-arm64 ## static binaries for arm64, armv7 and amd64
	GOOS=linux GOARCH=arm GOARM=7 $(GO) build $(FLAGS) -o $(OUT)/chordophone-armv7 ./firmware/cmd/chordophone
	GOOS=linux GOARCH=amd64 $(GO) build $(FLAGS) -o $(OUT)/chordophone-amd64 ./firmware/cmd/chordophone
	@for f in $(OUT)/chordophone-*; do printf '%s  %s bytes\n' $$f $$(stat -c %s $$f); done

sim: $(OUT)/ringsim ## a ring of 1,000 simulated phones
	$(OUT)/ringsim --nodes 1000 --lookups 1000 --kill 0.3 --json

sim-big: $(OUT)/ringsim ## a ring of 10,000 simulated phones: minutes
	$(OUT)/ringsim --nodes 10000 --lookups 10000 --kill 0.3 --json

fuzz: ## every fuzz target, 30 s each
	@for t in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$t/*_test.go | cut -c6-); do \
	    echo "$$t $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s -fuzzminimizetime 20x $$t || exit 1; done; done

vm: ## the telephone in emulated machines: GPIO, sound, displays on I2C, the SD card's system, power cuts (the first run: a minute more)
	@$(MAKE) --no-print-directory packages DEBIAN='qemu-system-arm gcc-aarch64-linux-gnu make xz-utils device-tree-compiler'
	$(GO) run ./tools/vm --out $(OUT)/vm

CUTS ?= 50
vm-cuts: ## cut the power of the SD card's system CUTS times, then overwrite its data
	@$(MAKE) --no-print-directory packages DEBIAN='qemu-system-arm device-tree-compiler'
	$(GO) run ./tools/vm --out $(OUT)/vm --only cuts,damage --cuts $(CUTS) --limit 60m

vm-update: ## signed updates of the SD card's system, by SSH and from phone to phone: good ones, bad ones, power cuts (15 minutes)
	@$(MAKE) --no-print-directory packages DEBIAN='qemu-system-arm device-tree-compiler'
	$(GO) run ./tools/vm --out $(OUT)/vm --only update,rollout --cuts 5 --limit 60m

$(OUT)/bench: $(SOURCES)
	$(GO) build $(FLAGS) -o $@ ./tools/bench

bench: $(OUT)/bench $(OUT)/chordophone ## beside OpenDHT, kamailio, baresip and linphone, real processes: 50 minutes (SHORT=1: ten); tables and build/bench*.json
	@$(MAKE) --no-print-directory packages DEBIAN='dhtnode kamailio sip-tester tcpdump baresip-core jackd2 gcc libc6-dev iproute2 linphone-cli qemu-user-static'
	$(OUT)/bench --part dht $(if $(SHORT),--short) --out $(OUT)/bench.json
	$(OUT)/bench --part audio $(if $(SHORT),--short) --speech firmware/demo/speech.wav --out $(OUT)/bench-audio.json
	$(OUT)/bench --part insn $(if $(SHORT),--short) --out $(OUT)/bench-insn.json
	$(OUT)/bench --part sip $(if $(SHORT),--short) --speech firmware/demo/speech.wav --out $(OUT)/bench-sip.json

$(OUT)/chordophone-arm64: $(SOURCES)
	GOOS=linux GOARCH=arm64 $(GO) build $(FLAGS) -o $@ ./firmware/cmd/chordophone

# What tools/image reads from the environment; BOARD is a known board or a file.
BOARD ?= handset-4x4
export BOARD OFFICE EXTENSION AUTHORIZED_KEYS RELEASE_KEY WIFI WIFI_FIRMWARE

image: $(OUT)/chordophone-arm64 ## an SD-card image: BOARD=NAME, OFFICE=NAME, AUTHORIZED_KEYS=FILE, EXTENSION=N, RELEASE_KEY=FILE, WIFI=SSID:PASS WIFI_FIRMWARE=DIR
	$(GO) run ./tools/image --binary $<

clean: ## remove what was built
	rm -rf $(OUT)
