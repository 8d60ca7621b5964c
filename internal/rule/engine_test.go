package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

var versions = []int{13, 14, 15, 16, 17, 18}

func build(t *testing.T, sql string, mode onward.Transaction) *script.Script {
	t.Helper()
	s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run returns the findings in one migration after a deployed one.
func run(t *testing.T, c Config, before, sql string, mode onward.Transaction) []onward.Finding {
	t.Helper()
	e, _ := judged(t, c, before, sql, mode)
	findings, _ := e.Finish()
	return findings
}

// judged judges one migration after a deployed one.
func judged(t *testing.T, c Config, before, sql string, mode onward.Transaction) (*Engine, *Migration) {
	t.Helper()
	if c.Versions == nil {
		c.Versions = versions
	}
	e := NewEngine(c, nil)
	e.FoldDeployed(build(t, before, onward.TransactionNone))
	m := &Migration{ID: "m", Path: "m.sql", Mode: mode, Script: build(t, sql, mode)}
	e.JudgeMigration(m)
	return e, m
}

// sayer returns a rule that reports the text that a function returns for a statement.
func sayer(id string, say func(*Pass, *Stmt) string) *Rule {
	return &Rule{
		ID: id, Category: onward.Locking, Severity: onward.Error, Summary: "s", Harm: "h", Instead: "i",
		Statement: func(p *Pass, s *Stmt) {
			if text := say(p, s); text != "" {
				p.Report(s, Report{Fact: text, Harm: "h", Instead: "i"})
			}
		},
	}
}

func facts(findings []onward.Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%d %s", f.Line, f.Fact))
	}
	return out
}

func TestDeltaIsTracedToItsStatement(t *testing.T) {
	t.Parallel()
	sql := "ALTER TABLE t ADD COLUMN c int NOT NULL DEFAULT 0;\nALTER TABLE t ALTER COLUMN c DROP DEFAULT;\nALTER TABLE t ADD COLUMN d int;"
	_, m := judged(t, Config{}, "CREATE TABLE t (id int)", sql, onward.TransactionFile)
	if len(m.Txs) != 1 {
		t.Fatalf("%d transactions", len(m.Txs))
	}
	var got []string
	for _, d := range m.Txs[0].Deltas {
		required := d.New != nil && d.New.IsRequired()
		got = append(got, fmt.Sprintf("kind %d line %d required %v", d.Kind, d.By.Line, required))
	}
	want := []string{
		fmt.Sprintf("kind %d line 1 required true", catalog.ColumnAdded),
		fmt.Sprintf("kind %d line 3 required false", catalog.ColumnAdded),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Objects created by a statement that cannot be parsed must not be reported as missing.
func TestUnparsedHides(t *testing.T) {
	t.Parallel()
	rule := sayer("r", func(_ *Pass, s *Stmt) string {
		if p := s.Before.CheckNames(s.Node, false); p != nil {
			return p.Message()
		}
		return s.Before.LastUnseen()
	})
	update := "UPDATE t SET made = now() WHERE id = 1;"
	for sql, want := range map[string][]string{
		update: {`1 column "made" of relation "t" does not exist`},
		"ALTER TABLE t ADD COLUMN made timestamptz NOT NULL SET DEFAULT now();\n" + update: {"2 a statement that could not be parsed"},
	} {
		findings := run(t, Config{Rules: []*Rule{rule}}, "CREATE TABLE t (id int)", sql, onward.TransactionFile)
		if diff := cmp.Diff(want, facts(findings)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestRollbackChangesNothing(t *testing.T) {
	t.Parallel()
	_, m := judged(t, Config{}, "CREATE TABLE t (id int)", "BEGIN; DROP TABLE t; ROLLBACK; ALTER TABLE t ADD c int", onward.TransactionNone)
	last := m.Statements[len(m.Statements)-1]
	if len(m.Txs[0].Deltas) != 0 || last.Before.Lookup("", "t") == nil {
		t.Error("a rolled back DROP is not there")
	}
}

// ROLLBACK TO undoes everything after the newest savepoint of the name, and keeps the
// savepoint.
func TestRollbackToSavepoint(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SAVEPOINT s; DROP TABLE t; ROLLBACK TO s":                                               "",
		"SAVEPOINT s; DROP TABLE t; ROLLBACK TO s; DROP TABLE t":                                 "table dropped",
		"ALTER TABLE t ADD c int; SAVEPOINT s; DROP TABLE t; ROLLBACK TO SAVEPOINT s":            "column added",
		"SAVEPOINT a; ALTER TABLE t ADD c int; SAVEPOINT b; DROP TABLE t; ROLLBACK TO a":         "",
		"SAVEPOINT s; ALTER TABLE t ADD c int; SAVEPOINT s; DROP TABLE t; ROLLBACK TO s":         "column added",
		"SAVEPOINT s; ALTER TABLE t ADD c int; RELEASE s; SELECT 1":                              "column added",
		"SAVEPOINT s; DROP TABLE t; ROLLBACK TO s; DROP TABLE t; ROLLBACK TO s; SELECT 1":        "",
		"SAVEPOINT s; ALTER TABLE t ADD c int; COMMIT; BEGIN; SAVEPOINT x; DROP TABLE t; COMMIT": "column added, table dropped",
	} {
		_, m := judged(t, Config{}, "CREATE TABLE t (id int)", "BEGIN; "+sql+"; COMMIT", onward.TransactionNone)
		names := map[catalog.DeltaKind]string{catalog.ColumnAdded: "column added", catalog.RelationDropped: "table dropped"}
		var got []string
		for _, tx := range m.Txs {
			for _, d := range tx.Deltas {
				got = append(got, names[d.Kind])
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

func TestHeldLocks(t *testing.T) {
	t.Parallel()
	sql := "ALTER TABLE t ADD c int;\nCREATE TABLE new (id int);\nUPDATE t SET c = 1;\nCOMMIT;\nUPDATE t SET c = 2;"
	_, m := judged(t, Config{}, "CREATE TABLE t (id int)", sql, onward.TransactionFile)
	var got []string
	for _, s := range m.Statements {
		var heldLocks []string
		for h := range s.Held.All() {
			heldLocks = append(heldLocks, fmt.Sprintf("%s %s :%d", h.Name, h.Lock, h.By.Line))
		}
		got = append(got, fmt.Sprintf("%d: %s", s.Line, strings.Join(heldLocks, ", ")))
	}
	want := []string{"1: ", "2: t AccessExclusiveLock :1", "3: t AccessExclusiveLock :1", "4: t AccessExclusiveLock :1", "5: "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql  string
		mode onward.Transaction
		want string // lock_timeout in force at each statement
	}{
		{"SET lock_timeout = '2s'; SELECT 1; RESET lock_timeout; SELECT 1", onward.TransactionNone, "0 2000 2000 0"},
		{"SET LOCAL lock_timeout = '2s'; SELECT 1", onward.TransactionNone, "0 0"},
		{"SET LOCAL lock_timeout = 500; SELECT 1; COMMIT; SELECT 1", onward.TransactionFile, "0 500 500 0"},
		{"SELECT set_config('lock_timeout', '1min', false); SELECT 1", onward.TransactionNone, "0 60000"},
		{"SET lock_timeout TO '1 s'; DISCARD ALL; SELECT 1", onward.TransactionNone, "0 1000 0"},
	} {
		_, m := judged(t, Config{}, "", c.sql, c.mode)
		var got []string
		for _, s := range m.Statements {
			got = append(got, fmt.Sprint(s.Settings.LockTimeout))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", c.sql, strings.Join(got, " "), c.want)
		}
	}
}

func TestNewIsAFactOfTheRelease(t *testing.T) {
	t.Parallel()
	r := sayer("x-new", func(p *Pass, s *Stmt) string {
		for i := range s.Result.Effects {
			if e := &s.Result.Effects[i]; p.IsExisting(e) && e.Lock == onward.AccessExclusiveLock {
				return e.Name.String()
			}
		}
		return ""
	})
	sql := "CREATE TABLE fresh (id int);\nALTER TABLE fresh ADD c int;\nALTER TABLE old ADD c int;\nALTER TABLE unseen ADD c int;\nALTER TABLE unseen ADD d int;"
	findings := run(t, Config{Rules: []*Rule{r}}, "CREATE TABLE old (id int)", sql, onward.TransactionFile)
	if diff := cmp.Diff([]string{"3 old", "4 unseen", "5 unseen"}, facts(findings)); diff != "" {
		t.Error(diff)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	always := sayer("x-always", func(*Pass, *Stmt) string { return "always" })
	old := sayer("x-old", func(*Pass, *Stmt) string { return "old" })
	old.Until = 14
	asks := sayer("x-asks", func(p *Pass, _ *Stmt) string {
		if p.AtLeast(17) {
			return ""
		}
		return "before 17"
	})
	findings := run(t, Config{Rules: []*Rule{always, old, asks}}, "", "SELECT 1", onward.TransactionNone)
	got := map[string][]int{}
	for _, f := range findings {
		if _, seen := got[f.Fact]; seen {
			t.Errorf("%q twice", f.Fact)
		}
		got[f.Fact] = f.Postgres
	}
	want := map[string][]int{"always": nil, "old": {13, 14}, "before 17": {13, 14, 15, 16}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSuppression(t *testing.T) {
	t.Parallel()
	one := sayer("x-one", func(*Pass, *Stmt) string { return "one" })
	two := sayer("x-two", func(*Pass, *Stmt) string { return "two" })
	rules := []*Rule{one, two}
	for _, c := range []struct {
		name, sql string
		want      []string
	}{
		{"line above", "-- onward:ignore x-one: why\nSELECT 1;", []string{"x-two"}},
		{"same line", "SELECT 1; -- onward:ignore x-one: why", []string{"x-two"}},
		{"both", "-- onward:ignore x-one, x-two: why\nSELECT 1;", nil},
		{"the file", "SELECT 1;\n-- onward:ignore-file x-one: why\n", []string{"x-two"}},
		{"not the next but one", "-- onward:ignore x-one: why\nSELECT 1;\nSELECT 2;", []string{"x-two", "x-one", "x-two"}},
		{"without reason", "-- onward:ignore x-one\nSELECT 1;", []string{SuppressionNoReason, "x-one", "x-two"}},
		{"a typo does not widen", "-- onward:ignore x-onne: why\nSELECT 1;", []string{SuppressionMalformed, "x-one", "x-two"}},
		{"no rule", "-- onward:ignore: why\nSELECT 1;", []string{SuppressionMalformed, "x-one", "x-two"}},
		{"a dash", "-- onward-ignore x-one: why\nSELECT 1;", []string{SuppressionMalformed, "x-one", "x-two"}},
		{"another linter's, where something is found", "-- squawk-ignore ban-one\nSELECT 1;", []string{SuppressionMalformed, "x-one", "x-two"}},
		{"another linter's, where nothing is found", "SELECT 1;\n-- squawk-ignore ban-one\n", []string{"x-one", "x-two"}},
		{"inside a statement", "SELECT\n1 -- onward:ignore x-one: why\n;", []string{"x-two"}},
		{"a DO block", "-- onward:ignore x-one: why\nDO $$ BEGIN\n  PERFORM 1;\nEND $$;", []string{"x-two", "x-two"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			findings := run(t, Config{Rules: rules}, "", c.sql, onward.TransactionNone)
			var got []string
			for _, f := range findings {
				got = append(got, f.Rule)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUnusedSuppression(t *testing.T) {
	t.Parallel()
	never := sayer("x-never", func(*Pass, *Stmt) string { return "" })
	findings := run(t, Config{Rules: []*Rule{never}}, "", "-- onward:ignore x-never: why\nSELECT 1;", onward.TransactionNone)
	if len(findings) != 1 || findings[0].Rule != SuppressionUnused || findings[0].Line != 1 {
		t.Errorf("an unused suppression gives %+v, want one finding of %s on line 1", findings, SuppressionUnused)
	}
	// Suppressions of a rule that is switched off are not judged.
	findings = run(t, Config{Rules: []*Rule{never}, Severity: map[string]onward.Severity{"x-never": onward.Off}, KnownRules: map[string]bool{"x-never": true}},
		"", "-- onward:ignore x-never: why\nSELECT 1;", onward.TransactionNone)
	if len(findings) != 0 {
		t.Errorf("an unused suppression of a disabled rule gives %+v, want no findings", findings)
	}
}

func TestSeverityAndBaseline(t *testing.T) {
	t.Parallel()
	r := sayer("x-one", func(*Pass, *Stmt) string { return "one" })
	findings := run(t, Config{Rules: []*Rule{r}, Severity: map[string]onward.Severity{"x-one": onward.Info}}, "", "SELECT 1", onward.TransactionNone)
	if len(findings) != 1 || findings[0].Severity != onward.Info {
		t.Fatalf("x-one with severity info gives %+v, want one finding of that severity", findings)
	}
	// The fingerprint survives lines added above.
	moved := run(t, Config{Rules: []*Rule{r}, Baseline: map[string]bool{findings[0].Fingerprint: true}}, "", "\n\nSELECT  1", onward.TransactionNone)
	if len(moved) != 0 {
		t.Errorf("a finding of the baseline is reported again after it moved two lines: %+v", moved)
	}
}

func TestEffectGroups(t *testing.T) {
	t.Parallel()
	_, m := judged(t, Config{}, "CREATE TABLE t (id int)", "ALTER TABLE t ADD c int", onward.TransactionNone)
	if n := len(m.Statements[0].Results); n != 1 {
		t.Errorf("ADD COLUMN is the same everywhere, but has %d groups", n)
	}
	var all []int
	for _, g := range m.Statements[0].Results {
		all = append(all, g.Versions...)
	}
	if diff := cmp.Diff(versions, all); diff != "" {
		t.Error(diff)
	}
}

func TestOneCauseIsOneFinding(t *testing.T) {
	t.Parallel()
	r := &Rule{
		ID: "x-cause", Category: onward.Locking, Severity: onward.Warning, Summary: "s", Harm: "h", Instead: "i",
		Statement: func(p *Pass, s *Stmt) {
			p.Report(s, Report{Fact: "bad", Harm: "h", Instead: "i", Cause: "and so are %d others", Fix: []onward.Edit{{New: "x"}}})
		},
	}
	rules := []*Rule{r, sayer("x-each", func(*Pass, *Stmt) string { return "each" })}
	causeFindings := func(sql string, c Config) (out []onward.Finding) {
		findings := run(t, c, "", sql, onward.TransactionNone)
		for _, f := range findings {
			if f.Rule == "x-cause" {
				out = append(out, f)
			}
		}
		if len(findings)-len(out) == 0 {
			t.Error("the findings of the other rule are gone")
		}
		return out
	}
	three := causeFindings("SELECT 1;\nSELECT 2;\nSELECT 3;", Config{Rules: rules})
	if len(three) != 3 || three[0].Fact != "bad" || three[0].Also != nil || len(three[0].Fix) == 0 {
		t.Errorf("three are said one by one: %+v", three)
	}
	five := "SELECT 1;\nSELECT 2;\nSELECT 3;\nSELECT 4;\nSELECT 5;"
	all := causeFindings(five, Config{Rules: rules})
	if len(all) != 1 || all[0].Fact != "bad, and so are 4 others" || len(all[0].Also) != 4 || all[0].Also[3].Line != 5 {
		t.Fatalf("five findings of one cause give %+v, want one with 4 others, the last on line 5", all)
	}
	// Findings that are suppressed one by one are not counted.
	left := causeFindings("SELECT 0; -- onward:ignore x-cause: why\n"+five, Config{Rules: rules, Baseline: map[string]bool{all[0].Fingerprint: true}})
	if len(left) != 1 || left[0].Fact != "bad, and so are 3 others" || left[0].Line != 3 {
		t.Errorf("with one suppressed and one in the baseline: %+v, want one finding on line 3 with 3 others", left)
	}
}

func TestFindingsAfterAStopCountLater(t *testing.T) {
	t.Parallel()
	end := &Rule{
		ID: "x-end", Category: onward.ReleaseOrder, Severity: onward.Error, Summary: "s", Harm: "h", Instead: "i",
		Statement: func(p *Pass, s *Stmt) {
			if s.Line == 2 {
				p.Report(s, Report{Fact: "ends", Harm: "h", Instead: "i", Stops: true})
			}
		},
	}
	rules := []*Rule{end, sayer("x-each", func(*Pass, *Stmt) string { return "each" })}
	findings := run(t, Config{Rules: rules}, "", "SELECT 1;\nSELECT 2;\nSELECT 3;", onward.TransactionNone)
	if diff := cmp.Diff([]string{"1 each", "2 ends", "2 each", "3 each"}, facts(findings)); diff != "" {
		t.Error(diff)
	}
	if last := findings[len(findings)-1]; !slices.Equal(last.After, []int{2}) || last.Harm != "h; this counts once :2 is fixed" {
		t.Errorf("the last finding is %+v, want one that counts once line 2 is fixed", last)
	}
	findings = run(t, Config{Rules: rules}, "", "SELECT 1;\nSELECT 2; -- onward:ignore x-end: it does not\nSELECT 3;", onward.TransactionNone)
	if diff := cmp.Diff([]string{"1 each", "2 each", "3 each"}, facts(findings)); diff != "" {
		t.Error(diff)
	}
}
