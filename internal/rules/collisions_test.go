package rules_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgparse/collide"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/tools/ruletest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// form finds the statements in a list of forms.
var form = regexp.MustCompile(`(?m)^(?:[a-z0-9-]+|\s+setup): (.+)$`)

// TestCollisions judges releases made of the statements of fixtures and
// forms in random order, where nearly everything has one of four names, with all rules: none
// has a fault of its own.
func TestCollisions(t *testing.T) {
	t.Parallel()
	var all []string
	add := func(sql string) {
		file, err := pgparse.SplitText(sql)
		if err != nil {
			return
		}
		for _, s := range file.Stmts {
			all = append(all, sql[s.Start:s.End])
		}
	}
	severityByRule := map[string]onward.Severity{}
	for _, r := range rules.All() {
		severityByRule[r.ID] = r.Severity
		f, err := ruletest.Read(r.ID)
		if err != nil {
			t.Fatal(err)
		}
		add(f.Before)
		for i := range f.Releases {
			for _, file := range f.Releases[i].Files {
				add(ruletest.CleanExample(file.SQL))
			}
		}
	}
	forms, err := os.ReadFile("../effect/prove/testdata/forms.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range form.FindAllSubmatch(forms, -1) {
		add(string(m[1]))
	}
	statements := collide.Statements(rand.New(rand.NewPCG(5, 5)), all, 2)
	if len(statements) < 4000 {
		t.Fatalf("only %d statements", len(statements))
	}
	modes := []onward.Transaction{onward.TransactionNone, onward.TransactionFile, onward.TransactionMessage}
	for seed := range uint64(600) {
		random := rand.New(rand.NewPCG(seed, 1))
		text := func(n int) string {
			var b strings.Builder
			for range n {
				b.WriteString(statements[random.IntN(len(statements))].SQL + ";\n")
			}
			return b.String()
		}
		build := func(sql string, mode onward.Transaction) *script.Script {
			s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: mode})
			if err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, sql)
			}
			return s
		}
		e := rule.NewEngine(rule.Config{Rules: rules.All(), Versions: []int{13, 15, 18}, Severity: severityByRule}, nil)
		before := text(25)
		e.FoldDeployed(build(before, onward.TransactionNone))
		if n := e.Release().Deployed.Unmodelled; n != nil && strings.Contains(n.Text, "could not be folded") {
			t.Fatalf("seed %d\n%s", seed, before)
		}
		for i := range 3 {
			mode := modes[random.IntN(len(modes))]
			sql := text(8)
			m := &rule.Migration{ID: fmt.Sprint(i), Path: fmt.Sprintf("%d.sql", i), Status: onward.StatusNew, Mode: mode, Script: build(sql, mode)}
			if err := ruletest.JudgeMigration(e, m); err != nil {
				t.Fatalf("seed %d: %v\n%s\n%s", seed, err, before, sql)
			}
		}
		e.Finish()
		for _, f := range e.TakeFaults() {
			t.Fatalf("seed %d: %s: %v", seed, f.Rule, f.Err)
		}
	}
}
