package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
)

// Writing is how further migrations of one source are written.
type Writing = adapter.Writing

// Editor is a Writing whose migrations of one statement can be rewritten where they stand.
type Editor = adapter.Editor

// Written is a file of a migration that is not on disk yet.
type Written = adapter.Written

// Root is the directory of the repository.
func (r *Release) Root() string { return r.repo.Root() }

// Commit is the full id of the commit that is the base.
func (r *Release) Commit() string { return r.a.rng.BaseRev }

// DownFile is the file with the way back of the migration with a path at the head; "" where it is
// in none of its own.
func (r *Release) DownFile(path string) string {
	for i := range r.pairs {
		for _, m := range r.pairs[i].head.Migrations {
			if m.Path == path && m.DownPath != path {
				return m.DownPath
			}
		}
	}
	return ""
}

// WritingBeside begins writing migrations where those with some paths lie at the head.
//
// Errors: a *[config.InputError] where that is not one place, or its runner's files are
// not written yet.
func (r *Release) WritingBeside(ctx context.Context, paths []string) (Writing, error) {
	var found *pair
	for _, path := range paths {
		i := slices.IndexFunc(r.pairs, func(p pair) bool {
			return slices.ContainsFunc(p.head.Migrations, func(m *adapter.Migration) bool { return m.Path == path })
		})
		switch {
		case i < 0:
			return nil, input("%s is no migration in the %s", path, r.a.rng.Head.Name())
		case found != nil && found != &r.pairs[i]:
			return nil, input("the plan is of migrations in %s and %s: a plan's files are written in one place", found.source.Dir, r.pairs[i].source.Dir)
		}
		found = &r.pairs[i]
	}
	if found == nil {
		return nil, input("the release has no migrations")
	}
	return r.writing(ctx, found, paths)
}

// WritingIn begins writing migrations in a directory that has some.
//
// Errors: those of WritingBeside.
func (r *Release) WritingIn(ctx context.Context, dir string) (Writing, error) {
	for i := range r.pairs {
		if r.pairs[i].source.Dir == dir {
			return r.writing(ctx, &r.pairs[i], nil)
		}
	}
	return nil, input("no migrations are in %s", dir)
}

// writing begins writing beside a source, in the place of the migrations with some paths.
func (r *Release) writing(ctx context.Context, p *pair, paths []string) (Writing, error) {
	a, _ := all.Named(p.source.Framework)
	if c, can := a.(adapter.Composer); can {
		var replaced []string
		for _, m := range p.head.Migrations {
			if slices.Contains(paths, m.Path) {
				replaced = append(replaced, m.ID)
			}
		}
		out, err := c.Compose(ctx, r.a.head, p.head, replaced)
		if err != nil {
			return nil, &config.InputError{Err: err}
		}
		return out, nil
	}
	w, can := a.(adapter.Writer)
	name := p.source.Framework
	var form *adapter.Form
	if can {
		form = w.Form(r.a.head, p.head)
		if p.head.Told.Tool != "" {
			name = p.head.Told.Tool
		}
	}
	if form == nil {
		return nil, input("migrations of %s are not written yet; --format sql prints the steps", name)
	}
	now := r.a.Now
	if now.IsZero() {
		now = time.Now()
	}
	out, err := adapter.NewWriting(r.a.head, p.head, form, now)
	if err != nil {
		return nil, &config.InputError{Err: err}
	}
	return out, nil
}

func input(format string, args ...any) error {
	return &config.InputError{Err: fmt.Errorf(format, args...)}
}
