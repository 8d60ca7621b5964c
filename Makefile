# onward. `make` says what there is.

GO      ?= go
FUZZTIME ?= 5s
# What the tests install lives in the user's cache, so that it is there the
# next time: Postgres 13 to 18, Python environments with Django.
export CGO_ENABLED = 0

.PHONY: help build demo demo-fleet test test-all setup unit packaged fuzz lint vuln snapshot generate stale site vsix links man bench flaky size profile prove kills fleet fleet-page chaos scale faults manifests ranges mutants peer-corpus planners runners-news evidence administrator races escapes fixes soak race clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

build: ## bin/onward
	$(GO) build -trimpath -o bin/onward ./cmd/onward

PREFIX ?= $(HOME)/.local
.PHONY: install
install: build ## onward into PREFIX/bin, ~/.local/bin if not told
	@mkdir -p "$(PREFIX)/bin" && install -m 755 bin/onward "$(PREFIX)/bin/onward" && echo "installed: $(PREFIX)/bin/onward"
	@case ":$$PATH:" in *":$(PREFIX)/bin:"*) ;; *) echo "put it on the PATH: export PATH=\"$(PREFIX)/bin:\$$PATH\"" ;; esac

demo: ## five commands on an example shop, a safe and an unsafe branch: about a minute
	./scripts/demo.sh

demo-fleet: build ## a release on DEMO_TENANTS schemas (60) of a throwaway Postgres, with workers and the live page: three minutes
	$(GO) run ./bench/demo -tenants $(or $(DEMO_TENANTS),60)

# What tests require: 1 for what setup installs, names of tools after it (1,node), or all. internal/component has the names.
ONWARD_REQUIRE ?= 1

test: setup unit ## every test that Go, git, Python and the tools that are here allow; then a list of those left out

test-all: ## every test: with Rust, Ruby, Node, PHP, a JVM, Chromium, Neovim, PgBouncer and others; a missing tool is a failure
	./scripts/setup.sh all
	$(MAKE) fuzz unit packaged ONWARD_REQUIRE=all

packaged: ## tests of the live commands on a distribution's Postgres, with LLVM and default settings
	ONWARD_TEST_SERVER=packaged ONWARD_REQUIRE=$(ONWARD_REQUIRE),packaged scripts/in-memory.sh $(GO) run ./internal/component/run -timeout 30m \
		./apply ./apply/internal/backfill ./apply/internal/session ./guard ./preflight ./verify

setup: ## Postgres servers, Python environments and actionlint, for make test
	./scripts/setup.sh

unit: ## the Go tests of all modules, on real components
	ONWARD_REQUIRE=$(ONWARD_REQUIRE) scripts/in-memory.sh $(GO) run ./internal/component/run

fuzz: ## fuzz targets for FUZZTIME each: a third of them in turn, with ONWARD_ROTATION=all every one
	./scripts/fuzz.sh $(FUZZTIME)

lint: ## gofmt, vet, golangci-lint
	./scripts/lint.sh

snapshot: ## what a release has, made, installed and run; SNAPSHOT=all for all systems
	./scripts/snapshot.sh $(or $(SNAPSHOT),own)

manifests: ## deploy/kubernetes and deploy/argocd from the chart, validated; then the commands of their Jobs on servers
	./scripts/setup.sh postgres manifests
	ONWARD_REQUIRE=1,manifests $(GO) test -count=1 -run '^TestChart' ./deploy -update
	ONWARD_REQUIRE=1,manifests $(GO) test -count=1 ./deploy

vuln: ## which known vulnerabilities can be reached from the program; needs https://vuln.go.dev
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./cmd/onward

generate: ## what is generated: syntax tree aliases, list of rules, pages
	$(GO) generate ./...

stale: ## fails when a generated file is not what its generator writes
	./scripts/stale.sh

prove: ## the model of locks, and the rules' claims, against real servers 13 to 19; PROVE=ends for oldest and newest
	./scripts/setup.sh postgres
	./scripts/setup.sh postgres19 || echo "make prove: NOTHING IS PROVEN ON POSTGRES 19" >&2
	ONWARD_REQUIRE=1 ONWARD_PROVE=$(or $(PROVE),all) $(GO) test -count=1 -timeout 20m ./internal/effect/prove/... ./internal/rules/tools/prove/...

fixes: ## printed fixes of public releases, fetched for the run: REPOS="https://github.com/owner/name@v1..v2 …"
	./scripts/public-fixes.sh $(REPOS)

kills: ## rehearsals killed at KILLS instants, 100 if not told: nothing may stay
	ONWARD_REQUIRE=1 ONWARD_KILLS=$(or $(KILLS),100) $(GO) test -count=1 -timeout 30m -v -run '^TestKilled$$' ./rehearse

fleet: ## a release on many schemas, whose process is killed KILLS times, 100 if not told: each schema has it exactly once
	ONWARD_REQUIRE=1 ONWARD_KILLS=$(or $(KILLS),100) $(GO) test -count=1 -timeout 30m -v -run '^Test(Apply)?Killed$$' ./internal/fleet
	$(GO) run ./bench/fleet

fleet-page: ## the page of onward fleet serve in a browser, during a release on PAGE_TARGETS schemas (1000)
	ONWARD_REQUIRE=1 ONWARD_FLEET_PAGE=$(or $(PAGE_TARGETS),1000) $(GO) test -count=1 -timeout 30m -v -run '^TestRolloutPage$$' ./internal/fleet/serve

chaos: ## workers on CHAOS_TARGETS databases (300) for CHAOS_MINUTES (10), while workers and servers are killed: each target has each release once
	ONWARD_REQUIRE=1 ONWARD_CHAOS_TARGETS=$(or $(CHAOS_TARGETS),300) ONWARD_CHAOS_MINUTES=$(or $(CHAOS_MINUTES),10) \
		$(GO) test -count=1 -timeout 90m -v -run '^TestChaos$$' ./cmd/onward

scale: ## the cost of a target from 100 to 5,000 schemas, with guard and with apply: docs/scale.md; SIZES=100,1000
	$(GO) run ./bench/fleet -scale guard -sizes $(or $(SIZES),100,1000,5000)
	$(GO) run ./bench/fleet -scale guard -queue -sizes $(or $(SIZES),100,1000)
	$(GO) run ./bench/fleet -scale apply -sizes $(or $(SIZES),100,1000,5000)
	$(GO) run ./bench/fleet -scale guard -queue -pattern 'tenant_000*' -sizes 5000
	$(GO) run ./bench/fleet -scale apply -queue -pattern 'tenant_000*' -sizes 5000
	$(GO) run ./bench/fleet -scale guard -databases -sizes 50,200
	$(GO) run ./bench/fleet -scale guard -queue -databases -servers 3 -sizes 50,200

faults: ## a plan carried out with faults at its commits, one in FAULTS (5 if not told): docs/faults.md; and killed KILLS times, 1000 if not told
	ONWARD_REQUIRE=1 ONWARD_FAULTS=$(or $(FAULTS),5) ONWARD_FAULTS_TO=$(CURDIR)/docs/faults.md $(GO) test -count=1 -timeout 90m -v -run '^TestFaults$$' ./apply
	ONWARD_REQUIRE=1 ONWARD_KILLS=$(or $(KILLS),1000) $(GO) test -count=1 -timeout 90m -run '^(TestKilled|TestSharedBackfillKilled)$$' ./apply

ranges: build ## which part of the last releases of public repositories gets a proven plan: REPOS="DIRECTORY=PATH …", clones with their migrations
	$(GO) run ./bench/ranges $(REPOS)

evidence: build ## docs/evidence.md: REPOSITORIES, RECIPES and MIGCHECK measure first (bench/evidence/README.md), else from what was measured
	$(GO) run ./bench/evidence $(if $(REPOSITORIES),-repositories $(REPOSITORIES) -recipes $(RECIPES) $(if $(MIGCHECK),-migcheck $(MIGCHECK)),-page)

mutants: ## faults planted in the packages PKG, N in each (100): which ones their own tests do not notice; SEED chooses them
	$(GO) run ./bench/mutants -n $(or $(N),100) -seed $(or $(SEED),1) $(or $(PKG),internal/catalog internal/refusal internal/effect internal/analysis internal/violation internal/permit internal/recipe)

runners-news: ## newer releases of the tools of docs/runners.md that the registries have: TOOLS="goose Knex", all if not told
	scripts/runners-news.sh $(TOOLS)

peer-corpus: build ## the labelled files of another linter, fetched for the run: labels that are named, safe files that end with an error
	scripts/peer-corpus.sh

planners: ## plans run while old and new code writes, ROUNDS times, 10 if not told, and all proofs with traffic: nothing may be lost
	ONWARD_REQUIRE=1 ONWARD_ROTATION=all ONWARD_PLAN_ROUNDS=$(or $(ROUNDS),10) $(GO) test -count=1 -timeout 60m -v -run '^(TestWriters|TestComposed|TestFurther)$$' ./plan

administrator: ## plans beside an administrator who makes, changes and drops things at random, ADMINISTRATOR times, 300 if not told; SEED is the first
	ONWARD_REQUIRE=1 ONWARD_ADMINISTRATOR=$(or $(ADMINISTRATOR),300) ONWARD_SEED=$(SEED) $(GO) test -count=1 -timeout 60m -run '^TestRandomAdministrator$$' ./apply

races: ## a contract on a table of RACES rows (5000000) that loses ten lock races, on the oldest and the newest server: nobody waits above 1 s
	ONWARD_REQUIRE=1 ONWARD_RACES=$(or $(RACES),5000000) $(GO) test -count=1 -timeout 60m -v -run '^TestLostRaces$$' ./apply

escapes: ## every way out of a rehearsal that we know, each on every version 13 to 18: nothing may get out
	./scripts/setup.sh postgres
	ONWARD_REQUIRE=1 ONWARD_ROTATION=all ONWARD_ESCAPES=all $(GO) test -count=1 -timeout 60m -run '^TestEscapes$$' ./rehearse

soak: ## every case of the tests that take turns, every fuzz target, and the recording proxy for SOAK (10m by default)
	ONWARD_REQUIRE=1 ONWARD_ROTATION=all ONWARD_KILLS=100 ONWARD_RANDOM=1000 $(GO) test -count=1 -timeout 3h ./...
	ONWARD_ROTATION=all ./scripts/fuzz.sh $(FUZZTIME)
	ONWARD_REQUIRE=1 ONWARD_SOAK=$(or $(SOAK),10m) $(GO) test -count=1 -timeout 3h -v -run '^(TestSoak|TestLong)$$' ./internal/wire

race: ## what runs at the same time, under the race detector: the one thing here that takes a C compiler
	CGO_ENABLED=1 ONWARD_REQUIRE=1 scripts/in-memory.sh $(GO) test -pgo=off -vet=off -race ./audit ./internal/fleet ./internal/gitrange ./internal/traffic ./internal/wire/...

bench: build ## CPU time beside the program of the last landing (BASE) and that of bench/anchor: PARTS="check plan", SHORT=1, REPOS="path@v1..v2 …"
	$(GO) run ./bench -onward $(or $(ONWARD),bin/onward) $(if $(SHORT),-short) $(PARTS)

flaky: ## the tests of PKG (./guard ./internal/queue), N times (20) beside busy processes: which fail by chance
	ONWARD_REQUIRE=1 scripts/in-memory.sh scripts/flaky.sh $(or $(N),20) $(PKG)

size: ## tokens and files of Go by hand, in the program and in tests, beside the limits of size.json
	@$(GO) test -count=1 -v -run '^TestSize$$' . | grep -E 'tokens|files'

profile: ## cmd/onward/default.pgo, by which the compiler optimises: runs of check, and of changelog for REPO from BASE to HEAD
	$(GO) run -trimpath ./bench/profile $(if $(REPO),-repo $(REPO) -base $(BASE) -head $(HEAD))

site: ## dist/site: docs/ as a static site with search
	./scripts/site.sh

vsix: ## dist/onward-vscode.vsix, the extension for VS Code; it takes npm
	./scripts/vsix.sh

man: ## dist/man and dist/completions, from the commands themselves; packages take them from there
	$(GO) run ./internal/cli/man dist

links: ## which addresses in the pages do not answer; needs the network
	$(GO) run ./internal/site/external

clean: ## what was built here
	rm -rf bin dist
