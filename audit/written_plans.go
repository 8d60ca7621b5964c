package audit

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// readWrittenPlans returns the plans of a tree whose steps are being written as migrations, of which some files are there. What cannot
// be read is no such plan: onward plan next says so.
func readWrittenPlans(t adapter.Tree) []*onward.Plan {
	var out []*onward.Plan
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
		if json.Unmarshal(content, p) != nil || p.Schema != onward.PlanSchema || p.Name != name {
			continue
		}
		if slices.ContainsFunc(p.WrittenFiles(), func(f onward.PlanFile) bool {
			_, found := slices.BinarySearch(paths, f.Path)
			return found
		}) {
			out = append(out, p)
		}
	}
	return out
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

// addReadiness adds the state of the written plans whose files the release adds, or whose unfilled columns its code uses.
func (a *changelog) addReadiness(r *onward.Report) {
	added := map[string]bool{}
	for i := range r.Migrations {
		added[r.Migrations[i].Path] = true
	}
	isAdded := func(f onward.PlanFile) bool { return added[f.Path] || added[path.Dir(f.Path)] }
	for _, p := range a.writtenPlans {
		needed := slices.ContainsFunc(r.Findings, func(f onward.Finding) bool {
			return slices.ContainsFunc(f.Evidence, func(e onward.Evidence) bool { return e.Path == planPath(p) })
		})
		if needed || slices.ContainsFunc(p.WrittenFiles(), isAdded) {
			r.Summary.Readiness = append(r.Summary.Readiness, *readiness.JudgeWritten(p, false))
		}
	}
}
