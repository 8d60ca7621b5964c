package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// Each key of the file has a comparison, and so has each key of a directory's entry.
func TestWeakenedKeys(t *testing.T) {
	t.Parallel()
	listKeys := func(settings any) (out []string) {
		for i := range reflect.TypeOf(settings).NumField() {
			if name := reflect.TypeOf(settings).Field(i).Tag.Get("yaml"); name != "-" && name != "dir" {
				out = append(out, name)
			}
		}
		return out
	}
	var keys, fields []string
	for _, k := range settingKeys {
		keys = append(keys, k.name)
	}
	for _, f := range migrationFields {
		fields = append(fields, f.name)
	}
	if want := listKeys(Config{}); !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
	if want := listKeys(Migrations{}); !slices.Equal(fields, want) {
		t.Errorf("keys of a directory %q, want %q", fields, want)
	}
}

// Each key, weakened and strengthened: only the former is listed.
func TestListWeakened(t *testing.T) {
	t.Parallel()
	known := Known{Rules: []string{"column-drop", "index-create-blocking"}, Frameworks: []string{"sql", "goose"}}
	decode := func(text string) *Config {
		c, err := DecodeIn([]byte(text), "onward.yaml", known)
		if err != nil {
			t.Fatalf("decode %q: %v", text, err)
		}
		return c
	}
	severity := func(string) onward.Severity { return onward.Error }
	cases := []struct{ base, head, want string }{
		{"", "rules: {column-drop: off}", "rules.column-drop: error → off"},
		{"", "rules: {column-drop: info}", "rules.column-drop: error → info"},
		{"rules: {column-drop: warning}", "rules: {column-drop: error}", ""},
		{"rules: {column-drop: off}", "", ""},
		{"rules: {column-drop: off}", "rules: {column-drop: off}", ""},
		{"", "fail_on: never", "fail_on: error → never"},
		{"fail_on: info", "fail_on: warning", "fail_on: info → warning"},
		{"fail_on: never", "fail_on: warning", ""},
		{"", "small_tables: [users]", "small_tables: users"},
		{"small_tables: [users, a]", "small_tables: [a]", ""},
		{"", "small_below: 1GB", "small_below: 5000000 → 1000000000"},
		{"small_below: 1GB", "", ""},
		{"", "presets: [design]", "presets: recommended → design"},
		{"", "presets: [recommended, design]", ""},
		{"", "postgres: 18", "postgres"},
		{"postgres: 18", "postgres: 17..18", ""},
		{"", "base: head", "base: head"},
		{"", "migrations: [{dir: db/x}]", "migrations: db/x"},
		{"migrations: [{dir: a}, {dir: b}]", "migrations: [{dir: a}]", "migrations: a b → a"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a}, {dir: b}]", ""},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, transaction: none}]", "migrations.a.transaction"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, lock_timeout: 2s}]", "migrations.a.lock_timeout"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, statement_timeout: 2s}]", "migrations.a.statement_timeout"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, accept_unreadable: true}]", "migrations.a.accept_unreadable"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, static: true}]", "migrations.a.static"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, framework: goose}]", "migrations.a.framework"},
		{"migrations: [{dir: a, framework: sql}]", "migrations: [{dir: a, runner: {files: ['*.sql']}}]", "migrations.a.runner"},
		{"migrations: [{dir: a, framework: sql}]", "migrations: [{dir: a, runner: {replace: {x: y}}}]", "migrations.a.runner"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, python: bin/python}]", "migrations.a.python"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, render: ./x}]", "migrations.a.render"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, capture: ./x}]", "migrations.a.capture"},
		{"migrations: [{dir: a, capture: ./x}]", "migrations: [{dir: a, capture: ./x, capture_base: x.sql}]", "migrations.a.capture_base"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, settings: shop.settings}]", "migrations.a.settings"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, environment: {A: b}}]", "migrations.a.environment"},
		{"migrations: [{dir: a, render: ./x, sandbox: require}]", "migrations: [{dir: a, render: ./x}]", "migrations.a.sandbox"},
		{"migrations: [{dir: a}]", "migrations: [{dir: a, render_timeout: 1s}]", "migrations.a.render_timeout"},
		{"", "throughput: {read: 1GB/s}", "throughput"},
		{"", "assume: {lock_timeout: 1s}", "assume"},
		{"", "baseline: b.json", "baseline: b.json"},
		{"workload: [a.json]", "", "workload: a.json → "},
		{"", "workload: [a.json]", ""},
		{"deprecated: {t.a: 'deprecated 2026-11-01, remove after 2027-02-01'}", "", "deprecated.t.a"},
		{"", "deprecation_notice_days: 3", "deprecation_notice_days: 30 → 3"},
		{"", "deprecation_notice_days: 60", ""},
		{"", "soft_delete: {users: gone_at}", "soft_delete"},
		{"", "preflight: {backup_days: 100}", "preflight"},
		{"redact: ['\\w+@\\w+']", "redact: [a, b]", "redact"},
		{"redact: [a]", "redact: [a, b]", ""},
		{"redact_columns: [users.email, '*.phone']", "redact_columns: users.email", "redact_columns"},
		{"redact_columns: users.email", "redact_columns: [users.email, '*.phone']", ""},
		{"", "accept_opaque: true", "accept_opaque: true"},
		{"", "accept_opaque: ['db/*']", "accept_opaque: db/*"},
		{"accept_opaque: true", "accept_opaque: ['db/*']", ""},
		{"hook: {disposable: [db/a, db/b]}", "hook: {disposable: [db/b, db/c]}", "hook: db/c"},
		{"", "accept_queries: {column-drop: [abc]}", "accept_queries.column-drop: abc"},
	}
	isCovered := func(key string) bool {
		return slices.ContainsFunc(cases, func(c struct{ base, head, want string }) bool {
			return strings.HasPrefix(c.want, key) && !strings.HasPrefix(c.want, key+"_")
		})
	}
	for _, k := range settingKeys {
		if !isCovered(k.name) {
			t.Errorf("no case weakens %s", k.name)
		}
	}
	for _, f := range migrationFields {
		if !isCovered("migrations.a." + f.name) {
			t.Errorf("no case weakens %s of a directory", f.name)
		}
	}
	for _, c := range cases {
		var got []string
		for _, w := range ListWeakened(decode(c.base), decode(c.head), severity) {
			got = append(got, w.String())
		}
		if text := strings.Join(got, "\n"); (text == "") != (c.want == "") || !strings.HasPrefix(text, c.want) || len(got) > 1 {
			t.Errorf("%s\nthen %s\n got %s\nwant %s", c.base, c.head, text, c.want)
		}
	}
}
