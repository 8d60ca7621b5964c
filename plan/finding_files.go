package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rules/column"
	"github.com/onward-sql/onward/internal/rules/transaction"
	"github.com/onward-sql/onward/onward"
)

// mostStatements limits the size of a release whose findings get files. Nobody pastes the files
// of a larger one, and they would have to be kept in memory until the end.
const mostStatements = 5000

// Changelog is [audit.Changelog], with files to run instead for each finding that a recipe can
// avoid, written for the project's migration tool. If the project itself makes its migrations,
// it is started once more, if starts is true.
//
// Errors: those from [audit.Changelog].
func Changelog(ctx context.Context, c audit.Config, starts bool) (*onward.Report, error) {
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	return ChangelogOf(ctx, release, starts)
}

// ChangelogOf is [Changelog] for a release that was read. Errors: those from [audit.Release.Audit].
func ChangelogOf(ctx context.Context, release *audit.Release, starts bool) (*onward.Report, error) {
	report, folds, err := release.FoldsWithin(mostStatements)
	if err != nil {
		return nil, err
	}
	if from := firstPlannableMigration(report, folds); from < len(folds) && (starts || !all.Traits(folds[from].Framework).Renders) {
		// If the tool's files cannot be written, the findings keep their text.
		if w, err := release.WritingBeside(ctx, migrationPaths(folds[from:])); err == nil {
			src := &source{report: report, folds: folds[from:], settings: release.Settings(), deployed: deployedSchema(folds), measure: release.Measure}
			attachPlan(src, w)
		}
	}
	return report, nil
}

// attachPlan attaches the files of a release's plan to its findings. After a panic the findings keep their text.
func attachPlan(src *source, w audit.Writing) {
	defer func() { _ = recover() }()
	attachFindingFiles(src.buildPlan(nil), w)
}

func migrationPaths(folds []*audit.Folded) []string {
	var out []string
	for _, m := range folds {
		out = append(out, m.Path)
	}
	return out
}

// IsPlannable reports whether a finding is of a kind that recipes handle. A missing timeout is
// not: it is only added before the statement. A name that makes a join ambiguous is not: the steps add the same name.
func IsPlannable(f *onward.Finding) bool {
	if f.Rule == transaction.LockTimeoutMissing.ID || f.Rule == column.AddAmbiguous.ID {
		return false
	}
	switch f.Category {
	case onward.Locking, onward.Compatibility, onward.DataLoss, onward.InTransaction, onward.Data:
		return f.Severity >= onward.Warning
	}
	return false
}

// firstPlannableMigration returns the first migration with a finding that a recipe may avoid. Those before it
// run unchanged.
func firstPlannableMigration(report *onward.Report, folds []*audit.Folded) int {
	for i, m := range folds {
		if slices.ContainsFunc(report.Findings, func(f onward.Finding) bool { return f.Path == m.Path && IsPlannable(&f) }) {
			return i
		}
	}
	return len(folds)
}

// attachFindingFiles gives the findings of a planner's report the files of the steps that replace the
// statements with findings, and returns all files.
func attachFindingFiles(p *planner, w audit.Writing) []audit.Written {
	d := &Draft{Plan: p.plan}
	if p.fails || d.draftSteps(w, false) != nil {
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
		if !IsPlannable(f) {
			continue
		}
		var list []int
		for _, c := range changes {
			if (isInChange(f, c) || isAlsoInChange(f, c)) && p.hasRewrite(c, steps[c]) {
				list = append(list, steps[c]...)
			}
		}
		if p.repeatsFinding(f.Rule, list) {
			continue
		}
		slices.Sort(list)
		f.Files, f.Later = nil, describeUnwrittenSteps(p.plan, list)
		for _, n := range list {
			for _, file := range p.plan.Steps[n].Files { // which several steps may share
				if !slices.ContainsFunc(f.Files, func(other onward.File) bool { return other.Path == file.Path }) {
					f.Files = append(f.Files, onward.File{Path: file.Path, Text: text[file.Path]})
				}
			}
		}
		if len(rest) == 0 {
			continue
		}
		// Files that belong to no step are at the end.
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

// hasRewrite reports whether the steps of a change are safe and differ from the change itself.
func (p *planner) hasRewrite(c *recipe.Change, steps []int) bool {
	for _, i := range steps {
		if p.bad[p.plan.Steps[i].ID] {
			return false
		}
	}
	if p.unsolved[c] || len(steps) == 0 {
		return false
	}
	first := &p.steps[steps[0]]
	return len(steps) > 1 || first.Phase != onward.Expand || len(first.SQL) > 1 || !strings.HasSuffix(first.SQL[0], c.Text)
}

// repeatsFinding reports whether a rule has findings in steps that should avoid them. Contract steps do
// not count: they run after all users of the old schema are gone.
func (p *planner) repeatsFinding(rule string, steps []int) bool {
	return slices.ContainsFunc(steps, func(i int) bool {
		s := &p.plan.Steps[i]
		return s.Phase != onward.Contract && slices.Contains(p.found[s.ID], rule)
	})
}

// describeUnwrittenSteps says which steps are in no file yet.
func describeUnwrittenSteps(p *onward.Plan, steps []int) string {
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
