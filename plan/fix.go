package plan

import (
	"context"
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
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// Edit is a rewritten migration that stays one file.
type Edit struct {
	// Path is relative to the repository's root.
	Path     string
	Old, New string
}

// Fixes are changes of a release's files that make it safe. They are not on disk yet.
type Fixes struct {
	// Root is the repository's directory.
	Root string
	// Edits are rewritten files with the same result.
	Edits []Edit
	// Draft has the files that replace Removed, which are migrations and their down files. It
	// is nil if there are none.
	Draft   *Draft
	Removed []audit.Written
	// Left lists unsafe migrations that stay as they are, and why.
	Left []string
}

// untried is why a plan that was made without a server is not proven.
const untried = "nothing was tried on a server: onward plan proves a plan before it writes it"

// Fix drafts the files that make the release of the working tree safe. A migration that one
// safe statement can replace stays one file. From the first migration that needs more, a plan
// replaces it and all that follow. Files of the base are never touched. If there are paths,
// only findings in or below them count; paths are absolute, or relative to Dir of the config.
//
// Errors: those from [audit.Read]; a *[config.InputError] for a head that is not the working
// tree.
func Fix(ctx context.Context, c audit.Config, paths []string) (*Fixes, error) {
	if c.Head != "" {
		return nil, inputErrorf("%s cannot be rewritten: only the working tree can", c.Head)
	}
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	isChosen, err := pathFilter(release.Root(), c.Dir, paths)
	if err != nil {
		return nil, err
	}
	report, folds, err := release.FoldsWithin(mostStatements)
	if err != nil {
		return nil, err
	}
	f := &fixer{
		Fixes: &Fixes{Root: release.Root()}, release: release, report: report, folds: folds, deployed: deployedSchema(folds),
		settings: c.Settings, edits: c.Edits,
	}
	return f.Fixes, f.fixMigrations(ctx, isChosen)
}

// pathFilter returns a function that reports whether a file of a repository is one of the paths, or
// in one of them.
func pathFilter(root, dir string, paths []string) (func(string) bool, error) {
	var local []string
	for _, p := range paths {
		if !filepath.IsAbs(p) {
			p = filepath.Join(dir, p)
		}
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, err
		}
		if resolved, err := filepath.EvalSymlinks(abs); err == nil {
			abs = resolved
		}
		rel, err := filepath.Rel(root, abs)
		if err != nil || !filepath.IsLocal(rel) {
			return nil, inputErrorf("%s is not in the repository at %s: what is deployed is not known of it", p, root)
		}
		local = append(local, filepath.ToSlash(rel))
	}
	return func(file string) bool {
		return len(local) == 0 || slices.ContainsFunc(local, func(p string) bool { return p == "." || p == file || strings.HasPrefix(file, p+"/") })
	}, nil
}

type fixer struct {
	*Fixes
	release  *audit.Release
	report   *onward.Report
	folds    []*audit.Folded
	deployed *catalog.Catalog
	settings *config.Config
	edits    audit.Edits
}

// newSource returns a release of some migrations.
func (f *fixer) newSource(folds []*audit.Folded) *source {
	return &source{report: f.report, folds: folds, settings: f.settings, deployed: f.deployed, measure: f.release.Measure}
}

func (f *fixer) noteLeft(format string, args ...any) {
	f.Left = append(f.Left, fmt.Sprintf(format, args...))
}

// fixMigrations processes the migrations in order, up to the first that cannot stay one file.
func (f *fixer) fixMigrations(ctx context.Context, isChosen func(string) bool) error {
	if len(f.folds) == 0 && len(f.report.Migrations) > 0 {
		f.noteLeft("the release is too large to be rewritten: it has more than %d statements", mostStatements)
	}
	for i, m := range f.folds {
		if firstPlannableMigration(f.report, f.folds[i:i+1]) == 1 || !isChosen(m.Path) {
			continue
		}
		if m.Status != onward.StatusNew {
			f.noteLeft("%s is in the base, and may be deployed: it is not touched", m.Path)
			continue
		}
		content, err := f.readOpenFile(m.Path)
		if err != nil {
			return err
		}
		edit := f.newSource([]*audit.Folded{m}).rewriteMigration(ctx, f.release.WritingBeside, content)
		if edit == nil {
			return f.draftPlan(ctx, f.folds[i:])
		}
		f.Edits = append(f.Edits, *edit)
	}
	return nil
}

// readOpenFile reads a file of the working tree, or its text that is not saved yet.
func (f *fixer) readOpenFile(path string) (string, error) {
	if text := f.edits[path]; text != nil {
		return *text, nil
	}
	content, err := os.ReadFile(filepath.Join(f.Root, filepath.FromSlash(path)))
	return string(content), err
}

// RewriteDraft rewrites a migration of one statement, whose text is given, as [Fix] does. It returns nil if the migration has no
// finding, or needs more than one file.
func RewriteDraft(ctx context.Context, d *audit.Draft, judged *audit.Drafted, settings *config.Config, path, text string) *Edit {
	m := judged.Judged[path]
	if m == nil || m.Status != onward.StatusNew || firstPlannableMigration(judged.Report, []*audit.Folded{m}) == 1 {
		return nil
	}
	var folds []*audit.Folded
	for _, migration := range judged.Report.Migrations {
		if fold := judged.Judged[migration.Path]; fold != nil {
			folds = append(folds, fold)
		}
	}
	s := &source{report: judged.Report, folds: []*audit.Folded{m}, settings: settings, deployed: deployedSchema(folds), measure: d.Measure}
	return s.rewriteMigration(ctx, d.WritingBeside, text)
}

// rewriteMigration rewrites a source's migration of one statement with safe statements, if these fit into one file; otherwise
// it returns nil. writeBeside starts to write in a directory.
func (s *source) rewriteMigration(ctx context.Context, writeBeside func(context.Context, []string) (audit.Writing, error), text string) *Edit {
	m := s.folds[0]
	if len(m.Script.Statements) != 1 {
		return nil
	}
	singleStatement := m.Script.Statements[0]
	if singleStatement.Start < 0 || singleStatement.End > len(text) || text[singleStatement.Start:singleStatement.End] != singleStatement.SQL {
		return nil // it is not the text that was audited: a template, an encoding, a program
	}
	p := s.buildPlan(nil)
	if !p.isPlanSafe() {
		return nil
	}
	w, err := writeBeside(ctx, []string{m.Path})
	editor, canEdit := w.(audit.Editor)
	if err != nil || !canEdit {
		return nil // the plan says why
	}
	steps := p.plan.Steps
	alone := len(steps) == 1 && steps[0].Transaction == onward.TransactionNone
	sql := ""
	for i := range steps {
		step := &steps[i]
		if step.Phase != onward.Expand || explainByHand(w, step) != "" || !alone && !editor.Commits() {
			return nil // several files
		}
		sql += step.SQL
	}
	rest := text[singleStatement.End:]
	if strings.HasPrefix(rest, ";") {
		sql = strings.TrimSuffix(strings.TrimRight(sql, "\n"), ";")
	}
	out := text[:singleStatement.Start] + sql + rest
	if m.Mode != onward.TransactionNone {
		out = editor.Alone(out)
	}
	if out == text {
		return nil
	}
	return &Edit{Path: m.Path, Old: text, New: out}
}

// isPlanSafe reports whether each step of a plan has a safe form, and a server accepts them.
func (p *planner) isPlanSafe() bool {
	return len(p.plan.Steps) > 0 && !p.fails && len(p.bad) == 0 && len(p.plan.Proof.Missing) == 0
}

// draftPlan drafts the files that replace some migrations.
func (f *fixer) draftPlan(ctx context.Context, folds []*audit.Folded) error {
	for _, m := range folds {
		if m.Status != onward.StatusNew {
			f.noteLeft("%s is not safe, and %s, which follows, is in the base: it is not touched", folds[0].Path, m.Path)
			return nil
		}
	}
	p, _ := f.newSource(folds).planChains(nil)
	for _, m := range p.plan.Proof.Missing {
		f.noteLeft("%s", m)
	}
	if len(p.plan.Steps) == 0 || p.isBlocked() || !p.passesChecks() {
		for _, c := range p.plan.Proof.Checks {
			if !c.OK {
				f.noteLeft("%s", c.Detail)
			}
		}
		return nil
	}
	p.plan.Proof.Missing = append(p.plan.Proof.Missing, untried)
	if err := p.finalizePlan(); err != nil {
		return err
	}
	d, err := draftFirstFiles(ctx, f.release, p.plan)
	input := new(config.InputError)
	if errors.As(err, &input) {
		f.noteLeft("%v", err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range d.Replaced {
		if err := f.recordRemovedFiles(d, entry); err != nil {
			return err
		}
	}
	f.Draft, d.Replaced = d, nil
	return nil
}

// recordRemovedFiles records that a file, or the files of a directory, are removed.
func (f *Fixes) recordRemovedFiles(d *Draft, entry string) error {
	files := []string{entry}
	if list, err := os.ReadDir(d.absolutePath(entry)); err == nil {
		files = nil
		for _, x := range list {
			files = append(files, path.Join(entry, x.Name()))
		}
	}
	for _, name := range files {
		content, err := os.ReadFile(d.absolutePath(name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		f.Removed = append(f.Removed, audit.Written{Path: name, Text: string(content)})
	}
	return nil
}

// Diff returns what Save would do, as a patch.
func (f *Fixes) Diff() (string, error) {
	var b strings.Builder
	for _, e := range f.Edits {
		from, to := "a/"+e.Path, "b/"+e.Path
		writeHunk(&b, from, to, e.Old, e.New)
	}
	for _, r := range f.Removed {
		writeHunk(&b, "a/"+r.Path, "/dev/null", r.Text, "")
	}
	if f.Draft == nil {
		return b.String(), nil
	}
	draftDiff, err := f.Draft.Diff()
	return b.String() + draftDiff, err
}

// writeHunk writes a patch that replaces a whole text by another.
func writeHunk(b *strings.Builder, from, to, before, after string) {
	span := func(text string) string {
		n := strings.Count(text, "\n")
		if text != "" && !strings.HasSuffix(text, "\n") {
			n++
		}
		if n == 0 {
			return "0,0"
		}
		return fmt.Sprintf("1,%d", n)
	}
	fmt.Fprintf(b, "--- %s\n+++ %s\n@@ -%s +%s @@\n", from, to, span(before), span(after))
	for _, side := range []struct{ sign, text string }{{"-", before}, {"+", after}} {
		for line := range strings.Lines(side.text) {
			b.WriteString(side.sign + line)
			if !strings.HasSuffix(line, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
}

// NewFiles returns the files that Save would create, with the plan.
//
// Errors: those from [Draft.Save] for a file that exists.
func (f *Fixes) NewFiles() ([]audit.Written, error) {
	if f.Draft == nil {
		return nil, nil
	}
	return f.Draft.checkFiles()
}

// Save writes the files, and then removes the files that they replace.
//
// Errors: those from [Draft.Save]; a *[config.InputError] for a file that has changed
// meanwhile.
func (f *Fixes) Save() error {
	absPath := func(p string) string { return filepath.Join(f.Root, filepath.FromSlash(p)) }
	old := map[string]string{}
	for _, e := range f.Edits {
		old[e.Path] = e.Old
	}
	for _, r := range f.Removed {
		old[r.Path] = r.Text
	}
	for path, text := range old {
		if info, err := os.Lstat(absPath(path)); err != nil || !info.Mode().IsRegular() {
			return inputErrorf("%s is no file that can be rewritten", path)
		}
		if now, err := os.ReadFile(absPath(path)); err != nil || string(now) != text {
			return inputErrorf("%s was changed meanwhile: run it again", path)
		}
	}
	if f.Draft != nil {
		if err := f.Draft.Save(); err != nil {
			return err
		}
	}
	for _, e := range f.Edits {
		if err := writeFile(gitrange.ReplaceFile, f.Root, e.Path, e.New); err != nil {
			return err
		}
	}
	for _, r := range f.Removed {
		if err := os.Remove(absPath(r.Path)); err != nil {
			return err
		}
		_ = os.Remove(filepath.Dir(absPath(r.Path))) // only if it is empty
	}
	return nil
}
