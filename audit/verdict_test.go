package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/onward"
)

// The verdict says whose code breaks.
func TestVerdictSaysWhoseCode(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"column-drop":                  "deployed code breaks at 1.sql:2",
		"release-column-left-required": "new code breaks at 1.sql:2",
	} {
		r := &onward.Report{Findings: []onward.Finding{{Rule: rule, Category: onward.Compatibility, Severity: onward.Error, Path: "1.sql", Line: 2}}}
		Conclude(r)
		if !strings.Contains(r.Summary.Verdict, ": "+want+".") {
			t.Errorf("%s: the verdict is %q, want %q in it", rule, r.Summary.Verdict, want)
		}
	}
}

// The verdict names no finding that the server does not get to, and counts it.
func TestVerdictNamesWhatIsReached(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{
		Dir: repository(t, "-- db/migrations/001_a.sql --\nCREATE TABLE t (id bigint PRIMARY KEY, a text, b text);\n-- db/migrations/002_a.sql --\nSELECT 1;\n"+
			"-- app.py --\ncur.execute(\"SELECT id, b FROM t\")\n",
			"-- db/migrations/003_b.sql --\nSET lock_timeout = '1s';\nALTER TABLE t ADD COLUMN a text;\nALTER TABLE t DROP COLUMN b;\n"),
		Base: "main",
	})
	if want := "This release is not safe to deploy: the migration fails at 003_b.sql:2."; r.Summary.Verdict != want || r.Summary.Errors != 2 {
		t.Errorf("%d errors: %s", r.Summary.Errors, r.Summary.Verdict)
	}
}

// Nobody waits for a statement that the server refuses.
func TestVerdictSaysThatTheMigrationFails(t *testing.T) {
	t.Parallel()
	stopping := 0
	for _, rule := range rules.All() {
		if !rule.Stops {
			continue
		}
		stopping++
		r := &onward.Report{Findings: []onward.Finding{{Rule: rule.ID, Category: onward.Locking, Severity: onward.Error, Path: "1.sql", Line: 2}}}
		Conclude(r)
		if !strings.HasSuffix(r.Summary.Verdict, ": the migration fails at 1.sql:2.") {
			t.Errorf("%s: the verdict is %q, want a migration that fails at 1.sql:2", rule.ID, r.Summary.Verdict)
		}
	}
	if stopping == 0 {
		t.Error("no rule stops a migration")
	}
}

// A warning that deployed code may break, or data may be lost, is a condition of the verdict. Others are not, nor is harm that comes with a later act.
func TestVerdictDependsOnWarnings(t *testing.T) {
	t.Parallel()
	const base = "-- db/migrations/001_a.sql --\nCREATE TABLE users (id bigint PRIMARY KEY, email text, name text, nick text);\n" +
		"-- app.py --\ncur.execute(\"INSERT INTO users (id, email, name) VALUES (%s, %s, %s)\")\nshown = [\"nick\"]\n"
	const timeout = "-- db/migrations/002_b.sql --\nSET lock_timeout = '1s';\n"
	for name, c := range map[string]struct {
		sql, rule string
		want      []string
	}{
		"one": {
			timeout + "ALTER TABLE users ADD CONSTRAINT at CHECK (email LIKE '%@%') NOT VALID;\n", "constraint-binds-old-writers",
			[]string{"the warning at 002_b.sql:2 does not come true"},
		},
		"two, one place": {
			timeout + "ALTER TABLE users ADD CONSTRAINT at CHECK (email LIKE '%@%') NOT VALID,\n  ADD CONSTRAINT long CHECK (length(name) > 1) NOT VALID;\n",
			"constraint-binds-old-writers", []string{"the warnings at 002_b.sql:2 do not come true"},
		},
		"two places": {
			timeout + "ALTER TABLE users ADD CONSTRAINT at CHECK (email LIKE '%@%') NOT VALID;\n" +
				"ALTER TABLE users ADD CONSTRAINT long CHECK (length(name) > 1) NOT VALID;\n",
			"constraint-binds-old-writers", []string{"the warnings at 002_b.sql:2 and 002_b.sql:3 do not come true"},
		},
		"three places": {
			timeout + "ALTER TABLE users ADD CONSTRAINT at CHECK (email LIKE '%@%') NOT VALID;\n" +
				"ALTER TABLE users ADD CONSTRAINT long CHECK (length(name) > 1) NOT VALID;\nALTER TABLE users ADD CONSTRAINT short CHECK (length(name) < 40) NOT VALID;\n",
			"constraint-binds-old-writers", []string{"the warnings at 002_b.sql:2 and 2 other places do not come true"},
		},
		"its own condition":      {timeout + "ALTER TABLE users DROP COLUMN nick;\n", "column-drop", []string{"no deployed code uses users.nick"}},
		"a lock without a limit": {"-- db/migrations/002_b.sql --\nALTER TABLE users ADD COLUMN note text;\n", "transaction-lock-timeout-missing", nil},
		"a dump": {
			timeout + "CREATE TABLE words (word text PRIMARY KEY);\n" +
				"CREATE FUNCTION known(text) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM words WHERE word = $1)';\n" +
				"CREATE TABLE notes (id bigint PRIMARY KEY, word text CHECK (known(word)));\n", "function-check-path", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, base, c.sql), Base: "main"})
			state := onward.StateSafe
			if c.want != nil {
				state = onward.StateSafeIf
			}
			warned := slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return f.Rule == c.rule && f.Severity == onward.Warning })
			if !warned || r.Summary.State != state || !slices.Equal(r.Summary.Conditions, c.want) {
				t.Errorf("a warning of %s: %v; the release is %s under %q, want %s under %q: %s",
					c.rule, warned, r.Summary.State, r.Summary.Conditions, state, c.want, found(r))
			}
		})
	}
}

// Queries that a verification warns about are a condition, too: each once, and not those that may be deployed after the release.
func TestVerdictDependsOnQueries(t *testing.T) {
	t.Parallel()
	oldQuery := func(id string, severity onward.Severity) onward.Verdict {
		return onward.Verdict{ID: id, Code: onward.OldCode, Kind: onward.VerdictResultShape, Severity: severity}
	}
	newQuery := onward.Verdict{ID: "d", Code: onward.NewCode, Kind: onward.VerdictFails, Severity: onward.Warning,
		Until: &onward.VerdictPlace{Path: "1.sql", Line: 2}}
	for want, verdicts := range map[string][]onward.Verdict{
		"Safe to deploy.": {oldQuery("a", onward.Info), newQuery},
		"Safe to deploy if the warning about 1 query does not come true.":  {oldQuery("a", onward.Warning), oldQuery("a", onward.Warning), newQuery},
		"Safe to deploy if the warnings about 2 queries do not come true.": {oldQuery("a", onward.Warning), oldQuery("b", onward.Warning)},
	} {
		r := &onward.Report{Verdicts: verdicts, Summary: onward.Summary{Migrations: 1}}
		Conclude(r)
		if r.Summary.Verdict != want || r.Summary.Safe != (len(r.Summary.Conditions) == 0) {
			t.Errorf("safe: %v, %q; want %q", r.Summary.Safe, r.Summary.Verdict, want)
		}
	}
}
