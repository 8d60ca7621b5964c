package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rules/transaction"
	"github.com/onward-sql/onward/onward"
)

// mostStatements bounds the release whose findings get files: nobody pastes those of a larger
// one, and they would have to be kept in memory until its end.
const mostStatements = 5000

// Changelog is [audit.Changelog], and each finding that a recipe has a way around brings the
// files to run instead, for the tool that runs the project's migrations. Where those are made by
// the project itself, it is started once more, if starts says so.
//
// Errors: those of [audit.Changelog].
func Changelog(ctx context.Context, c audit.Config, starts bool) (*onward.Report, error) {
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	report, folds, err := release.FoldsWithin(mostStatements)
	if err != nil {
		return nil, err
	}
	if from := unsafeFrom(report, folds); from < len(folds) && (starts || !all.Traits(folds[from].Framework).Renders) {
		// Where its files are not written yet, the findings keep their words.
		if w, err := release.WritingBeside(ctx, paths(folds[from:])); err == nil {
			ways(planned(report, folds[from:], c.Settings, deployed(folds), release.Measure, recorded{}), w)
		}
	}
	return report, nil
}

func paths(folds []*audit.Folded) []string {
	var out []string
	for _, m := range folds {
		out = append(out, m.Path)
	}
	return out
}

// plannable reports whether a finding is of a kind that recipes are about. A timeout is none:
// it goes in front of the statement.
func plannable(f *onward.Finding) bool {
	if f.Rule == transaction.LockTimeoutMissing.ID {
		return false
	}
	switch f.Category {
	case onward.Locking, onward.Compatibility, onward.DataLoss, onward.InTransaction, onward.Data:
		return f.Severity >= onward.Warning
	}
	return false
}

// unsafeFrom is the first of some migrations with a finding that a recipe may have a way
// around; those before it run as they are.
func unsafeFrom(report *onward.Report, folds []*audit.Folded) int {
	for i, m := range folds {
		if slices.ContainsFunc(report.Findings, func(f onward.Finding) bool { return f.Path == m.Path && plannable(&f) }) {
			return i
		}
	}
	return len(folds)
}

// ways gives the findings of a planner's report the files of the steps that take the place of
// what they were found in, and returns all.
func ways(p *planner, w audit.Writing) []audit.Written {
	d := &Draft{Plan: p.plan}
	if p.fails || d.steps(w, false) != nil {
		return nil
	}
	rest, err := w.Rest(p.plan)
	if err != nil {
		return nil
	}
	text := map[string]string{}
	for _, f := range d.Files {
		text[f.Path] = f.Text
	}
	steps := map[*recipe.Change][]int{}
	var changes []*recipe.Change
	for i := range p.steps {
		c := p.steps[i].From
		if steps[c] == nil {
			changes = append(changes, c)
		}
		steps[c] = append(steps[c], i)
	}
	for i := range p.report.Findings {
		f := &p.report.Findings[i]
		if !plannable(f) {
			continue
		}
		var list []int
		for _, c := range changes {
			if (at(f, c) || also(f, c)) && p.rewrites(c, steps[c]) {
				list = append(list, steps[c]...)
			}
		}
		if p.again(f.Rule, list) {
			continue
		}
		slices.Sort(list)
		f.Files, f.Later = nil, later(p.plan, list)
		for _, n := range list {
			for _, file := range p.plan.Steps[n].Files {
				f.Files = append(f.Files, onward.File{Path: file.Path, Text: text[file.Path]})
			}
		}
		if len(rest) == 0 {
			continue
		}
		// Files that belong to no step stand behind all.
		if len(f.Files) < len(d.Files) {
			f.Files, f.Later = nil, ""
			continue
		}
		for _, file := range rest {
			f.Files = append(f.Files, onward.File(file))
		}
	}
	return append(d.Files, rest...)
}

// also reports whether a change is another place of a finding.
func also(f *onward.Finding, c *recipe.Change) bool {
	return slices.ContainsFunc(f.Also, func(at onward.Place) bool {
		return at.Path == c.Migration.Path && at.Line >= c.Line && at.Line <= c.EndLine
	})
}

// rewrites reports whether the steps of a change are others than the change itself, and safe.
func (p *planner) rewrites(c *recipe.Change, steps []int) bool {
	for _, i := range steps {
		if p.bad[p.plan.Steps[i].ID] {
			return false
		}
	}
	if p.open[c] || len(steps) == 0 {
		return false
	}
	first := &p.steps[steps[0]]
	return len(steps) > 1 || first.Phase != onward.Expand || len(first.SQL) > 1 || !strings.HasSuffix(first.SQL[0], c.Text)
}

// again reports whether a rule finds in some steps what they are to be a way around: what
// contracts is run when nobody is there who it is about.
func (p *planner) again(rule string, steps []int) bool {
	return slices.ContainsFunc(steps, func(i int) bool {
		s := &p.plan.Steps[i]
		return s.Phase != onward.Contract && slices.Contains(p.found[s.ID], rule)
	})
}

// later says which of some steps are in no file yet.
func later(p *onward.Plan, steps []int) string {
	n := 0
	var phases []string
	for _, i := range steps {
		if s := &p.Steps[i]; len(s.Files) == 0 {
			n++
			if !slices.Contains(phases, string(s.Phase)) {
				phases = append(phases, string(s.Phase))
			}
		}
	}
	switch n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("one more step (%s) comes later: onward plan", phases[0])
	}
	return fmt.Sprintf("%d more steps (%s) come later: onward plan", n, strings.Join(phases, ", "))
}
