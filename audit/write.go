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

// Writing writes further migrations of one source.
type Writing = adapter.Writing

// Editor is a Writing that can rewrite an existing migration of one statement in place.
type Editor = adapter.Editor

// Written is a file of a migration that is not on disk yet.
type Written = adapter.Written

// Root is the directory of the repository.
func (r *Release) Root() string { return r.repo.Root() }

// Commit is the full id of the base's commit.
func (r *Release) Commit() string { return r.a.rng.BaseRev }

// DownFile returns the separate down file of the migration with a path at the head; "" if it has
// none.
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

// WritingBeside starts to write migrations in the directory that has the migrations with some
// paths at the head.
//
// Errors: a *[config.InputError] if they are in several directories, or if onward cannot write
// files for the runner.
func (r *Release) WritingBeside(ctx context.Context, paths []string) (Writing, error) {
	var found *pair
	for _, path := range paths {
		i := slices.IndexFunc(r.pairs, func(p pair) bool {
			return slices.ContainsFunc(p.head.Migrations, func(m *adapter.Migration) bool { return m.Path == path })
		})
		switch {
		case i < 0:
			return nil, inputError("%s is no migration in the %s", path, r.a.rng.Head.Name())
		case found != nil && found != &r.pairs[i]:
			return nil, inputError("the plan is of migrations in %s and %s: a plan's files are written in one place", found.source.Dir, r.pairs[i].source.Dir)
		}
		found = &r.pairs[i]
	}
	if found == nil {
		return nil, inputError("the release has no migrations")
	}
	return r.startWriting(ctx, found, paths)
}

// WritingIn starts to write migrations in a directory that has some.
//
// Errors: as for WritingBeside.
func (r *Release) WritingIn(ctx context.Context, dir string) (Writing, error) {
	for i := range r.pairs {
		if r.pairs[i].source.Dir == dir {
			return r.startWriting(ctx, &r.pairs[i], nil)
		}
	}
	return nil, inputError("no migrations are in %s", dir)
}

// startWriting starts to write migrations next to a source, which replace the migrations with some
// paths.
func (r *Release) startWriting(ctx context.Context, p *pair, paths []string) (Writing, error) {
	a, _ := all.FindAdapter(p.source.Framework)
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
		if p.head.Evidence.Tool != "" {
			name = p.head.Evidence.Tool
		}
	}
	if form == nil {
		return nil, inputError("migrations of %s are not written yet; --format sql prints the steps", name)
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

func inputError(format string, args ...any) error {
	return &config.InputError{Err: fmt.Errorf(format, args...)}
}
