package plan

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Dir is the directory of plans whose steps are being written, relative to the repository's
// root.
const Dir = audit.PlansDir

// Draft has files that are not on disk yet.
type Draft struct {
	// Root is the repository's directory; all paths are relative to it.
	Root string
	// Plan is the plan as Path will have it. Again: it exists, and is replaced.
	Plan  *onward.Plan
	Path  string
	Again bool
	// Files are new migrations, in order.
	Files []audit.Written
	// Replaced are the files and directories of existing migrations that the plan replaces.
	Replaced []string
	// Script runs Waits with psql, if no migration can run it; nil if one can.
	Script *audit.Written
	// Ran: it records that a manual step was run. Waits is the first step that is not
	// written; nil if all are.
	Ran   bool
	Waits *onward.PlanStep
}

// Write drafts the files of a plan: its steps before the first contract, as far as the
// migration tool can run them. They sort after all migrations of the working tree.
//
// Errors: those from [audit.Read]; a *[config.InputError] if onward cannot write the tool's
// files yet.
func Write(ctx context.Context, c audit.Config, p *onward.Plan) (*Draft, error) {
	c.Head = ""
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	return draftFirstFiles(ctx, release, p)
}

// draftFirstFiles drafts the first files of a plan of a release.
func draftFirstFiles(ctx context.Context, release *audit.Release, p *onward.Plan) (*Draft, error) {
	if err := refuseWrittenMigrations(release, p); err != nil {
		return nil, err
	}
	d := &Draft{Root: release.Root(), Plan: p}
	var paths []string
	for _, m := range p.Migrations {
		paths = append(paths, m.Path)
		d.Replaced = append(d.Replaced, release.MigrationFiles(m.Path)...)
	}
	w, err := release.WritingBeside(ctx, paths)
	if err != nil {
		return nil, err
	}
	p.Dir, p.Commit = w.Dir(), release.Commit()
	p.Name = migrationSlug(p.Migrations[0].ID)
	d.Path = path.Join(Dir, p.Name+".json")
	if err := d.draftSteps(w, false); err != nil {
		return nil, err
	}
	rest, err := w.Rest(p)
	if err != nil {
		return nil, &config.InputError{Err: err}
	}
	p.Files = toPlanFiles(rest)
	d.Files = append(d.Files, rest...)
	return d, nil
}

// WrittenError says that the migrations of a release are files of a plan. Next is the command that goes on with that.
type WrittenError struct {
	Plan       *onward.Plan
	Next, text string
}

// Error says it.
func (e *WrittenError) Error() string { return e.text }

// refuseWrittenMigrations refuses a plan of migrations that were written from another plan: the steps of steps are no steps, and the tool would run
// both.
func refuseWrittenMigrations(release *audit.Release, p *onward.Plan) error {
	for _, written := range release.WrittenPlans() {
		for _, f := range written.WrittenFiles() {
			if !slices.ContainsFunc(p.Migrations, func(m onward.PlannedMigration) bool { return m.Path == f.Path || m.Path == path.Dir(f.Path) }) {
				continue
			}
			next := "onward plan next"
			if i := slices.IndexFunc(written.Steps, func(s onward.PlanStep) bool { return s.ByHand != "" && !s.Ran }); i >= 0 {
				next += " --filled " + written.Name
			} else if written.Contract() < len(written.Steps) {
				next += " --gone " + written.Base
			}
			return &config.InputError{Err: &WrittenError{Plan: written, Next: next, text: fmt.Sprintf("%s is a file of plan %s, which was written already: "+
				"nothing is written again. To plan the other migrations of this branch, commit these files and name that commit with --base. "+
				"The plan goes on with: %s", f.Path, written.Name, next)}}
		}
	}
	return nil
}

// toPlanFiles returns files in the form that a plan keeps.
func toPlanFiles(files []audit.Written) []onward.PlanFile {
	var out []onward.PlanFile
	for _, f := range files {
		out = append(out, onward.PlanFile{Path: f.Path, SHA256: hashContent([]byte(f.Text))})
	}
	return out
}

// draftSteps drafts the files of the steps from the first unwritten one to one that must wait.
func (d *Draft) draftSteps(w audit.Writing, isBaseGone bool) error {
	for i := 0; i < len(d.Plan.Steps); i++ {
		s := &d.Plan.Steps[i]
		if len(s.Files) > 0 || s.Ran {
			continue
		}
		if s.Phase == onward.Contract {
			if err := d.draftLeft(w); err != nil {
				return err
			}
		}
		if s.Phase == onward.Contract && !isBaseGone {
			d.Waits = s
			return nil
		}
		if s.ByHand = explainByHand(w, s); s.ByHand != "" {
			d.Waits = s
			d.draftScript(s)
			return nil
		}
		joinedSteps := d.Plan.Steps[i : i+countStepsInFile(w, d.Plan.Steps[i:])]
		files, err := w.Files(d.Plan, mergeSteps(joinedSteps), migrationSlug(s.Migration)+"_"+strings.ReplaceAll(s.ID, "-", "_"))
		if err != nil {
			return &config.InputError{Err: err}
		}
		planFiles := toPlanFiles(files)
		for n := range joinedSteps {
			joinedSteps[n].Files = slices.Clone(planFiles)
		}
		d.Files = append(d.Files, files...)
		i += len(joinedSteps) - 1
	}
	return d.draftLeft(w)
}

// draftLeft drafts the files of what the plan leaves, once: a migration for each statement, as it was written.
func (d *Draft) draftLeft(w audit.Writing) error {
	if len(d.Plan.LeftFiles) > 0 {
		return nil
	}
	for i, group := range groupLeft(d.Plan.Left) {
		l := &group[0]
		if l.SQL == "" {
			files, err := draftCode(w, d.Plan, group)
			if err != nil {
				return err
			}
			d.Plan.LeftFiles = append(d.Plan.LeftFiles, toPlanFiles(files)...)
			d.Files = append(d.Files, files...)
			continue
		}
		s := &onward.PlanStep{
			ID: fmt.Sprintf("left-%02d", i+1), Phase: onward.Expand, Class: onward.StepWork, SQL: leftSQL(group), Transaction: l.Transaction, Migration: l.Migration,
			Why: "run the statement as it was written: it has no proven steps",
		}
		if s.Transaction == onward.TransactionFile {
			s.SQL = wrapTransaction(s.SQL)
		}
		if reason := w.Carries(s); reason != "" {
			return inputErrorf("%s:%d cannot be written: %s", l.Path, l.Line, reason)
		}
		files, err := w.Files(d.Plan, s, migrationSlug(l.Migration)+"_"+strings.ReplaceAll(s.ID, "-", "_"))
		if err != nil {
			return &config.InputError{Err: err}
		}
		d.Plan.LeftFiles = append(d.Plan.LeftFiles, toPlanFiles(files)...)
		d.Files = append(d.Files, files...)
	}
	return nil
}

// draftCode drafts the files of code that the plan leaves.
func draftCode(w audit.Writing, p *onward.Plan, group []onward.PlanLeft) ([]audit.Written, error) {
	l := &group[0]
	code, canWrite := w.(audit.CodeWriter)
	if !canWrite {
		return nil, inputErrorf("%s:%d is code that no file of the plan can have (%s): move it to a migration of its own, or choose other chains with --only",
			l.Path, l.Line, strings.Join(l.Why, "; "))
	}
	var lines []int
	for i := range group {
		lines = append(lines, group[i].Line)
	}
	files, err := code.CodeFiles(p, l.Migration, slices.Compact(lines))
	if err != nil {
		return nil, inputErrorf("%s:%d: %w; or choose other chains with --only", l.Path, l.Line, err)
	}
	return files, nil
}

func hashContent(content []byte) string {
	out := sha256.Sum256(content)
	return hex.EncodeToString(out[:])
}

var (
	classNumber      = lazyregexp.New(`^Migration\d{14}_?|\d{13}$`) // in classes of MikroORM and TypeORM
	leadingNumber    = lazyregexp.New(`^(?:\w+\.)?[A-Za-z]?(?:\d+[-_.]+)+`)
	unsafeCharacters = lazyregexp.New(`[^A-Za-z0-9_-]+`)
)

// migrationSlug returns a migration's ID without its number, for a file name.
func migrationSlug(id string) string {
	id = strings.Trim(unsafeCharacters.ReplaceAllString(classNumber.ReplaceAllString(leadingNumber.ReplaceAllString(path.Base(id), ""), ""), "_"), "_")
	return cmp.Or(id[:min(len(id), 60)], "plan")
}

// Diff returns what Save would do, as a patch of new files. For an existing plan it only
// says that the plan changes.
func (d *Draft) Diff() (string, error) {
	var b strings.Builder
	content, err := d.encodePlan()
	if err != nil {
		return "", err
	}
	files := d.newFiles()
	if !d.Again {
		files = append(files, audit.Written{Path: d.Path, Text: string(content)})
	}
	for _, f := range files {
		fmt.Fprintf(&b, "--- /dev/null\n+++ b/%s\n@@ -0,0 +1,%d @@\n", f.Path, strings.Count(f.Text, "\n"))
		for line := range strings.Lines(f.Text) {
			b.WriteString("+" + line)
		}
	}
	return b.String(), nil
}

// newFiles returns the migrations, and the script if it is not there yet.
func (d *Draft) newFiles() []audit.Written {
	files := slices.Clone(d.Files)
	if d.Script != nil {
		if content, err := os.ReadFile(d.absolutePath(d.Script.Path)); err != nil || string(content) != d.Script.Text {
			files = append(files, *d.Script)
		}
	}
	return files
}

func (d *Draft) encodePlan() ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(d.Plan)
	return []byte(b.String()), err
}

// Save writes the files. It overwrites none, except for the plan of a draft that continues
// it. If a file cannot be written, the earlier ones are removed.
//
// Errors: a *[config.InputError] that names an existing file; errors of the file system.
func (d *Draft) Save() (err error) {
	files, err := d.checkFiles()
	if err != nil {
		return err
	}
	var writtenFiles []string
	defer func() {
		if err != nil {
			for _, file := range writtenFiles {
				_ = os.Remove(file)
			}
		}
	}()
	for _, f := range files {
		if d.Again && f.Path == d.Path {
			if err := writeFile(gitrange.ReplaceFile, d.Root, f.Path, f.Text); err != nil {
				return err
			}
			continue
		}
		if err := writeFile(gitrange.CreateFile, d.Root, f.Path, f.Text); err != nil {
			return err
		}
		writtenFiles = append(writtenFiles, d.absolutePath(f.Path))
	}
	return nil
}

// checkFiles returns all files of the draft, with its plan. It fails for a file that would be overwritten.
func (d *Draft) checkFiles() ([]audit.Written, error) {
	content, err := d.encodePlan()
	if err != nil {
		return nil, err
	}
	files := append(d.newFiles(), audit.Written{Path: d.Path, Text: string(content)})
	for _, f := range files {
		if _, err := os.Lstat(d.absolutePath(f.Path)); err == nil && !(d.Again && f.Path == d.Path) {
			return nil, &config.InputError{Err: fmt.Errorf("%s is there already, and nothing is overwritten: remove it, or the plan that it belongs to", f.Path)}
		}
	}
	return files, nil
}

func (d *Draft) absolutePath(p string) string { return filepath.Join(d.Root, filepath.FromSlash(p)) }

// writeFile writes a file of the repository. One that exists, and a path that leads out of the repository, are input errors.
func writeFile(write func(root, path, text string) error, root, path, text string) error {
	err := write(root, path, text)
	if _, leadsOut := errors.AsType[*gitrange.OutsideError](err); leadsOut || errors.Is(err, fs.ErrExist) {
		return &config.InputError{Err: err}
	}
	return err
}

func inputErrorf(format string, args ...any) error {
	return &config.InputError{Err: fmt.Errorf(format, args...)}
}
