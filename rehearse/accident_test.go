package rehearse_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// accident is a release with a migration that stalls traffic, and its safe form,
// in the same rehearsal or in one of its own.
type accident struct {
	// forms are files of testdata/accidents. Migrations whose name has "unsafe"
	// in it are the accident, those with "safe" are not.
	forms []string
	rows  map[string]int64
	long  time.Duration
	major int
	// blamed is the beginning of the statement that causes the stall. relation
	// and kind describe the stall, "" for any kind. Of "read and write" one may
	// be missing, and of two relations too: the load is light, and a handful of
	// queries on one of them stop it.
	blamed, relation, kind string
	// deadlocks: either the migration or a query is the victim of one.
	deadlocks bool
	// least is how long the stall is at least; the safe form's worst is less
	// than a quarter of what the accident's was on the same machine.
	least time.Duration
}

// The rows are so many that the accident takes long compared with the moments
// for which a busy machine makes everything wait.
var accidents = map[string]accident{
	"index": {
		forms: []string{"index"}, rows: map[string]int64{"events": 5_000_000},
		blamed: "CREATE INDEX events_kind_unsafe", relation: "public.events", kind: "write", least: time.Second,
	},
	"queue": {
		forms: []string{"queue_unsafe", "queue_safe"}, rows: map[string]int64{"accounts": 1000}, long: 2500 * time.Millisecond,
		blamed: "ALTER TABLE accounts ADD COLUMN nick", relation: "public.accounts", kind: "read and write", least: 1500 * time.Millisecond,
	},
	"queue on 13": {
		forms: []string{"queue_unsafe", "queue_safe"}, rows: map[string]int64{"accounts": 1000}, long: 2500 * time.Millisecond, major: 13,
		blamed: "ALTER TABLE accounts ADD COLUMN nick", relation: "public.accounts", kind: "read and write", least: 1500 * time.Millisecond,
	},
	"rewrite": {
		forms: []string{"rewrite"}, rows: map[string]int64{"accounts": 1_000_000},
		blamed: "ALTER TABLE accounts ALTER COLUMN points", relation: "public.accounts", kind: "read and write", least: 300 * time.Millisecond,
	},
	"foreign key": {
		forms: []string{"foreign_key"}, rows: map[string]int64{"accounts": 300_000, "orders": 1_500_000},
		blamed: "ALTER TABLE orders ADD CONSTRAINT unsafe_fkey", relation: "public.orders public.accounts", kind: "write", least: 200 * time.Millisecond,
	},
	"backfill": {
		forms: []string{"backfill"}, rows: map[string]int64{"accounts": 400_000},
		blamed: "ALTER TABLE accounts ADD COLUMN nick_unsafe", relation: "public.accounts", kind: "read and write", least: 300 * time.Millisecond,
	},
	"deadlock": {
		forms: []string{"deadlock_unsafe", "deadlock_safe"}, rows: map[string]int64{"accounts": 1000, "orders": 200_000, "items": 1000},
		blamed: "ALTER TABLE orders ADD COLUMN total", relation: "public.orders", least: time.Second, deadlocks: true,
	},
}

func TestAccidents(t *testing.T) {
	t.Parallel()
	base, err := os.ReadFile("testdata/accidents/base.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range rotation.Pick(t, len(accidents), slices.Sorted(maps.Keys(accidents))) {
		t.Run(name, func(t *testing.T) { a := accidents[name]; a.run(t, string(base)) })
	}
}

// played is one form's part of a rehearsal.
type played struct {
	report *onward.Report
	*onward.Rehearsal
	safe bool
}

// statements are the indexes of the form's statements.
func (p played) statements() []int {
	var out []int
	for i, st := range p.Statements {
		if strings.Contains(p.report.Migrations[st.Migration].ID, "unsafe") != p.safe {
			out = append(out, i)
		}
	}
	return out
}

// worst is the longest stall of any of the form's statements.
func (p played) worst() float64 {
	longest := 0.0
	for _, i := range p.statements() {
		longest = max(longest, p.Statements[i].StallMS)
	}
	for _, s := range p.Traffic.Stalls {
		if s.Statement < 0 {
			longest = max(longest, s.UntilMS-s.FromMS)
		}
	}
	return longest
}

func (a accident) run(t *testing.T, base string) {
	var safe, unsafe *played
	for _, form := range a.forms {
		text, err := os.ReadFile(filepath.Join("testdata/accidents", form+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		files := txtar.Parse(text).Files
		c := rehearse.Config{
			Config: audit.Config{Dir: branch(t, base, files)}, Majors: []int{a.major}, Traffic: true, LongTransaction: a.long,
			Rows: fill.Plan{Rows: a.rows, Seed: 1},
		}
		if a.major == 0 {
			c.Majors = []int{17}
		}
		report, r := rehearsed(t, c)
		for name, rows := range a.rows {
			if !slices.ContainsFunc(r.Tables, func(x onward.RehearsedTable) bool { return x.Relation == "public."+name && x.Rows > rows*9/10 }) {
				t.Fatalf("no rows in %s: %+v, %q", name, r.Tables, r.Notes)
			}
		}
		if slices.ContainsFunc(files, func(f txtar.File) bool { return strings.Contains(f.Name, "unsafe") }) {
			unsafe = &played{report, r, false}
		}
		if slices.ContainsFunc(files, func(f txtar.File) bool { return !strings.Contains(f.Name, "unsafe") }) {
			safe = &played{report, r, true}
		}
	}
	t.Logf("worst stall of the accident %.0f ms, of its safe form %.0f ms", unsafe.worst(), safe.worst())
	t.Logf("the accident:\n%s", told(*unsafe))
	a.check(t, unsafe)
	if safe.worst() > unsafe.worst()/4 {
		t.Errorf("the safe form's worst stall is %.0f ms, the accident's %.0f ms:\n%s", safe.worst(), unsafe.worst(), told(*safe))
	}
	for _, f := range safe.report.Findings {
		if strings.HasPrefix(f.Rule, "rehearsal-") && !strings.Contains(f.Migration, "unsafe") {
			t.Errorf("the safe form: %s at %s: %s: %s", f.Rule, f.Migration, f.Fact, f.Harm)
		}
	}
	if ran := safe.statements(); len(ran) == 0 || safe.Statements[ran[len(ran)-1]].Failed != nil {
		t.Errorf("the safe form did not go through: %s", told(*safe))
	}
}

// check holds the accident's stall against what it is known for.
func (a accident) check(t *testing.T, p *played) {
	t.Helper()
	least := float64(a.least.Milliseconds())
	found := false
	for _, s := range p.Traffic.Stalls {
		if s.Statement < 0 || !strings.HasPrefix(text(p.report, p.Statements[s.Statement]), a.blamed) {
			continue
		}
		found = found || s.UntilMS-s.FromMS >= least && slices.Contains(strings.Fields(a.relation), s.Relation) && (a.kind == "" || strings.Contains(a.kind, s.Kind))
	}
	if !found {
		t.Errorf("no stall of %v on %s (%s) for %s:\n%s", a.least, a.relation, a.kind, a.blamed, told(*p))
	}
	if a.deadlocks && !p.deadlocked() {
		t.Errorf("no deadlock:\n%s", told(*p))
	}
	for _, i := range p.statements() {
		st := p.Statements[i]
		stalled := false
		for _, f := range named(p.report, release.RehearsalTrafficStalls) {
			m := p.report.Migrations[st.Migration]
			stalled = stalled || f.Migration == m.ID && f.Line == m.Statements[st.Statement].Line
		}
		if want := st.StallMS >= 1000; stalled != want {
			t.Errorf("a stall of %.0f ms, and a finding of it: %t:\n%s", st.StallMS, stalled, told(*p))
		}
	}
}

// deadlocked reports whether the server ended the migration, with a finding, or
// a query, because each waited for the other.
func (p played) deadlocked() bool {
	const code = "40P01"
	for _, f := range named(p.report, release.RehearsalFails) {
		if strings.Contains(f.Fact, code) && strings.Contains(f.Fact, "each held what the other waited for") {
			return true
		}
	}
	return slices.ContainsFunc(p.Traffic.Failures, func(f onward.TrafficFailure) bool { return f.Error.Code == code })
}

// told is what a rehearsal saw, for who reads a failed test.
func told(p played) string {
	var b strings.Builder
	for i, st := range p.Statements {
		fmt.Fprintf(&b, "%d %.0f..%.0f stall %.0f, %d waited, failed %v: %.70s\n", i, st.FromMS, st.UntilMS, st.StallMS, st.Waited, st.Failed, text(p.report, st))
	}
	for _, s := range p.Traffic.Stalls {
		fmt.Fprintf(&b, "stall %.0f..%.0f on %s by %d, %s, %d queries, %.70s\n", s.FromMS, s.UntilMS, s.Relation, s.Statement, s.Kind, s.Queries, s.Query)
	}
	for _, f := range p.Traffic.Failures {
		fmt.Fprintf(&b, "refused at %.0f, %d times: %s %s: %.70s\n", f.AtMS, f.Count, f.Error.Code, f.Error.Message, f.Query)
	}
	for _, f := range p.report.Findings {
		if strings.HasPrefix(f.Rule, "rehearsal-") {
			fmt.Fprintf(&b, "%s %s: %s: %s\n", f.Rule, f.Migration, f.Fact, f.Harm)
		}
	}
	fmt.Fprintf(&b, "notes %q\n", p.Notes)
	return b.String()
}
