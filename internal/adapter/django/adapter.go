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
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

const framework = "django"

// Adapter finds Django projects and loads their migrations.
type Adapter struct {
	// Home is the user's own copy of the repository, where virtualenvs are;
	// "" for the repository that the working directory is in.
	Home string
	// Python is the interpreter where onward.yaml names none; "" to look for
	// it.
	Python string
	// Postgres is the major version to render for; 0 for 16.
	Postgres int
	// CacheDir is as in Config.
	CacheDir string
}

var _ adapter.Adapter = (*Adapter)(nil)

// tool is what rules ask for.
var tool = history.Tool{Name: "Django", Unit: "migration", KeepsSession: true, Renderer: &history.Renderer{
	Write:      write,
	LeavesKeys: true,
	Upserts:    "bulk_create of the deployed code with update_conflicts and these unique_fields",
}}

// Django keeps the names of applied migrations, nothing of their content.
var habits = adapter.Habits{
	Edited:     "Django goes by the name and does not run it again",
	Deleted:    "another migration depends on it, and Django refuses to start",
	OutOfOrder: "Django runs it after the ones that are applied; when one of those depends on it, migrate refuses to run",
	Overtaken:  "Django refuses to migrate: InconsistentMigrationHistory: Migration %s is applied before its dependency %s",
}

// Name is "django".
func (*Adapter) Name() string { return framework }

// Traits is what is asked of it.
func (*Adapter) Traits() adapter.Traits {
	return adapter.Traits{
		Renders: true, Graph: true, Project: "a Django project", Package: "__init__.py",
		Tool: tool, Meaning: meaning,
		Books: []adapter.Book{{Table: historyTable, Columns: historyColumns}},
	}
}

// Looks says what Detect looks for.
func (*Adapter) Looks() string { return "a manage.py, and migrations of apps below it" }

// Load renders the project. An error is the project's as a whole: *Error.
func (a *Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	if !slices.Contains(t.Paths(), path.Join(s.Dir, "manage.py")) {
		return &adapter.Set{Source: s, Absent: true}, nil
	}
	cfg, err := a.config(ctx, t, s)
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
	return project.set(t, s), nil
}

// config says how a source of a tree is rendered.
func (a *Adapter) config(ctx context.Context, t adapter.Tree, s adapter.Source) (Config, error) {
	cfg := Config{Settings: s.Options.Settings, Python: s.Options.Python, Env: s.Options.Environment, Postgres: a.Postgres, CacheDir: a.CacheDir}
	if cfg.Python == "" {
		cfg.Python = a.Python
	}
	cfg.Home = a.home(s.Dir)
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

// home is the user's copy of the repository: the given one, else the nearest
// directory above the working directory that has the same project; "" for none.
func (a *Adapter) home(dir string) string {
	if a.Home != "" {
		return a.Home
	}
	at, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(at, filepath.FromSlash(dir), "manage.py")); err == nil {
			return at
		}
		up := filepath.Dir(at)
		if up == at {
			return ""
		}
		at = up
	}
}

// set turns the answer into what the audit reads.
func (p *Project) set(t adapter.Tree, s adapter.Source) *adapter.Set {
	set := &adapter.Set{Source: s, Models: p.models(), Habits: habits, Count: count, Mends: "makemigrations writes it where the state of the migrations lacks the field too"}
	byID := map[string]*Migration{}
	for i := range p.Migrations {
		m := &p.Migrations[i]
		byID[m.ID()] = m
		s := s
		s.Options.Runner = p.runner(m.Database, s.Options.Runner)
		set.Migrations = append(set.Migrations, m.adapt(t, s))
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
	astray := p.astray(set.Migrations)
	for app, leaves := range p.Conflicts {
		// One that names no parent is a leaf for want of that only.
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
			continue // said by the migration itself
		}
		opaque := onward.Opaque{What: "migrations of the app " + e.App, Why: e.Message, Failed: true}
		if m != nil {
			opaque.Migration, opaque.Path, opaque.What = m.ID(), m.Path, "migration "+m.ID()
		}
		set.Opaque = append(set.Opaque, opaque)
	}
	return set
}

// runner is the session that the settings make on a database, where onward.yaml
// does not say otherwise.
func (p *Project) runner(alias string, configured history.Runner) history.Runner {
	r, session := configured, p.Database.Session
	if alias != "" {
		session = p.Sessions[alias]
	}
	if r.LockTimeout == 0 {
		r.LockTimeout, _ = analysis.Milliseconds(session["lock_timeout"])
	}
	if at := session["lock_timeout_at"]; r.LockTimeout == 0 && at != "" {
		r.LockTimeoutAt = &history.Place{Find: func() string { return at }}
	}
	if r.StatementTimeout == 0 {
		r.StatementTimeout, _ = analysis.Milliseconds(session["statement_timeout"])
	}
	if r.TimeZone == "" {
		r.TimeZone = session["timezone"]
	}
	return r
}

func (m *Migration) adapt(t adapter.Tree, s adapter.Source) *adapter.Migration {
	out := &adapter.Migration{
		ID: m.ID(), Version: m.Name, Path: m.Path, Framework: framework, Hash: m.Hash,
		Runner: s.Options.Runner, Failed: m.Error,
	}
	out.Runner.Tool, out.Runner.AfterDeploy = tool, m.AfterDeploy
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
		// It is recorded at its end only, so migrate starts it from the top.
		out.Runner.Rerun = true
	}
	if s.Options.Transaction != "" {
		out.Source.Mode = s.Options.Transaction
	}
	out.Source.Parts = m.parts(text)
	for i := range m.Operations {
		op := &m.Operations[i]
		if op.Refused != "" {
			out.Problems = append(out.Problems, op.refusal())
		} else if op.Elsewhere {
			out.Elsewhere = append(out.Elsewhere, op.opaque(m))
		} else if op.Opaque != "" {
			out.Opaque = append(out.Opaque, op.opaque(m))
		}
		if op.Code != nil {
			out.Source.Code = append(out.Source.Code, m.code(i)...)
			out.Source.Replaces = append(out.Source.Replaces, m.replaces(i)...)
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

// parts are the messages in order. An operation that has a transaction of its
// own counts as one message: both commit as a whole.
func (m *Migration) parts(text string) []script.Part {
	var parts []script.Part
	at, last := 0, -1
	for i := range m.Statements {
		st := &m.Statements[i]
		own := !st.Deferred && m.Operations[st.Op].Transaction == "operation"
		if own && st.Op == last {
			joined := &parts[len(parts)-1]
			joined.SQL, joined.Start = joined.SQL+";\n"+st.SQL, -1
			continue
		}
		last = -1
		if own {
			last = st.Op
		}
		part := st.part(text)
		if op := &m.Operations[st.Op]; st.Source != "literal" {
			part.Operation = script.Operation{Class: op.Class, Model: op.Model, Field: op.Field}
		}
		if part.Start < at {
			part.Start = -1 // written in the file before what ran before it
		}
		at = max(at, part.Start+len(part.SQL))
		parts = append(parts, part)
	}
	return parts
}

// code is what the function of an operation does to rows: behind the statements of
// the operations before it. What Django holds back comes later.
func (m *Migration) code(op int) []script.Code {
	before := slices.IndexFunc(m.Statements, func(st Statement) bool { return st.Deferred || st.Op >= op })
	if before < 0 {
		before = len(m.Statements)
	}
	var out []script.Code
	for _, w := range m.Operations[op].Code.Writes {
		out = append(out, script.Code{
			Name: m.Operations[op].Code.Name, Table: strings.Trim(w.Table, `"`), Verb: w.Verb, Whole: w.Whole, Few: w.Few, Batches: w.Batches, Apart: !m.Atomic, Parts: before, Line: m.Operations[op].Line,
		})
	}
	return out
}

// replaces are the texts that the function of an operation replaces.
func (m *Migration) replaces(op int) []script.Replacement {
	var out []script.Replacement
	for _, r := range m.Operations[op].Code.Replaces {
		out = append(out, script.Replacement{
			Name: m.Operations[op].Code.Name, Line: m.Operations[op].Line, Table: strings.Trim(r.Table, `"`), Column: r.Column, Old: r.Old, Now: r.Now,
		})
	}
	return out
}

// part is a message as a piece of a script.
func (st *Statement) part(text string) script.Part {
	part := script.Part{
		SQL: st.SQL, Start: -1, Message: true,
		Line: st.Line, Column: st.Column, EndLine: st.EndLine, EndColumn: st.EndColumn,
	}
	if end := st.Start + st.Length; st.Start >= 0 && end <= len(text) {
		// Letter for letter, but for CRLF, which Python reads as LF.
		if raw := text[st.Start:end]; strings.ReplaceAll(raw, "\r\n", "\n") == st.SQL {
			part.SQL, part.Start = raw, st.Start
		}
	}
	return part
}

func (op *Operation) opaque(m *Migration) onward.Opaque {
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
