package django

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/pycode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgtime"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

const framework = "django"

// Adapter finds Django projects and loads their migrations.
type Adapter struct {
	// Home is the user's own copy of the repository, which has the virtualenvs; "" for
	// the repository of the working directory.
	Home string
	// Python is the interpreter if onward.yaml names none; "" to look for it.
	Python string
	// Postgres is the major version to render for; 0 for 16.
	Postgres int
	// CacheDir is as in Config.
	CacheDir string
}

var _ adapter.Adapter = (*Adapter)(nil)

// tool is what rules need to know about Django.
var tool = history.Tool{Name: "Django", Unit: "migration", KeepsSession: true, Renderer: &history.Renderer{
	Write:      formatFix,
	LeavesKeys: true,
	Upserts:    "bulk_create of the deployed code with update_conflicts and these unique_fields",
}}

// habits say what Django does if applied migrations change: it records their names and nothing of their content.
var habits = adapter.HistoryBehavior{
	Edited:     "Django goes by the name and does not run it again",
	Deleted:    "another migration depends on it, and Django refuses to start",
	OutOfOrder: "Django runs it after the ones that are applied; when one of those depends on it, migrate refuses to run",
	Overtaken:  "Django refuses to migrate: InconsistentMigrationHistory: Migration %s is applied before its dependency %s",
	PartlyReplaced: "Django leaves a squashed migration out while a part of what it replaces is applied: what the other part does never " +
		"runs, and Django refuses to start if another migration depends on it",
}

// Name is "django".
func (*Adapter) Name() string { return framework }

// Traits returns the properties of Django.
func (*Adapter) Traits() adapter.Traits {
	return adapter.Traits{
		Renders: true, Graph: true, Project: "a Django project", Package: "__init__.py",
		Tool: tool, Meaning: pycode.Normalize,
		HistoryTables: []adapter.HistoryTable{{Table: historyTable, Columns: historyColumns}},
	}
}

// Looks says what Detect looks for.
func (*Adapter) Looks() string { return "a manage.py, and migrations of apps below it" }

// Load renders the project. An error concerns the project as a whole: *Error.
func (a *Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	if !slices.Contains(t.Paths(), path.Join(s.Dir, "manage.py")) {
		return &adapter.Set{Source: s, Absent: true}, nil
	}
	cfg, err := a.newRenderConfig(ctx, t, s)
	if err != nil {
		return nil, err
	}
	project, err := Render(ctx, cfg)
	if err != nil {
		var failed *Error
		if errors.As(err, &failed) {
			return nil, fmt.Errorf("django project %s at %s: %w", path.Join(s.Dir, "manage.py"), t.Name(), err)
		}
		return nil, err
	}
	return project.toMigrationSet(t, s), nil
}

// newRenderConfig returns how to render a source of a tree.
func (a *Adapter) newRenderConfig(ctx context.Context, t adapter.Tree, s adapter.Source) (Config, error) {
	cfg := Config{
		Settings: s.Options.Settings,
		Python:   s.Options.Python,
		Env:      s.Options.Environment,
		Postgres: a.Postgres,
		CacheDir: a.CacheDir,
		Timeout:  s.Options.RenderTimeout,
	}
	if cfg.Python == "" {
		cfg.Python = a.Python
	}
	cfg.Home = a.findUserCopy(s.Dir)
	cfg.Root = cfg.Home
	if cfg.Home != "" {
		cfg.revision = revisionOf(t, s.Dir)
	}
	if cfg.revision == nil {
		root, err := t.Dir(ctx)
		if err != nil {
			return cfg, fmt.Errorf("unpack %s: %w", t.Name(), err)
		}
		cfg.Root = root
	}
	cfg.Dir = filepath.Join(cfg.Root, filepath.FromSlash(s.Dir))
	return cfg, nil
}

// findUserCopy returns the user's copy of the repository: the configured one, else the nearest
// directory above the working directory that has the same project; "" for none.
func (a *Adapter) findUserCopy(dir string) string {
	if a.Home != "" {
		return a.Home
	}
	currentDir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return adapter.NearestAbove(currentDir, func(dirAbove string) bool {
		_, err := os.Stat(filepath.Join(dirAbove, filepath.FromSlash(dir), "manage.py"))
		return err == nil
	})
}

// toMigrationSet converts the renderer's answer to the form that the audit reads.
func (p *Project) toMigrationSet(t adapter.Tree, s adapter.Source) *adapter.Set {
	set := &adapter.Set{
		Source:          s,
		Models:          p.tableModels(),
		HistoryBehavior: habits,
		Count:           count,
		Mends:           "makemigrations writes it where the state of the migrations lacks the field too",
	}
	byID := map[string]*Migration{}
	for i := range p.Migrations {
		m := &p.Migrations[i]
		byID[m.ID()] = m
		s := s
		s.Options.Runner = p.runnerForAlias(m.Database, s.Options.Runner)
		set.Migrations = append(set.Migrations, m.toMigration(t, s))
	}
	for i := range p.Migrations {
		for _, target := range p.Migrations[i].RunBefore {
			for _, m := range set.Migrations {
				if m.ID == target[0]+"."+target[1] {
					m.After = append(m.After, p.Migrations[i].ID())
				}
			}
		}
	}
	astray := p.findUnreachable(set.Migrations)
	for app, leaves := range p.Conflicts {
		// A migration whose parent is missing is a leaf only for that reason.
		leaves = slices.DeleteFunc(slices.Clone(leaves), func(leaf string) bool { return astray[app+"."+leaf] })
		for i, leaf := range leaves {
			if i == 0 {
				continue
			}
			change := history.Change{
				Kind: history.Conflict, Migration: app + "." + leaf, Other: app + "." + leaves[0], Line: 1,
				Detail:  "the app " + app + " has several leaf migrations: " + strings.Join(leaves, ", "),
				Runner:  "Django refuses to migrate: conflicting migrations detected; multiple leaf nodes in the migration graph",
				Instead: ", or run:\npython manage.py makemigrations --merge",
			}
			if m := byID[change.Migration]; m != nil {
				change.Path = m.Path
			}
			set.History = append(set.History, change)
		}
	}
	slices.SortFunc(set.History, func(a, b history.Change) int { return strings.Compare(a.Migration, b.Migration) })
	for _, e := range p.Errors {
		m := byID[e.App+"."+e.Name]
		if m != nil && (m.Error != "" || astray[m.ID()] && len(e.Missing) > 0) {
			continue // the migration itself reports it
		}
		opaque := onward.Opaque{What: "migrations of the app " + e.App, Why: e.Message, Failed: true}
		if m != nil {
			opaque.Migration, opaque.Path, opaque.What = m.ID(), m.Path, "migration "+m.ID()
		}
		set.Opaque = append(set.Opaque, opaque)
	}
	return set
}

// runnerForAlias returns the session that the settings produce on a database, unless onward.yaml
// overrides it.
func (p *Project) runnerForAlias(alias string, configured history.Runner) history.Runner {
	r, session := configured, p.Database.Session
	if alias != "" {
		session = p.Sessions[alias]
	}
	if r.LockTimeout == 0 {
		r.LockTimeout, _ = pgtime.Parse(session["lock_timeout"])
	}
	if location := session["lock_timeout_at"]; r.LockTimeout == 0 && location != "" {
		r.LockTimeoutAt = &history.Place{Find: func() string { return location }}
	}
	if r.StatementTimeout == 0 {
		r.StatementTimeout, _ = pgtime.Parse(session["statement_timeout"])
	}
	if r.TimeZone == "" {
		r.TimeZone = session["timezone"]
	}
	return r
}

func (m *Migration) toMigration(t adapter.Tree, s adapter.Source) *adapter.Migration {
	out := &adapter.Migration{
		ID: m.ID(), Version: m.Name, Path: m.Path, Framework: framework, Hash: m.Hash,
		Runner: s.Options.Runner, Failed: m.Error,
	}
	out.Runner.Tool, out.Runner.AfterDeploy = tool, m.AfterDeploy
	if m.AfterDeploy {
		out.Runner.HeldBy = "django-safemigrate"
	}
	for _, dependency := range m.Dependencies {
		out.After = append(out.After, dependency[0]+"."+dependency[1])
	}
	for _, replaced := range m.Replaces {
		out.Replaces = append(out.Replaces, replaced[0]+"."+replaced[1])
	}
	text := ""
	if !m.External {
		if data, err := t.Read(m.Path); err == nil {
			text = string(data)
		}
	}
	out.Source = script.Source{Text: text, Mode: onward.TransactionFile, LineComment: "#"}
	if !m.Atomic {
		out.Source.Mode = onward.TransactionNone
		// Django records the migration only at its end, so migrate starts it from the
		// beginning.
		out.Runner.Rerun = true
	}
	if s.Options.Transaction != "" {
		out.Source.Mode = s.Options.Transaction
	}
	out.Source.Parts = m.toScriptParts(text)
	for i := range m.Operations {
		op := &m.Operations[i]
		if op.Refused != "" {
			out.Problems = append(out.Problems, op.djangoError())
		} else if op.Elsewhere {
			out.Elsewhere = append(out.Elsewhere, op.opaqueOperation(m))
		} else if op.Opaque != "" {
			out.Opaque = append(out.Opaque, op.opaqueOperation(m))
		}
		if op.Code != nil {
			out.Source.Code = append(out.Source.Code, m.listRowCode(i)...)
			out.Source.Replaces = append(out.Source.Replaces, m.textReplacements(i)...)
			out.Source.Changes = append(out.Source.Changes, m.listRowWrites(i)...)
		}
		for _, d := range op.Defaults {
			out.Opaque = append(out.Opaque, onward.Opaque{
				Migration: m.ID(), Path: m.Path, Line: op.Line, Column: op.Column,
				What: "default " + d.Function + " of " + d.Field,
				Why:  "the database is asked for the value; a placeholder stands for it, and the rest of the operation is judged",
			})
		}
	}
	return out
}

// toScriptParts returns the messages in order. An operation with a transaction of its own counts as
// one message: both commit as a whole.
func (m *Migration) toScriptParts(text string) []script.Part {
	var parts []script.Part
	end, last := 0, -1
	for i := range m.Statements {
		st := &m.Statements[i]
		hasOwnTransaction := !st.Deferred && m.Operations[st.Op].Transaction == "operation"
		if hasOwnTransaction && st.Op == last {
			joined := &parts[len(parts)-1]
			joined.SQL, joined.Start = joined.SQL+";\n"+st.SQL, -1
			continue
		}
		last = -1
		if hasOwnTransaction {
			last = st.Op
		}
		part := st.toScriptPart(text)
		if op := &m.Operations[st.Op]; st.Source != "literal" {
			part.Operation = script.Operation{Class: op.Class, Model: op.Model, Field: op.Field}
		}
		if part.Start < end {
			part.Start = -1 // it is in the file before SQL that ran earlier
		}
		end = max(end, part.Start+len(part.SQL))
		parts = append(parts, part)
	}
	return parts
}

// listRowCode returns what an operation's function does to rows. It runs after the statements of
// the operations before it. Statements that Django defers come later.
func (m *Migration) listRowCode(op int) []script.Code {
	before := m.countStatementsBefore(op)
	var out []script.Code
	for _, w := range m.Operations[op].Code.Writes {
		out = append(out, script.Code{
			Name: m.Operations[op].Code.Name, Table: strings.Trim(w.Table,
				`"`), Verb: w.Verb, Whole: w.Whole, Few: w.Few, Batches: w.Batches, Apart: !m.Atomic, Parts: before, Line: m.Operations[op].Line,
		})
	}
	return out
}

// countStatementsBefore returns how many statements run before an operation.
func (m *Migration) countStatementsBefore(op int) int {
	before := slices.IndexFunc(m.Statements, func(st Statement) bool { return st.Deferred || st.Op >= op })
	if before < 0 {
		before = len(m.Statements)
	}
	return before
}

// listRowWrites returns the rows that an operation's function may write in the migration's transaction.
func (m *Migration) listRowWrites(op int) []script.Change {
	if m.Operations[op].Transaction != "migration" {
		return nil
	}
	code := m.Operations[op].Code
	var out []script.Change
	for _, c := range code.Changes {
		line := c.Line
		if code.Path != m.Path {
			line = m.Operations[op].Line
		}
		out = append(out, script.Change{
			Name: code.Name, Table: strings.Trim(c.Table, `"`), Verb: c.Verb, Columns: c.Columns, Parts: m.countStatementsBefore(op), Line: line,
		})
	}
	return out
}

// textReplacements returns the texts that an operation's function replaces.
func (m *Migration) textReplacements(op int) []script.Replacement {
	var out []script.Replacement
	for _, r := range m.Operations[op].Code.Replaces {
		out = append(out, script.Replacement{
			Name: m.Operations[op].Code.Name, Line: m.Operations[op].Line, Table: strings.Trim(r.Table, `"`), Column: r.Column, Old: r.Old, Now: r.Now,
		})
	}
	return out
}

// toScriptPart converts a message to a part of a script.
func (st *Statement) toScriptPart(text string) script.Part {
	part := script.Part{
		SQL: st.SQL, Start: -1, Message: true, Conditional: st.Conditional,
		Line: st.Line, Column: st.Column, EndLine: st.EndLine, EndColumn: st.EndColumn,
	}
	if end := st.Start + st.Length; st.Start >= 0 && end <= len(text) {
		// The bytes must be equal, except for CRLF, which Python reads as LF.
		if raw := text[st.Start:end]; strings.ReplaceAll(raw, "\r\n", "\n") == st.SQL {
			part.SQL, part.Start = raw, st.Start
		}
	}
	return part
}

func (op *Operation) opaqueOperation(m *Migration) onward.Opaque {
	out := onward.Opaque{
		Migration: m.ID(), Path: m.Path, Line: op.Line, Column: op.Column,
		What: op.Class, Why: op.Opaque, Failed: op.Failed,
	}
	if op.Code != nil {
		out.What = op.Class + " " + op.Code.Name
		out.Why = "Python code is not run; what it changes is not known"
	}
	return out
}
