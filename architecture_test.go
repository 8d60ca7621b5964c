package onward_test

import (
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/onward-sql/onward/"

// layers lists the rooms from the bottom up. A package may import packages of
// its own layer's rooms that are below it in the table's order, and of every
// lower layer; "same" names the pairs within a layer that may.
var layers = [][]string{
	{"onward", "internal/scratch", "internal/cache", "internal/lazyregexp", "internal/fault", "internal/address", "internal/redact",
		"internal/sockets", "internal/pgtime", "internal/pgstat", "internal/prose", "internal/confine", "internal/sandbox"},
	{
		"internal/inflect", "internal/configfile", "internal/pgparse", "internal/acl", "internal/predicate", "internal/query", "internal/pgerror",
		"internal/catalog/builtin",
		"internal/catalog", "internal/script", "internal/outside", "internal/violation", "internal/undo", "internal/readiness",
		"internal/permit", "internal/refusal", "internal/effect", "internal/size", "internal/advice", "internal/history",
		"internal/workload", "internal/transcript", "internal/code/facts", "internal/code/lexer", "internal/code/source", "internal/code/queries",
		"internal/code", "internal/code/read", "internal/code/mentions", "internal/code/index",
		"internal/analysis", "internal/rule", "internal/elements", "internal/recipe", "internal/dbchecks",
		"config",
	},
	{
		"internal/rules", "internal/adapter", "internal/gitrange", "internal/code/deployed", "internal/pgserver", "internal/live", "internal/inventory",
		"internal/subscriber", "internal/fill", "internal/traffic", "internal/wire", "internal/replay", "internal/capture",
		"internal/queue", "internal/ownschema", "internal/ledger",
		"internal/throttle", "internal/report/escape", "internal/report/block", "internal/underway",
		"internal/report/view", "internal/report/terminal", "internal/report/markdown",
		"internal/report/html", "internal/report/machine", "internal/report", "internal/verdict", "internal/linters",
		"internal/forge", "internal/site", "internal/notify",
	},
	{
		"audit", "rehearse", "record", "verify", "plan", "preflight",
		"apply/internal/run", "apply/internal/session", "apply/internal/schemaplan", "apply/internal/progress", "apply/internal/properties",
		"apply/internal/evidence", "apply/internal/backfill", "apply/internal/attempt", "apply/internal/migrations", "apply",
		"guard", "internal/fleet", "internal/first", "internal/lsp", "internal/hook", "internal/mcp",
	},
	{"internal/cli"},
	{"cmd"},
}

// pure rooms see no files, network, clock, processes or logging.
var pure = []string{
	"internal/inflect", "internal/configfile", "internal/pgparse", "internal/acl", "internal/predicate", "internal/query", "internal/pgerror", "internal/catalog",
	"internal/script", "internal/outside", "internal/violation", "internal/undo", "internal/readiness", "internal/permit", "internal/refusal",
	"internal/effect", "internal/size", "internal/advice", "internal/history", "internal/workload", "internal/code",
	"internal/analysis", "internal/rule", "internal/elements", "internal/recipe", "internal/rules",
}

// reading rooms are below a pure one, and read files.
var reading = []string{"internal/code/deployed"}

var impure = []string{"os", "os/exec", "net", "net/http", "log", "log/slog", "time", "io/fs", "io/ioutil", "path/filepath", "context",
	module + "internal/scratch", module + "internal/cache"}

// owners: who may import a foreign library.
var owners = map[string][]string{
	"github.com/sqlc-dev/oliphant": {"internal/pgparse"},
	"github.com/spf13/cobra":       {"internal/cli"},
	"github.com/spf13/cobra/doc":   {"internal/cli/man"}, // it brings a renderer of man pages, which onward has no use for
	"github.com/hashicorp/hcl":     {"internal/configfile"},
	"github.com/pelletier/go-toml": {"internal/configfile"},
	"github.com/zclconf/go-cty":    {"internal/configfile"},
	"go.yaml.in/yaml/v3":           {"config", "internal/code/hasura", "internal/configfile", "internal/adapter/liquibase"},
	"github.com/charmbracelet/":    {"internal/report/view", "internal/report/terminal", "internal/cli"},
	"github.com/jackc/pgx": {
		"internal/redact", "internal/pgserver", "internal/live", "internal/inventory", "internal/subscriber", "internal/fill",
		"internal/traffic", "internal/wire", "internal/replay", "internal/capture", "rehearse", "record", "verify", "plan",
		"internal/queue", "internal/ownschema", "internal/ledger",
		"internal/throttle", "internal/underway", "apply", "guard", "internal/fleet",
	},
	"github.com/fergusstrange/":        {"internal/pgserver"},
	"github.com/chromedp/":             {"internal/report/shots"},
	"github.com/creachadair/jrpc2":     {"internal/lsp"},
	"github.com/modelcontextprotocol/": {"internal/mcp"},
	"github.com/riverqueue/river":      {"internal/fleet/queuedb"},
	"github.com/VictoriaMetrics/":      {"internal/fleet/queuedb"},
	"github.com/yuin/goldmark":         {"internal/site"},
	"filippo.io/age":                   {"internal/transcript"},
	"mvdan.cc/sh":                      {"internal/hook", "guard"},
	"github.com/evanw/esbuild":         {"internal/adapter/jsrun"},
	"github.com/grafana/sobek":         {"internal/adapter/jsrun"},
}

// exceptions, each with its reason.
var exceptions = map[string]string{
	// Generators and scaffolders are programs that read and write files; no
	// package imports them.
	"internal/pgparse/gen":         "generator",
	"internal/catalog/builtin/gen": "generator",
	"internal/effect/locksdoc":     "generator",
	"internal/refusal/castgen":     "generator",
	"internal/rules/tools/gen":     "generator",
	"internal/rules/tools/pages":   "generator",
	"internal/rules/tools/new":     "scaffolder",
	// Test support and proofs run on files and servers.
	"internal/rules/tools/ruletest":  "reads fixtures for tests",
	"internal/rules/tools/prove":     "runs the rules' claims on servers",
	"internal/effect/prove":          "runs the model on servers",
	"internal/pgserver/pgservertest": "test support",
	"internal/pgserver/sentqueries":  "test support",
	"internal/adapter/adaptertest":   "test support",
	"internal/pgparse/collide":       "test support",
	"internal/gitrange/gittest":      "test support",
	"internal/golden":                "test support",
	"internal/wire/wiretest":         "test support",
	"internal/rotation":              "test support",
	"internal/component":             "test support",
	"internal/component/run":         "runs the go command",
	"internal/report/picture":        "a program of its own",
	"internal/report/shots":          "a program of its own",
	"internal/report/browsertest":    "test support",
	"internal/report/reporttest":     "test support",
	"internal/cli/man":               "a program of its own",
	"internal/site/pages":            "generator",
	"internal/site/build":            "a program of its own",
	"internal/site/external":         "asks the addresses in the pages",
	"packaging":                      "a program of its own",
	"deploy":                         "manifests, and tests that run their commands",
	"bench/demo":                     "a program of its own",
	"bench":                          "a program of its own",
	"bench/cost":                     "measures processes",
	"bench/growth":                   "a program of its own",
	"bench/corpus":                   "a program of its own",
	"bench/mutants":                  "a program of its own",
	"bench/evidence":                 "a program of its own",
	"bench/profile":                  "a program of its own",
	"bench/ranges":                   "a program of its own",
	"bench/measure":                  "runs programs, and makes repositories",
	"bench/fleet":                    "a program of its own",
	"bench/newcomer":                 "plays the releases' server, for tests",
	"editors/vscode/pack":            "a program of its own",
	"bench/released":                 "a program of its own",
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// TestLayers holds the direction of imports: downward only.
func TestLayers(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if exceptions[name] != "" || name == strings.TrimSuffix(module, "/") {
			continue
		}
		from := layer(name)
		if from < 0 {
			t.Errorf("%s is in no layer: add it to the table and to docs/architecture.md", name)
			continue
		}
		for _, imp := range p.Imports {
			to, inModule := strings.CutPrefix(imp, module)
			if !inModule {
				continue
			}
			switch toLayer := layer(to); {
			case exceptions[to] != "":
				t.Errorf("%s imports %s, which is for programs and tests only", name, to)
			case toLayer > from:
				t.Errorf("%s imports %s: upward", name, to)
			case toLayer == from && room(name) != room(to) && index(name) < index(to) && !sideways[[2]string{room(name), room(to)}]:
				t.Errorf("%s imports %s: within a layer, only what stands before it in the table", name, to)
			}
		}
	}
}

// sideways are imports within a layer against the table's order.
var sideways = map[[2]string]bool{
	// The adapters make trees of git's.
	{"internal/adapter", "internal/gitrange"}: true,
}

// TestPure holds the core free of the outside world.
func TestPure(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if exceptions[name] != "" || !under(name, pure) || under(name, reading) {
			continue
		}
		for _, imp := range p.Imports {
			for _, bad := range impure {
				if imp == bad {
					t.Errorf("%s imports %s: the core is pure", name, imp)
				}
			}
		}
	}
}

// TestOwners holds each foreign library in its room.
func TestOwners(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range p.Imports {
			for lib, rooms := range owners {
				if strings.HasPrefix(imp, lib) && !under(name, rooms) && exceptions[name] == "" {
					t.Errorf("%s imports %s, which belongs to %v", name, imp, rooms)
				}
			}
		}
	}
}

// TestReadOnlyServer checks that the server for assistants cannot change a database: it imports no verb that does, at any depth, and
// it opens no session and starts no program itself.
func TestReadOnlyServer(t *testing.T) {
	t.Parallel()
	byName := map[string]pkg{}
	for _, p := range packages(t) {
		byName[strings.TrimPrefix(p.ImportPath, module)] = p
	}
	server, ok := byName["internal/mcp"]
	if !ok {
		t.Fatal("there is no internal/mcp")
	}
	for _, imp := range server.Imports {
		for _, bad := range []string{
			"os/exec", "net", "net/http", "github.com/jackc/", module + "internal/live", module + "internal/ledger", module + "internal/pgserver",
		} {
			if imp == bad || strings.HasSuffix(bad, "/") && strings.HasPrefix(imp, bad) {
				t.Errorf("internal/mcp imports %s", imp)
			}
		}
	}
	seen := map[string]bool{}
	var follow func(name string)
	follow = func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		if under(name, []string{"apply", "guard", "record", "preflight", "internal/fleet", "internal/first"}) {
			t.Errorf("internal/mcp reaches %s, which changes databases or files", name)
		}
		for _, imp := range byName[name].Imports {
			if to, inModule := strings.CutPrefix(imp, module); inModule {
				follow(to)
			}
		}
	}
	follow("internal/mcp")
	if !seen["plan"] || !seen["audit"] {
		t.Error("the imports were not followed")
	}
}

// TestWriters holds the writers of reports apart: what two of them need is in view.
func TestWriters(t *testing.T) {
	t.Parallel()
	writers := []string{"internal/report/terminal", "internal/report/markdown", "internal/report/html", "internal/report/machine"}
	seen := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !slices.Contains(writers, name) {
			continue
		}
		seen++
		for _, imp := range p.Imports {
			if slices.Contains(writers, strings.TrimPrefix(imp, module)) {
				t.Errorf("%s imports %s: what both need belongs to internal/report/view", name, imp)
			}
		}
	}
	if seen != len(writers) {
		t.Errorf("%d writers of %d are packages", seen, len(writers))
	}
}

// TestOneBinder checks that one place decides which names WITH makes visible.
func TestOneBinder(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("internal", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasPrefix(path, "internal/query/") {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("GetCtes()")) {
			t.Errorf("%s reads the queries of WITH: ask query.Bind, query.Scopes or query.Uses", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func layer(name string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, room(name)) })
}

// room is the entry of the table that a package belongs to.
func room(name string) string {
	best := ""
	for _, l := range layers {
		for _, r := range l {
			if (name == r || strings.HasPrefix(name, r+"/")) && len(r) > len(best) {
				best = r
			}
		}
	}
	return best
}

func index(name string) int {
	n := 0
	for _, l := range layers {
		for _, r := range l {
			n++
			if r == room(name) {
				return n
			}
		}
	}
	return 0
}

func under(name string, rooms []string) bool {
	for _, r := range rooms {
		if name == r || strings.HasPrefix(name, r+"/") {
			return true
		}
	}
	return false
}
