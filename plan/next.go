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
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
)

// Passed says what of the plans' conditions holds.
type Passed struct {
	// Gone is the release of which no process is left, as a revision; "" for none.
	Gone string
	// Filled are the names of plans whose step by hand, the first that is not written, ran.
	Filled []string
}

// Next drafts what is due of the plans in [Dir], a draft for each plan that is not written
// to its end.
//
// Errors: those of [audit.Read]; a *[config.InputError] for a plan that cannot be read, or
// whose files are not as they were written.
func Next(ctx context.Context, c audit.Config, passed Passed) ([]*Draft, error) {
	c.Base, c.Head = "HEAD", ""
	if passed.Gone != "" {
		c.Base = passed.Gone
	}
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	plans, err := kept(release.Root())
	if err != nil {
		return nil, err
	}
	var out []*Draft
	fits := false
	writing := map[string]audit.Writing{} // plans of one directory are numbered on
	for _, p := range plans {
		d := &Draft{Root: release.Root(), Plan: p, Path: path.Join(Dir, p.Name+".json"), Again: true}
		if err := d.unchanged(); err != nil {
			return nil, err
		}
		gone := passed.Gone != "" && (p.Commit == release.Commit() || p.Base == passed.Gone)
		fits = fits || gone
		if writing[p.Dir] == nil {
			if writing[p.Dir], err = release.WritingIn(ctx, p.Dir); err != nil {
				return nil, err
			}
		}
		if err := d.goOn(writing[p.Dir], slices.Contains(passed.Filled, p.Name), gone); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	for _, name := range passed.Filled {
		if !slices.ContainsFunc(plans, func(p *onward.Plan) bool { return p.Name == name }) {
			return nil, refused("%s has no plan of the name %s", Dir, name)
		}
	}
	if passed.Gone != "" && !fits {
		return nil, refused("no plan in %s waits for %s to be gone; they wait for %s", Dir, passed.Gone, strings.Join(bases(plans), ", "))
	}
	return out, nil
}

func bases(plans []*onward.Plan) []string {
	var out []string
	for _, p := range plans {
		out = append(out, fmt.Sprintf("%s (%.12s)", p.Base, p.Commit))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// goOn drafts what follows in a plan.
func (d *Draft) goOn(w audit.Writing, filled, gone bool) error {
	i := slices.IndexFunc(d.Plan.Steps, func(s onward.PlanStep) bool { return len(s.Files) == 0 && !s.Ran })
	if i < 0 {
		return nil
	}
	s := &d.Plan.Steps[i]
	if filled && s.ByHand == "" {
		return refused("plan %s waits for no step that is run by hand", d.Plan.Name)
	}
	s.Ran = s.ByHand != "" && filled
	d.Ran = s.Ran
	return d.steps(w, gone)
}

// unchanged reports the first file of a plan that is not as it was written, and a
// migration beside it that it takes the place of.
func (d *Draft) unchanged() error {
	for _, m := range d.Plan.Migrations {
		if _, err := os.Lstat(d.at(m.Path)); err == nil && filepath.IsLocal(filepath.FromSlash(m.Path)) {
			return refused("%s is still there, and plan %s takes its place: git rm %s", m.Path, d.Plan.Name, m.Path)
		}
	}
	for _, f := range files(d.Plan) {
		content, err := os.ReadFile(d.at(f.Path))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return refused("plan %s was written to %s, which is gone: what follows is for a database that ran it", d.Plan.Name, f.Path)
		case err != nil:
			return err
		case sum(content) != f.SHA256:
			return refused("plan %s was written to %s, which was changed since: what follows is for a database that ran it as it was", d.Plan.Name, f.Path)
		}
	}
	return nil
}

// files are all that a plan was written to.
func files(p *onward.Plan) []onward.PlanFile {
	out := slices.Clone(p.Files)
	for i := range p.Steps {
		out = append(out, p.Steps[i].Files...)
	}
	return out
}

// ListWritten reads the plans of a repository of which migrations were written, and that are still there: with the paths of
// these migrations. What is not such a plan is passed over; [Next] reports it.
func ListWritten(root string) map[*onward.Plan][]string {
	plans, err := kept(root)
	if err != nil {
		return nil
	}
	out := map[*onward.Plan][]string{}
	for _, p := range plans {
		for _, f := range files(p) {
			if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(f.Path))); err == nil {
				out[p] = append(out[p], f.Path)
			}
		}
	}
	return out
}

// kept reads the plans of a repository, by their names.
func kept(root string) ([]*onward.Plan, error) {
	list, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(Dir), "*.json"))
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, refused("no plan is in %s: onward plan --write keeps one there", Dir)
	}
	var out []*onward.Plan
	for _, file := range list {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		p := &onward.Plan{}
		at := path.Join(Dir, filepath.Base(file))
		if err := json.Unmarshal(content, p); err != nil {
			return nil, refused("%s: %v", at, err)
		}
		if p.Schema != onward.PlanSchema || p.Name+".json" != filepath.Base(file) {
			return nil, refused("%s is not a plan that onward plan --write made", at)
		}
		for _, f := range files(p) {
			if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
				return nil, refused("%s names a file outside of the repository: %s", at, f.Path)
			}
		}
		out = append(out, p)
	}
	return out, nil
}

func refused(format string, args ...any) error {
	return &config.InputError{Err: fmt.Errorf(format, args...)}
}
