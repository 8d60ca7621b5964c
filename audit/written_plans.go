package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// readWrittenPlans returns the plans of a tree whose steps are being written as migrations, of which some files are there.
func readWrittenPlans(t adapter.Tree) []*onward.Plan {
	paths := t.Paths()
	return slices.DeleteFunc(readPlanFiles(t), func(p *onward.Plan) bool {
		return !slices.ContainsFunc(p.WrittenFiles(), func(f onward.PlanFile) bool {
			_, found := slices.BinarySearch(paths, f.Path)
			return found
		})
	})
}

// readPlanFiles returns the plans of a tree whose steps are being written as migrations. onward plan next reports one that cannot be read.
func readPlanFiles(t adapter.Tree) (out []*onward.Plan) {
	paths := t.Paths()
	first, _ := slices.BinarySearch(paths, PlansDir+"/")
	for _, file := range paths[first:] {
		if path.Dir(file) != PlansDir {
			break
		}
		name, isJSON := strings.CutSuffix(path.Base(file), ".json")
		content, err := t.Read(file)
		if !isJSON || err != nil {
			continue
		}
		p := &onward.Plan{}
		if json.Unmarshal(content, p) == nil && p.Schema == onward.PlanSchema && p.Name == name {
			out = append(out, p)
		}
	}
	return out
}

// listReadiness returns the state of the plans that are under way on the database, and of the written plans of the repository that have one of the judged
// files.
func (c *CheckConfig) listReadiness(j *judge) []onward.Readiness {
	out := slices.Clone(j.known.plans.Readiness)
	for _, p := range c.readPlansAbove() {
		if slices.ContainsFunc(p.WrittenFiles(), func(f onward.PlanFile) bool {
			return slices.ContainsFunc(j.report.Migrations, func(m onward.Migration) bool {
				return isSameFile(m.Path, f.Path) || isSameFile(m.Path, path.Dir(f.Path))
			})
		}) {
			out = append(out, *readiness.JudgeWritten(p, false))
		}
	}
	return out
}

// isSameFile reports whether a path is of the same file as a path in the repository, seen from a directory above or below its root.
func isSameFile(seen, inRepository string) bool {
	return seen == inRepository || strings.HasSuffix(inRepository, "/"+seen) || strings.HasSuffix(seen, "/"+inRepository)
}

// readPlansAbove returns the written plans of the repository that has the directory.
func (c *CheckConfig) readPlansAbove() []*onward.Plan {
	dir, err := filepath.Abs(cmp.Or(c.Dir, "."))
	for ; err == nil; dir = filepath.Dir(dir) {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(PlansDir))); err == nil && info.IsDir() {
			tree, err := gitrange.DirTree(dir, []string{PlansDir})
			if err != nil {
				return nil
			}
			return readPlanFiles(gittree.Of(tree))
		}
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil || dir == filepath.Dir(dir) {
			return nil
		}
	}
	return nil
}

// WrittenPlans returns the plans in [PlansDir] at the head whose steps are being written as migrations.
func (r *Release) WrittenPlans() []*onward.Plan { return r.a.writtenPlans }

// planPath is the path of a written plan.
func planPath(p *onward.Plan) string { return path.Join(PlansDir, p.Name+".json") }

// findFilledColumns lists the columns that a written plan adds: those whose rows it has not filled yet, and those that a step by hand has filled.
func findFilledColumns(p *onward.Plan) (out []history.Change) {
	for i := range p.Steps[:p.Contract()] {
		s := &p.Steps[i]
		kind := history.Unfilled
		switch {
		case s.Ran:
			kind = history.Filled
		case len(s.Files) > 0:
			continue // the file's statements show it
		}
		for _, column := range undo.FilledColumns(p, i) {
			out = append(out, history.Change{Kind: kind, Other: column, Path: planPath(p), Line: 1, Detail: p.Name, Runner: s.ID})
		}
	}
	return out
}

// separatePlannedMigrations takes the migrations out of the release whose changes a plan under way makes: their tool does not run them. An edited migration, or
// one that the plan leaves in part, is judged.
func (c *comparison) separatePlannedMigrations(list []onward.PlannedMigration) {
	c.release = slices.DeleteFunc(c.release, func(m releasedMigration) bool {
		isReplaced := slices.ContainsFunc(list, func(p onward.PlannedMigration) bool { return isPlanned(p, m.migration) })
		if isReplaced {
			c.replaced = append(c.replaced, m.migration)
		}
		return isReplaced
	})
}

// addReadiness adds the state of the plans that are under way on the database, and of the written plans whose files the release adds, or whose unfilled
// columns its code uses. Of a plan that is both, the database has the state.
func (a *changelog) addReadiness(r *onward.Report) {
	added := map[string]bool{}
	for i := range r.Migrations {
		added[r.Migrations[i].Path] = true
	}
	r.Summary.Readiness = append(r.Summary.Readiness, a.known.plans.Readiness...)
	isUnderWay := func(m onward.PlannedMigration) bool {
		return slices.ContainsFunc(a.known.plans.Replaced, func(other onward.PlannedMigration) bool { return other.Path == m.Path })
	}
	isAdded := func(f onward.PlanFile) bool { return added[f.Path] || added[path.Dir(f.Path)] }
	for _, p := range a.writtenPlans {
		if slices.ContainsFunc(p.Migrations, isUnderWay) {
			continue
		}
		needed := slices.ContainsFunc(r.Findings, func(f onward.Finding) bool {
			return slices.ContainsFunc(f.Evidence, func(e onward.Evidence) bool { return e.Path == planPath(p) })
		})
		if needed || slices.ContainsFunc(p.WrittenFiles(), isAdded) {
			r.Summary.Readiness = append(r.Summary.Readiness, *readiness.JudgeWritten(p, false))
		}
	}
}

// PlanSteps is the framework of a migration that stands for the steps of a plan under way.
const PlanSteps = "onward apply"

// withPlanSteps returns the deployed migrations of a source as the database has them: the steps of each plan under way that are done are in the place of
// the migrations that the plan replaces, or after all others if the base does not have these.
func (k *deployedFacts) withPlanSteps(list []*adapter.Migration, c *comparison, schema string) []*adapter.Migration {
	for i := range k.plans.Begun {
		p := &k.plans.Begun[i]
		isReplaced := func(m *adapter.Migration) bool {
			return slices.ContainsFunc(p.Migrations, func(r onward.PlannedMigration) bool { return isPlanned(r, m) })
		}
		if p.Schema != schema && p.Schema != "" {
			continue
		}
		first := slices.IndexFunc(list, isReplaced)
		if first < 0 && !slices.ContainsFunc(c.replaced, isReplaced) {
			continue
		}
		steps := stepsMigration(p)
		if first < 0 {
			list = append(slices.Clone(list), steps)
			continue
		}
		list = slices.Insert(slices.Clone(list), first, steps)
		list = slices.DeleteFunc(list, isReplaced)
	}
	return list
}

// isPlanned reports whether the steps of a plan do all that a migration does. An edited migration, or one that the plan leaves in part, is another one.
func isPlanned(p onward.PlannedMigration, m *adapter.Migration) bool {
	return p.ID == m.ID && p.Path == m.Path && p.Hash != "" && p.Hash == m.Hash
}

// stepsMigration returns the steps of a plan that are done, without its backfills, as a migration. The base has the plan's schema under the name public.
func stepsMigration(p *ledger.UnfinishedPlan) *adapter.Migration {
	var b strings.Builder
	out := &adapter.Migration{ID: p.ID, Path: "plan " + p.ID, Framework: PlanSteps}
	out.Source.Mode, out.Source.LineComment = onward.TransactionNone, "--"
	add := func(sql string) {
		out.Source.Parts = append(out.Source.Parts, script.Part{SQL: sql, Start: b.Len()})
		b.WriteString(sql + "\n")
	}
	path := p.Path
	if p.Schema != "" {
		path = pgparse.RenameInPath(path, p.Begun.Schema, "public")
	}
	const kept = "onward.search_path"
	add(fmt.Sprintf("SELECT pg_catalog.set_config('%s', pg_catalog.current_setting('search_path'), false);", kept))
	if path != "" {
		add("SET search_path = " + path + ";")
	}
	for i := range p.Steps {
		if s := &p.Steps[i]; p.Done[s.ID] && !s.Repeat {
			add(strings.TrimRight(s.SQL, "; \n") + ";")
		}
	}
	add(fmt.Sprintf("SELECT pg_catalog.set_config('search_path', pg_catalog.current_setting('%s'), false);", kept))
	out.Source.Text = b.String()
	return out
}
