package plan

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Guarded are the replaced migrations of a plan that have a guard statement: it fails while the plan is under way, so that their own tool cannot
// run them.
type Guarded struct {
	// Paths have the statement, and Written are those to which it was added.
	Paths, Written []string
	// Without are the migrations that cannot have the statement, each with the reason.
	Without []Unguarded
}

// Unguarded is a migration that cannot have the statement, and why.
type Unguarded struct{ Path, Why string }

// guardedFile is a migration before and after the statement was added.
type guardedFile struct {
	path, text, guarded string
	before              *audit.Folded
}

// Guard puts a statement first into each migration that the plan replaces, in the working tree. While the plan is under way on a database, the
// migration's own tool fails at it; else it does nothing. The statement is no part of the release. A file keeps its text if the tool would send its
// other statements in another way. The plan gets the hashes of the files as they are now.
//
// Errors: those from [audit.Read]; errors of the file system.
func Guard(ctx context.Context, c audit.Config, p *onward.Plan) (*Guarded, error) {
	c.Head = ""
	out := &Guarded{}
	before, err := readFolds(ctx, c)
	if err != nil {
		return nil, err
	}
	defer before.closeRelease()
	files, err := out.draftGuards(before, p)
	if err != nil || len(files) == 0 {
		return out, err
	}
	if err := out.saveGuards(ctx, c, before.release.Root(), files, p); err != nil {
		for _, f := range files {
			err = errors.Join(err, writeFile(gitrange.ReplaceFile, before.release.Root(), f.path, f.text))
		}
		return nil, err
	}
	p.Digest, err = ledger.PlanDigest(p)
	return out, err
}

// saveGuards writes the files, and takes back those in which the statement changes more.
func (g *Guarded) saveGuards(ctx context.Context, c audit.Config, root string, files []guardedFile, p *onward.Plan) error {
	for _, f := range files {
		if err := writeFile(gitrange.ReplaceFile, root, f.path, f.guarded); err != nil {
			return err
		}
	}
	after, err := readFolds(ctx, c)
	if err != nil {
		return err
	}
	defer after.closeRelease()
	for _, f := range files {
		if reason := describeGuardChange(f.before, after.folds[f.path]); reason != "" {
			if err := writeFile(gitrange.ReplaceFile, root, f.path, f.text); err != nil {
				return err
			}
			g.Without = append(g.Without, Unguarded{f.path, reason})
			continue
		}
		g.Paths, g.Written = append(g.Paths, f.path), append(g.Written, f.path)
		for i := range p.Migrations {
			m := &p.Migrations[i]
			if m.Path != f.path {
				continue
			}
			if m.Guarded = true; m.Hash != "" {
				m.Hash = after.hashes[f.path]
			}
		}
	}
	return nil
}

// draftGuards returns the files to which the statement can be added.
func (g *Guarded) draftGuards(r *foldedRelease, p *onward.Plan) (files []guardedFile, err error) {
	for _, planned := range p.Migrations {
		m := r.folds[planned.Path]
		sql, plain := script.GuardStatement(planned.Path)
		var reason, guarded string
		switch {
		case m == nil || planned.Hash != "" && r.hashes[planned.Path] != planned.Hash:
			reason = "the working tree has another one than the plan"
		case m.Script != nil && m.Script.HasGuard():
			g.Paths = append(g.Paths, planned.Path)
			continue
		case m.Status != onward.StatusNew:
			reason = "databases may have it already, and its tool may compare its text"
		case slices.ContainsFunc(p.Left, func(l onward.PlanLeft) bool { return l.Path == planned.Path }):
			reason = "the plan leaves a part of it, which its own tool runs while the plan is under way"
		case !plain:
			reason = "its name has characters that a tool may change"
		default:
			guarded, reason = r.release.PutFirst(planned.Path, sql)
		}
		if reason != "" {
			g.Without = append(g.Without, Unguarded{planned.Path, reason})
			continue
		}
		text, err := r.release.Content(planned.Path)
		if err != nil {
			return nil, err
		}
		files = append(files, guardedFile{planned.Path, string(text), guarded, m})
	}
	return files, nil
}

// describeGuardChange says what the statement would change for the others of its migration; "" for nothing.
func describeGuardChange(before, after *audit.Folded) string {
	switch {
	case after == nil || after.Script == nil || !after.Script.HasGuard() || len(after.Statements) != len(before.Statements):
		return "its tool would not send the statement as it is"
	case len(after.Refusals) > len(before.Refusals):
		return "with it, " + after.Refusals[0].Message
	}
	for i, s := range before.Statements {
		now := after.Statements[i]
		if now.SQL != s.SQL {
			return "its tool would not send the statement as it is"
		}
		if now.InBlock() && !s.InBlock() && slices.ContainsFunc(s.Results, func(g rule.VersionResult) bool { return g.Result.NoTransaction != "" }) {
			return "with a statement before it, line " + strconv.Itoa(s.Line) + " would run inside a transaction block, which it cannot"
		}
	}
	return ""
}

// foldedRelease is the release of a working tree, with its migrations and their hashes by path.
type foldedRelease struct {
	release *audit.Release
	folds   map[string]*audit.Folded
	hashes  map[string]string
}

func readFolds(ctx context.Context, c audit.Config) (*foldedRelease, error) {
	release, err := audit.Read(ctx, c)
	if err != nil {
		return nil, err
	}
	r := &foldedRelease{release, map[string]*audit.Folded{}, hashMigrations(release)}
	_, folds, err := release.Folds()
	if err != nil {
		r.closeRelease()
		return nil, err
	}
	for _, m := range folds {
		r.folds[m.Path] = m
	}
	return r, nil
}

func (r *foldedRelease) closeRelease() { _ = r.release.Close() }
