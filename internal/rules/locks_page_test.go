package rules

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/effect/prove"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestLocksPage holds the verdict against docs/locks.md: each form of the page whose work grows with a table, and whose lock lets the
// table's users wait, has an error that names the table, and each form that every version refuses has an error. The page has the forms
// and the schema.
func TestLocksPage(t *testing.T) {
	t.Parallel()
	base := foldText(t, catalog.New(), prove.Fixture)
	base.Complete = true
	blocking := 0
	forms, err := prove.ListForms()
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range forms {
		deployed := base
		if form.Setup != "" {
			deployed = foldText(t, base, form.Setup)
		}
		blocking += holdForm(t, deployed, form)
	}
	if blocking < 250 {
		t.Errorf("only %d forms have long work under a blocking lock", blocking)
	}
}

func foldText(t *testing.T, c *catalog.Catalog, sql string) *catalog.Catalog {
	t.Helper()
	s, err := script.BuildScript(script.Source{Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range s.Statements {
		c, _ = c.Apply(st.Node, st.SQL)
	}
	return c
}

// holdForm judges one form. It returns 1 if the form does long work under a blocking lock on some version.
func holdForm(t *testing.T, deployed *catalog.Catalog, form prove.Form) (blocking int) {
	t.Helper()
	var enabled []*rule.Rule
	for _, r := range All() {
		if r.OnlyIn == "" {
			enabled = append(enabled, r)
		}
	}
	versions := []int{13, 14, 15, 16, 17, 18}
	runner := history.Runner{LockTimeout: 3000, TimeZone: "UTC"}
	e := rule.NewEngine(rule.Config{Rules: enabled, Versions: versions, KeepStatements: true}, deployed)
	s, err := script.BuildScript(script.Source{Parts: []script.Part{{SQL: form.SQL}}, Mode: onward.TransactionNone})
	if err != nil {
		t.Fatal(err)
	}
	m := &rule.Migration{ID: "1", Path: "1.sql", Framework: "sql", Script: s, Runner: runner}
	e.FoldMigration(m)
	results := m.Statements[0].Results
	e.RunRules(m)
	findings, _ := e.Finish()
	if rule.FailsOnAll(results, deployed) && !slices.ContainsFunc(findings, func(f onward.Finding) bool { return f.Severity == onward.Error }) {
		t.Errorf("%s: no version takes it (%s), and nothing says so", form.SQL, results[0].Result.Refused.Message())
	}
	for _, group := range results {
		if group.Result.Refused != nil {
			continue
		}
		for i := range group.Result.Effects {
			x := &group.Result.Effects[i]
			if !makesUsersWait(x) {
				continue
			}
			blocking = 1
			want := onward.Error
			if x.Unsure {
				want = onward.Warning
			}
			for _, v := range group.Versions {
				if !slices.ContainsFunc(findings, func(f onward.Finding) bool {
					return f.Severity >= want && (f.Postgres == nil || slices.Contains(f.Postgres, v))
				}) {
					t.Errorf("%s, on %d: %s makes users of %s wait, and nothing says so", form.SQL, v, x.HeaviestWork(), x.Name)
				}
			}
		}
	}
	return blocking
}

func makesUsersWait(e *effect.Effect) bool {
	return e.HeaviestWork() != onward.NoWork && e.Lock >= onward.ShareLock && !e.Instant && !e.Created && analysis.IsBlocking(e) &&
		(e.Kind != catalog.MaterializedView || e.Lock.BlocksReads())
}
