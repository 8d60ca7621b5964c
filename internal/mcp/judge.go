package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/machine"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// releaseArgs name a release.
type releaseArgs struct {
	Base  string             `json:"base,omitempty" jsonschema:"the deployed revision; default: base in onward.yaml, else the default branch"`
	Head  string             `json:"head,omitempty" jsonschema:"the revision to be deployed; default: the working tree with uncommitted files"`
	PG    string             `json:"pg,omitempty" jsonschema:"major versions of Postgres in production: 17, 14..17 or 14,16"`
	Files map[string]*string `json:"files,omitempty" jsonschema:"texts that are not saved, by path from the repository's root; null for a deleted file"`
}

// newConfig returns the configuration of a release.
func (s *server) newConfig(in *releaseArgs) (audit.Config, error) {
	settings, err := s.readSettings(in.PG)
	if err != nil {
		return audit.Config{}, err
	}
	edits, err := s.readEdits(in.Files, in.Head)
	return audit.Config{
		Dir: s.Dir, Base: in.Base, Head: in.Head, Deployed: s.Deployed, Settings: settings, Still: !s.AllowPrograms, Edits: edits, Logger: s.Logger,
	}, err
}

// judgeRelease is the tool changelog.
func (s *server) judgeRelease(ctx context.Context, in releaseArgs) (*answer, error) {
	c, err := s.newConfig(&in)
	if err != nil {
		return nil, err
	}
	r, err := plan.Changelog(ctx, c, s.AllowPrograms)
	if err != nil {
		return nil, err
	}
	s.SuggestNext(r, in.Base, in.Head, in.PG)
	return s.newReportAnswer(r, report.Options{})
}

// newReportAnswer prints a report.
func (s *server) newReportAnswer(r *onward.Report, o report.Options) (*answer, error) {
	out, err := newAnswer(
		func(w io.Writer) error { return report.Write(w, report.FormatTerminal, r, o) },
		func(w io.Writer) error { return report.Write(w, report.FormatJSON, r, o) })
	if err == nil {
		out.text += s.describeClosed(r.Opaque)
	}
	return out, err
}

// describeClosed says that migrations are not read because nothing of the project runs; "" if all are.
func (s *server) describeClosed(list []onward.Opaque) string {
	if s.AllowPrograms || !slices.ContainsFunc(list, func(o onward.Opaque) bool { return o.Why == audit.NothingRuns }) {
		return ""
	}
	return "\nMigrations that only the project's own code can render are not read: the user can allow that with " +
		"onward mcp --allow-project-programs.\n"
}

// describeUnread lists what an answer lacks because it could not be read.
func (s *server) describeUnread(list []onward.Opaque) string {
	var b strings.Builder
	for _, o := range list {
		fmt.Fprintf(&b, "not read: %s, %s: %s\n", escape.Line(o.Path), escape.Line(o.What), escape.Line(o.Why))
	}
	return b.String() + s.describeClosed(list)
}

// checkArgs are the arguments of check.
type checkArgs struct {
	SQL         string   `json:"sql,omitempty" jsonschema:"SQL to judge, in place of paths"`
	Paths       []string `json:"paths,omitempty" jsonschema:"files or directories of migrations, from the repository's root"`
	Applied     []string `json:"applied,omitempty" jsonschema:"files or directories that are applied already"`
	Framework   string   `json:"framework,omitempty" jsonschema:"the framework that all paths belong to"`
	Transaction string   `json:"transaction,omitempty" jsonschema:"how files without a framework are sent: none, file, message or pipeline"`
	PG          string   `json:"pg,omitempty" jsonschema:"major versions of Postgres in production: 17, 14..17 or 14,16"`
}

// checkFiles is the tool check.
func (s *server) checkFiles(ctx context.Context, in checkArgs) (*answer, error) {
	if (in.SQL == "") == (len(in.Paths) == 0) {
		return nil, errors.New("give sql or paths, and not both")
	}
	if err := checkSQL(in.SQL); err != nil {
		return nil, err
	}
	settings, err := s.readSettings(in.PG)
	if err != nil {
		return nil, err
	}
	if in.Framework != "" && !slices.Contains(audit.Names().Frameworks, in.Framework) {
		return nil, fmt.Errorf("unknown framework %q: there is %s", in.Framework, strings.Join(audit.Names().Frameworks, ", "))
	}
	if !s.AllowPrograms && all.Traits(in.Framework).Renders {
		return nil, fmt.Errorf("migrations of %s are not read: the project's own code renders them, and the user has not started onward mcp with "+
			"--allow-project-programs", in.Framework)
	}
	transaction := onward.Transaction(in.Transaction)
	if !slices.Contains([]onward.Transaction{
		"", onward.TransactionFile, onward.TransactionNone, onward.TransactionMessage, onward.TransactionPipeline,
	}, transaction) {
		return nil, fmt.Errorf("transaction %q is not one of file, none, message, pipeline", in.Transaction)
	}
	paths, err := s.resolvePaths(in.Paths)
	if err != nil {
		return nil, err
	}
	applied, err := s.resolvePaths(in.Applied)
	if err != nil {
		return nil, err
	}
	if in.SQL != "" {
		paths = []string{"-"}
	}
	r, err := audit.Check(ctx, audit.CheckConfig{
		Dir: s.root, Paths: paths, Stdin: strings.NewReader(in.SQL), Applied: applied, Framework: in.Framework, Transaction: transaction,
		Deployed: s.Deployed, Settings: settings, Logger: s.Logger,
	})
	if err != nil {
		return nil, err
	}
	return s.newReportAnswer(r, report.Options{Brief: true})
}

// locksArgs are the arguments of locks.
type locksArgs struct {
	SQL    string `json:"sql" jsonschema:"one or more statements"`
	Schema string `json:"schema,omitempty" jsonschema:"file with the deployed schema, from pg_dump --schema-only"`
	PG     string `json:"pg,omitempty" jsonschema:"major versions of Postgres: 17, 14..17 or 14,16"`
}

// listLocks is the tool locks.
func (s *server) listLocks(ctx context.Context, in locksArgs) (*answer, error) {
	if err := checkSQL(in.SQL); err != nil {
		return nil, err
	}
	settings, err := s.readSettings(in.PG)
	if err != nil {
		return nil, err
	}
	deployed := s.Deployed
	if in.Schema != "" {
		rel, err := s.resolvePath(in.Schema)
		if err != nil {
			return nil, err
		}
		deployed.Schema = s.absolutePath(rel)
	}
	list, err := audit.Locks(ctx, audit.LocksConfig{SQL: in.SQL, Deployed: deployed, Settings: settings})
	if err != nil {
		return nil, err
	}
	return newAnswer(
		func(w io.Writer) error { return report.WriteLocks(w, report.FormatTerminal, list, report.Options{}) },
		func(w io.Writer) error { return report.WriteLocks(w, report.FormatJSON, list, report.Options{}) })
}

// explainArgs are the arguments of explain.
type explainArgs struct {
	Rule string `json:"rule" jsonschema:"a rule's name, as a finding has it, a part that no other rule has, or squawk's name"`
}

// explainRule is the tool explain.
func (s *server) explainRule(_ context.Context, in explainArgs) (*answer, error) {
	record, page, err := s.Explain(in.Rule)
	if err != nil {
		return nil, err
	}
	return newAnswer(
		func(w io.Writer) error { _, err := io.WriteString(w, page); return err },
		func(w io.Writer) error { return machine.WriteJSON(w, record) })
}
