package audit

import (
	"cmp"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/readiness"
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
