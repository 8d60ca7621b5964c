package audit

import (
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/code/deployed"
)

// Writing writes further migrations of one source, such as the steps of a plan for onward plan --write.
type Writing = adapter.Writing

// CodeWriter is a [Writing] that can write the programs of migrations.
type CodeWriter = adapter.CodeWriter

// Editor is a Writing that can rewrite an existing migration of one statement in place.
type Editor = adapter.Editor

// Written is a file of a migration that is not on disk yet.
type Written = adapter.Written

// PlansDir is the directory of plans whose steps are being written, relative to the repository's root. Its files are no
// migrations.
const PlansDir = deployed.PlansDir

// Root is the directory of the repository.
func (r *Release) Root() string { return r.repo.Root() }

// Commit is the full id of the merge base of base and head.
func (r *Release) Commit() string { return r.a.rng.ParentRev }

// MigrationFiles returns what is removed from the working tree with the migration of a path at the head: its file and its
// separate down file, or the directory of its own that has them.
func (r *Release) MigrationFiles(file string) []string {
	p, m := r.findMigration(file)
	switch dir := path.Dir(file); {
	case m == nil:
		return []string{file}
	case dir != p.source.Dir && path.Base(dir) == m.ID:
		return []string{dir}
	case m.DownPath != "" && m.DownPath != file:
		return []string{file, m.DownPath}
	}
	return append([]string{file}, m.Beside...)
}

// findMigration returns the migration with a path at the head, and its source; nil if there is none.
func (r *Release) findMigration(file string) (*pair, *adapter.Migration) {
	for i := range r.pairs {
		for _, m := range r.pairs[i].head.Migrations {
			if m.Path == file {
				return &r.pairs[i], m
			}
		}
	}
	return nil, nil
}

// WritingBeside starts to write migrations in the directory that has the migrations with some
// paths at the head.
//
// Errors: a *[config.InputError] if they are in several directories, or if onward cannot write
// files for the runner.
func (r *Release) WritingBeside(ctx context.Context, paths []string) (Writing, error) {
	var found *pair
	for _, file := range paths {
		p, _ := r.findMigration(file)
		switch {
		case p == nil:
			return nil, newInputError("%s is no migration in the %s", file, r.a.rng.Head.Name())
		case found != nil && found != p:
			return nil, newInputError("the plan is of migrations in %s and %s: a plan's files are written in one place", found.source.Dir, p.source.Dir)
		}
		found = p
	}
	if found == nil {
		return nil, newInputError("the release has no migrations")
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
	return nil, newInputError("no migrations are in %s", dir)
}

// startWriting starts to write migrations next to a source, which replace the migrations with some
// paths.
func (r *Release) startWriting(ctx context.Context, p *pair, paths []string) (Writing, error) {
	a, _ := all.FindAdapter(p.source.Framework)
	if c, ok := a.(adapter.Composer); ok {
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
	w, ok := a.(adapter.Writer)
	name := p.source.Framework
	var form *adapter.Form
	if ok {
		form = w.Form(r.a.head, p.head)
		if p.head.Evidence.Tool != "" {
			name = p.head.Evidence.Tool
		}
	}
	switch {
	case form != nil && form.Unwritable != "":
		return nil, newInputError("%s", form.Unwritable)
	case form == nil && p.head.Together && p.head.Count != nil:
		return nil, newInputError("%s runs all pending files in one transaction, and the steps of a plan need their own: "+
			"onward apply --plan runs them, and records the migrations in the table of %[1]s", name)
	case form == nil:
		return nil, newInputError("migrations of %s are not written yet; --format sql prints the steps", name)
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

// PutFirst returns the text of a migration of the head with a statement before all others, in the tool's own form, or why that is not possible.
func (r *Release) PutFirst(file, sql string) (text, reason string) {
	p, m := r.findMigration(file)
	if p == nil {
		return "", "it is no migration in the " + r.a.rng.Head.Name()
	}
	a, _ := all.FindAdapter(p.source.Framework)
	switch a := a.(type) {
	case adapter.FirstWriter:
		if text = a.PutFirst(r.a.head, m, sql); text == "" {
			reason = "the place before its first statement is not known"
		}
		return text, reason
	case adapter.Writer:
		form := a.Form(r.a.head, p.head)
		if form != nil && form.Name == "" {
			form.Name = p.head.Evidence.Tool
		}
		return form.PutFirst(m, sql)
	}
	return "", "how its tool reads a statement with a ';' in it is not known"
}

func newInputError(format string, args ...any) error {
	return &config.InputError{Err: fmt.Errorf(format, args...)}
}

// A runner may record the parts of a file separately (Liquibase's changesets). A new part
// of a deployed file then runs, and is no edit.

// partTexts maps the recorded names of a migration's parts to the texts that the runner
// compares; nil if it is recorded as a whole.
func partTexts(m *adapter.Migration) map[string]string {
	out := map[string]string{}
	for _, p := range m.Source.Parts {
		if p.Name == "" {
			return nil
		}
		out[p.Name] += "\x00" + p.Sum
	}
	return out
}

// keepsDeployedParts reports whether all deployed parts of a migration are unchanged, or configured
// to run again.
func keepsDeployedParts(old, m *adapter.Migration) bool {
	oldTexts, newTexts := partTexts(old), partTexts(m)
	if oldTexts == nil || newTexts == nil || len(oldTexts)+len(newTexts) == 0 {
		return false
	}
	for _, p := range m.Source.Parts {
		if oldText, known := oldTexts[p.Name]; known && oldText != newTexts[p.Name] && !p.Again && p.Sum != "" {
			return false
		}
	}
	return true
}

// selectNewParts returns a migration with only the parts that are new or changed. The other parts
// of its text are blank.
func selectNewParts(old, m *adapter.Migration) *adapter.Migration {
	oldTexts, newTexts := partTexts(old), partTexts(m)
	out := *m
	text := []byte(m.Source.Text)
	for i, b := range text {
		if b != '\n' {
			text[i] = ' '
		}
	}
	out.Source.Parts = nil
	for _, p := range m.Source.Parts {
		if oldText, known := oldTexts[p.Name]; !known || oldText != newTexts[p.Name] && p.Again {
			out.Source.Parts = append(out.Source.Parts, p)
			copy(text[p.Start:], p.SQL)
		}
	}
	if out.Source.Written == "" {
		out.Source.Written = m.Source.Text
	}
	out.Source.Text = string(text)
	return &out
}
