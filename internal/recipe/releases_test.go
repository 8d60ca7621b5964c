package recipe_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/data"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/rules/transaction"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// TestReleases holds the steps for whole releases, which testdata/releases.txt lists below the schemas that they change. Whether such steps are right
// is proven on servers, by the tests of package plan. With -update it writes the steps.
func TestReleases(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	w := stepWriter{out: &got, seen: map[string]bool{}}
	for _, schema := range strings.Split(golden.ReadFile(t, filepath.Join("testdata", "releases.txt")), "--- deployed\n")[1:] {
		parts := strings.Split(schema, "--- release\n")
		deployed := buildScript(t, parts[0])
		for _, sql := range parts[1:] {
			fmt.Fprintf(&got, "%s", sql)
			w.writeResults(planChanges(t, deployed, sql))
		}
	}
	golden.CompareFile(t, filepath.Join("testdata", "releases.steps.txt"), got.String())
}

// stepWriter writes everything that the recipes return. Of a long text that it has written before it writes the
// beginning.
type stepWriter struct {
	out  *strings.Builder
	seen map[string]bool
}

func (w *stepWriter) writeResults(results []*recipe.Steps) {
	for _, r := range results {
		for i := range r.Steps {
			w.writeStep(&r.Steps[i])
		}
		for _, missing := range r.Missing {
			w.writeText("  missing: ", missing)
		}
		for _, note := range r.Notes {
			w.writeText("  note: ", note)
		}
		for _, s := range r.Says {
			w.writeText("  says: ", s.Name+": "+s.Text+": "+s.SQL)
		}
	}
}

func (w *stepWriter) writeStep(s *recipe.Step) {
	words := []string{string(s.Phase), string(s.Class)}
	for _, flag := range []struct {
		on   bool
		name string
	}{{s.Alone, "alone"}, {s.Joins, "joins"}, {s.Bookkeeping, "bookkeeping"}, {s.Judged, "judged"}} {
		if flag.on {
			words = append(words, flag.name)
		}
	}
	fmt.Fprintf(w.out, "  %s: %s\n", strings.Join(words, " "), s.Why)
	for _, sql := range s.SQL {
		w.writeText("    ", sql)
	}
	for _, sql := range s.Undo {
		w.writeText("    undo ", sql)
	}
	if s.Check != "" {
		w.writeText("    check ", s.Check)
	}
	if len(s.Cascades) > 0 {
		fmt.Fprintf(w.out, "    cascades to %v\n", s.Cascades)
	}
	for _, marks := range s.Marks {
		w.writeText("    ", fmt.Sprintf("marks %+v", marks))
	}
	if s.Backfill != nil {
		w.writeText("    ", fmt.Sprintf("backfill %+v", *s.Backfill))
	}
	for _, b := range s.AfterBackfills {
		fmt.Fprintf(w.out, "    after the backfill of %s\n", b.Table)
	}
	for _, r := range s.Replaces {
		w.writeText("    ", fmt.Sprintf("replaces %+v", r))
	}
}

func (w *stepWriter) writeText(before, text string) {
	object := objectLine.FindString(text) // of a block that sets the privileges of an object: the blocks differ in it only
	if key := strings.Replace(text, object, "", 1); len(text) > 80 {
		if w.seen[key] {
			text = text[:60] + " (as above) " + strings.TrimSpace(object)
		}
		w.seen[key] = true
	}
	fmt.Fprintf(w.out, "%s%s\n", before, strings.ReplaceAll(text, "\n", "\n      "))
}

var objectLine = regexp.MustCompile(`(?m)^ *onward_object .*$`)

// planChanges returns what the recipes return for each change of a release, with the findings of all rules.
func planChanges(t *testing.T, deployed *script.Script, sql string) []*recipe.Steps {
	t.Helper()
	return planChangesOn(t, []int{onward.NewestMajor}, deployed, sql)
}

// planChangesOn is planChanges for some versions.
func planChangesOn(t *testing.T, versions []int, deployed *script.Script, sql string) (out []*recipe.Steps) {
	t.Helper()
	begin := func(list []*rule.Rule) (*rule.Engine, *rule.Migration) {
		engine := rule.NewEngine(rule.Config{Rules: list, Versions: versions}, nil)
		engine.FoldDeployed(deployed)
		return engine, &rule.Migration{ID: "m", Path: "m.sql", Mode: onward.TransactionNone, Script: buildScript(t, sql)}
	}
	judge, m := begin(rules.All())
	judge.JudgeMigration(m)
	findings, _ := judge.Finish()
	engine, m := begin(nil) // an engine that has finished has freed its statements
	plan := recipe.NewRelease(engine.Release().Deployed, versions)
	engine.FoldMigration(m)
	var changes []*recipe.Change
	for _, s := range m.Statements {
		if s.Node == nil || s.Parent >= 0 {
			continue
		}
		alter := s.Node.GetAlterTableStmt()
		if alter == nil {
			changes = append(changes, &recipe.Change{Stmt: s, Text: s.SQL})
		}
		for i, command := range alter.GetCmds() {
			changes = append(changes, &recipe.Change{Stmt: s, Command: command.GetAlterTableCmd(), Text: s.CommandText(i)})
		}
	}
	for _, c := range changes {
		for i := range findings {
			f := &findings[i]
			if f.Line < c.Line || f.Line > c.EndLine || f.Line == c.Line && f.Column < c.Column || f.Line == c.EndLine && f.Column >= c.EndColumn {
				continue
			}
			switch f.Category {
			case onward.Locking:
				c.Locks = append(c.Locks, *f)
			case onward.Compatibility, onward.DataLoss:
				c.Breaks = append(c.Breaks, *f)
			}
			switch f.Rule {
			case data.UpdateUnbatched.ID, data.DeleteUnbatched.ID, data.DeleteAll.ID, data.InsertSelectUnbatched.ID, transaction.LongWorkUnderLock.ID:
				c.Rows = append(c.Rows, *f)
			case release.CopyWithoutSync.ID:
				c.Copies = append(c.Copies, *f)
			}
		}
	}
	plan.ComposeChanges(changes)
	for _, c := range changes {
		out = append(out, recipe.PlanChange(c))
	}
	return append(out, plan.SoftDeleteSteps())
}
