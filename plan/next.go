package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/scratch"
	"github.com/onward-sql/onward/onward"
)

// Conditions says which conditions of the plans hold.
type Conditions struct {
	// Gone is the release that has no running process any more, as a revision; "" for none.
	Gone string
	// Filled are the names of plans whose next manual step was run.
	Filled []string
}

// Next drafts the files that are due for the plans in [Dir], with a draft for each unfinished plan.
//
// Errors: those from [audit.Read]; a *[config.InputError] for a plan that cannot be read, or whose files were changed after
// they were written.
func Next(ctx context.Context, c audit.Config, passed Conditions) ([]*Draft, error) {
	c.Base, c.Head = "HEAD", ""
	if passed.Gone != "" {
		c.Base = passed.Gone
	}
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	plans, err := readPlans(release.Root())
	if err != nil {
		return nil, err
	}
	var out []*Draft
	fits := false
	writing := map[string]audit.Writing{} // plans of one directory share a numbering
	for _, p := range plans {
		d := &Draft{Root: release.Root(), Plan: p, Path: path.Join(Dir, p.Name+".json"), Again: true}
		if err := d.checkUnchanged(); err != nil {
			return nil, err
		}
		isBaseGone := passed.Gone != "" && (p.Commit == release.Commit() || p.Base == passed.Gone)
		fits = fits || isBaseGone
		if writing[p.Dir] == nil {
			if writing[p.Dir], err = release.WritingIn(ctx, p.Dir); err != nil {
				return nil, err
			}
		}
		if err := d.draftNextFiles(writing[p.Dir], slices.Contains(passed.Filled, p.Name), isBaseGone); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	for _, name := range passed.Filled {
		if !slices.ContainsFunc(plans, func(p *onward.Plan) bool { return p.Name == name }) {
			return nil, inputErrorf("%s has no plan of the name %s", Dir, name)
		}
	}
	if passed.Gone != "" && !fits {
		return nil, inputErrorf("no plan in %s waits for %s to be gone; they wait for %s", Dir, passed.Gone, strings.Join(planBases(plans), ", "))
	}
	return out, nil
}

func planBases(plans []*onward.Plan) []string {
	var out []string
	for _, p := range plans {
		out = append(out, fmt.Sprintf("%s (%.12s)", p.Base, p.Commit))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// draftNextFiles drafts the next files of a plan.
func (d *Draft) draftNextFiles(w audit.Writing, filled, isBaseGone bool) error {
	i := slices.IndexFunc(d.Plan.Steps, func(s onward.PlanStep) bool { return len(s.Files) == 0 && !s.Ran })
	if i < 0 {
		return nil
	}
	s := &d.Plan.Steps[i]
	if filled && s.ByHand == "" {
		return inputErrorf("plan %s waits for no step that is run by hand", d.Plan.Name)
	}
	s.Ran = s.ByHand != "" && filled
	d.Ran = s.Ran
	return d.draftSteps(w, isBaseGone)
}

// checkUnchanged reports the first file of a plan that was changed, and a migration that still exists although the plan replaces
// it.
func (d *Draft) checkUnchanged() error {
	for _, m := range d.Plan.Migrations {
		if _, err := os.Lstat(d.absolutePath(m.Path)); err == nil && filepath.IsLocal(filepath.FromSlash(m.Path)) {
			return inputErrorf("%s still exists, and plan %s replaces it: rm %s", m.Path, d.Plan.Name, m.Path)
		}
	}
	for _, f := range d.Plan.WrittenFiles() {
		content, err := os.ReadFile(d.absolutePath(f.Path))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return inputErrorf("plan %s was written to %s, which is gone: what follows is for a database that ran it", d.Plan.Name, f.Path)
		case err != nil:
			return err
		case hashContent(content) != f.SHA256:
			return inputErrorf("plan %s was written to %s, which was changed since: what follows is for a database that ran it as it was", d.Plan.Name, f.Path)
		}
	}
	return nil
}

// ListWritten reads the plans of a repository whose steps were written as migrations that still exist. It returns the paths
// of these migrations by plan. Files that are not such a plan are skipped; [Next] reports them.
func ListWritten(root string) map[*onward.Plan][]string {
	plans, err := readPlans(root)
	if err != nil {
		return nil
	}
	out := map[*onward.Plan][]string{}
	for _, p := range plans {
		for _, f := range p.WrittenFiles() {
			if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(f.Path))); err == nil {
				out[p] = append(out[p], f.Path)
			}
		}
	}
	return out
}

// JudgeWritten says which code may be deployed, for each plan of the repository around the working directory whose steps are being written as migrations
// and are not all written. Which of the files have run is not known.
func JudgeWritten(ctx context.Context) ([]onward.Readiness, error) {
	repo, err := gitrange.Open(ctx, ".")
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	plans, err := readPlans(repo.Root())
	var out []onward.Readiness
	for _, p := range plans {
		if r := readiness.JudgeWritten(p, false); r.NextStep != "" && len(p.WrittenFiles()) > 0 {
			out = append(out, *r)
		}
	}
	return out, err
}

// maxPlan bounds the file of a plan.
const maxPlan = 64 << 20

// readPlans reads the plans of a repository, by name.
func readPlans(root string) ([]*onward.Plan, error) {
	list, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(Dir), "*.json"))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, inputErrorf("no plan is in %s: onward plan --write keeps one there", Dir)
	}
	var out []*onward.Plan
	for _, file := range list {
		content, err := scratch.ReadBounded(file, maxPlan)
		if large := new(scratch.LargeError); errors.As(err, &large) {
			return nil, inputErrorf("%s is larger than %d MB", filepath.Base(file), maxPlan>>20)
		}
		if err != nil {
			return nil, err
		}
		p := &onward.Plan{}
		name := path.Join(Dir, filepath.Base(file))
		if err := json.Unmarshal(content, p); err != nil {
			return nil, inputErrorf("%s: %v", name, err)
		}
		if p.Schema != onward.PlanSchema || p.Name+".json" != filepath.Base(file) {
			return nil, inputErrorf("%s is not a plan that onward plan --write made", name)
		}
		for _, f := range p.WrittenFiles() {
			if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
				return nil, inputErrorf("%s names a file outside of the repository: %s", name, f.Path)
			}
		}
		out = append(out, p)
	}
	return out, nil
}
