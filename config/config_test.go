package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/onward"
)

var known = config.Known{
	Rules:      []string{"index-create-blocking", "column-drop", "query-for-each-row"},
	Frameworks: []string{"alembic", "django", "golang-migrate", "goose", "sql", "sqlx"},
}

func TestDecode(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Decode(data, "onward.yaml", known)
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Path:     "onward.yaml",
		Postgres: []int{14, 15, 16, 17},
		Base:     "origin/main",
		Migrations: []config.Migrations{
			{Dir: "db/migrations", Framework: "goose", Transaction: onward.TransactionFile, LockTimeout: 5000, StatementTimeout: 120_000, Line: 5},
			{
				Dir:         "shop",
				Framework:   "django",
				Python:      ".venv/bin/python",
				Settings:    "shop.settings",
				Environment: []string{"DEBUG=0", "SECRET_KEY=none"},
				Static:      true, AcceptUnreadable: true,
				Line: 10,
			},
			{Dir: "billing/versions", Framework: "alembic", Render: "alembic upgrade {from}:{to} --sql", RenderTimeout: 10_000, Line: 17},
			{
				Dir: "jobs/migrations", Capture: "npx knex migrate:latest", CaptureBase: "db/structure.sql", Line: 21,
				Sandbox: config.Sandbox{Network: true, Read: []string{"~/.config/tool"}, Write: []string{"/var/cache/tool"}},
			},
			{
				Dir: "sql", Framework: "sql", Transaction: onward.TransactionFile, Line: 28,
				Runner: &config.Runner{
					Name: "bin/migrate", Files: []string{"delta/**/*.sql", "delta/**/*.sql.postgres"}, Down: []string{"down/*.sql"},
					Programs: []string{"delta/**/*.py"}, Order: config.OrderName, UpMarker: "-- +up", DownMarker: "-- +down",
					NoTransactionMarker: "-- no transaction", NoTransactionMode: onward.TransactionNone, PSQL: true,
					Replace: map[string]string{"{{ .Schema }}": "app", "${N}": "4", "/* T */": ""},
					Table:   "ops.migrations (name text PRIMARY KEY)", Together: true, Transaction: onward.TransactionFile,
				},
			},
			{
				Dir: "legacy", Framework: "sql", Line: 43,
				Runner: &config.Runner{List: "order.txt", NoTransactionMarker: "-- alone", Transaction: onward.TransactionFile},
			},
		},
		Rules:        map[string]onward.Severity{"index-create-blocking": onward.Warning, "column-drop": onward.Off},
		Presets:      []onward.Preset{onward.Recommended, onward.Strict},
		FailOn:       config.FailOnWarning,
		SmallTables:  []string{"countries", "billing.rates"},
		SmallBelow:   10_000_000,
		Throughput:   onward.Throughput{Read: 500e6, Write: 200e6, Rows: 2200},
		Assume:       config.Assume{TimeZone: "UTC", LockTimeout: 2000},
		Baseline:     "onward.baseline.json",
		AcceptOpaque: config.Accept{Patterns: []string{"legacy/**"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBounds holds that a file cannot take long to read.
func TestBounds(t *testing.T) {
	t.Parallel()
	keys := strings.Builder{}
	for i := range 60_000 {
		fmt.Fprintf(&keys, "k%d: 1\n", i)
	}
	for name, text := range map[string]string{
		"nested": "base: " + strings.Repeat("[", 200_000), "braces": "rules: " + strings.Repeat("{a: ", 200_000),
		"dashes":  "postgres:\n" + strings.Repeat("- ", 5000),
		"aliases": "base: &a [" + strings.Repeat("x, ", 1000) + "]\nrules: [" + strings.Repeat("*a, ", 1000) + "]",
		"keys":    keys.String(), "large": strings.Repeat("# x\n", 1<<20),
		"UTF-16": "\xff\xfeb\x00",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wrong *config.Error
			start := time.Now()
			if _, err := config.Decode([]byte(text), "onward.yaml", known); !errors.As(err, &wrong) || len(err.Error()) > 6000 {
				t.Errorf("Decode = %.400v, want a *config.Error of at most 6000 bytes", err)
			}
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

// TestHarmfulQuery: a query of preflight: that reaches beyond its session is an error at its line.
func TestHarmfulQuery(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"disk", "backup"} {
		_, err := config.Decode([]byte("preflight:\n  "+key+": SELECT pg_terminate_backend(pid) FROM pg_stat_activity\n"), "onward.yaml", known)
		var wrong *config.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), "it calls pg_terminate_backend") || !strings.Contains(err.Error(), "onward.yaml:2") {
			t.Errorf("Decode of a harmful %s query = %v, want an error with the function and line 2", key, err)
		}
	}
}

// TestPipe: what nobody named may be anything, and is not waited for.
func TestPipe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := exec.Command("mkfifo", filepath.Join(dir, config.Name)).Run(); err != nil {
		component.Need(t, component.System, err)
	}
	if _, err := config.Load(dir, known); err == nil || !strings.Contains(err.Error(), "it is not a file") {
		t.Error(err)
	}
}

// TestDocumentation holds that the example of docs/configuration.md is right
// and names every key.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("no example")
	}
	c, err := config.Decode([]byte(text), "docs/configuration.md", known)
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(*c)
	for i := range v.NumField() {
		if key := v.Type().Field(i).Tag.Get("yaml"); key != "-" && v.Field(i).IsZero() {
			t.Errorf("%s is not in the example", key)
		}
	}
}

// TestDecodeNothing holds that a file may be empty, or all comments.
func TestDecodeNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n", "# nothing\n", "\ufeff", "---\n", "rules:\n  # column-drop: off\n", "postgres:\n"} {
		c, err := config.Decode([]byte(text), "onward.yaml", known)
		if err != nil {
			t.Errorf("Decode(%q): %v", text, err)
			continue
		}
		if diff := cmp.Diff(&config.Config{Path: "onward.yaml"}, c); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/errors.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(strings.TrimSpace(string(data)), "\n\n")[1:]
	if len(cases) < 15 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		text, want, ok := strings.Cut(c, "\n----\n")
		if !ok {
			t.Fatalf("no ---- in:\n%s", c)
		}
		_, err := config.Decode([]byte(text+"\n"), "onward.yaml", known)
		if err == nil {
			t.Errorf("no error in:\n%s", text)
			continue
		}
		var configError *config.Error
		if !errors.As(err, &configError) {
			t.Errorf("%T is no config.Error", err)
		}
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", text, diff)
		}
	}
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"legacy/**", "legacy/a/b.sql", true},
		{"legacy/**", "legacyb/a.sql", false},
		{"legacy/", "legacy/a/b.sql", true},
		{"legacy/", "legacyb/a.sql", false},
		{"**/old.sql", "old.sql", true},
		{"**/old.sql", "a/b/old.sql", true},
		{"**/a/**/z.sql", "x/a/a/y/z.sql", true},
		{"a/*.sql", "a/b/c.sql", false},
		{"./a/*.sql", "a/c.sql", true},
		{"a.sql", "b/a.sql", false},
		{"", "a.sql", false},
	} {
		if got := (config.Accept{Patterns: []string{c.pattern}}).Match(c.path); got != c.want {
			t.Errorf("%s on %s: %t", c.pattern, c.path, got)
		}
	}
	if (config.Accept{}).Match("a") || !(config.Accept{All: true}).Match("a") {
		t.Error("All decides when there are no patterns")
	}
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	for threshold, want := range map[config.Threshold]string{
		"":        "error",
		"error":   "error",
		"warning": "warning error",
		"info":    "info warning error",
		"never":   "",
	} {
		var got []string
		for _, s := range []onward.Severity{onward.Off, onward.Info, onward.Warning, onward.Error} {
			if threshold.Reached(s) {
				got = append(got, s.String())
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is reached by %v, want %s", threshold, got, want)
		}
	}
}

func TestBaseline(t *testing.T) {
	t.Parallel()
	b := config.NewBaseline([]onward.Finding{
		{Rule: "column-drop", Path: "b.sql", Fact: "dropped <b>", Fingerprint: "bb"},
		{Rule: "index-create-blocking", Path: "a.sql", Fact: "blocks", Fingerprint: "aa"},
	})
	var out bytes.Buffer
	if err := b.Write(&out); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "onward.baseline.json")
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	reread, err := config.ReadBaseline(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, reread); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"aa": true, "bb": true}, reread.Fingerprints()); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]string{
		`{"schema":"onward.report/1"}`:                         "this version reads onward.baseline/1",
		`{"schema":"onward.baseline/2","findings":{}}`:         `the schema is "onward.baseline/2"`,
		`{"schema":"onward.baseline/1","finding":{}}`:          "unknown field",
		`{"schema":"onward.report/1","findings":{"a":{"b":1}}`: "no baseline",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := config.ReadBaseline(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	endless := filepath.Join(t.TempDir(), "link") // a branch can commit it
	if err := os.Symlink("/dev/zero", endless); err != nil {
		t.Fatal(err)
	}
	if _, err := config.ReadBaseline(endless); err == nil || !strings.Contains(err.Error(), "larger than 64 MB") {
		t.Errorf("a link to a device: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"testdata/full.yaml", "testdata/errors.txt"} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Decode(data, "onward.yaml", known)
		if (c == nil) == (err == nil) {
			t.Errorf("%v and %v", c, err)
		}
	})
}

// TestManyUnknownNames: names are compared for the errors that are printed only. The comparison makes a table for each name.
func TestManyUnknownNames(t *testing.T) {
	rules := func(n int) []byte {
		var b strings.Builder
		b.WriteString("rules:\n")
		for i := range n {
			fmt.Fprintf(&b, "  column-drip-%d: off\n", i)
		}
		return []byte(b.String())
	}
	count := func(n int) float64 {
		data := rules(n)
		return testing.AllocsPerRun(1, func() { _, _ = config.Decode(data, "onward.yaml", known) })
	}
	if more := (count(2000) - count(1000)) / 1000; more > 100 {
		t.Errorf("each unknown name takes %.0f allocations", more)
	}
}
