package django

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/pycode"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// sources is the answer of writer.py.
type sources struct {
	Apps     map[string]*app `json:"apps"`
	Replaced []struct {
		Dependencies []source `json:"dependencies"`
		Operations   []*struct {
			source
			Class, Model, Field string
			// Index is the name of the index that AddIndex builds. Concurrently is the operation
			// that builds it without blocking writes.
			Index        string
			Concurrently *source
		} `json:"operations"`
		Code codeModule `json:"code"`
	} `json:"replaced"`
}

// app is an app with migrations: their directory, and those that no other migration follows.
type app struct {
	Dir      string
	External bool
	Leaves   []string
	// Held says that another migration depends on one that would be replaced.
	Held string
}

// source is a piece of Python with its imports; Error says why it cannot be written.
type source struct {
	Source  string
	Imports []string
	Error   string
}

// stateOperation is an operation, of a migration that is replaced, which changes Django's state.
type stateOperation struct {
	migration, app, index string
	// number counts the state operations of the replaced migrations, from 0.
	number int
	source
	concurrently *source
	// sql is the only statement that the operation sends; "" if it sends several or none.
	sql string
}

// projectWriting writes migrations of a project: each depends on the one before it.
type projectWriting struct {
	dir  string
	tree adapter.Tree
	apps map[string]*app
	// tips are the last migrations of the apps, numbers their numbers.
	tips    map[string]string
	numbers map[string]int
	// last is the file that was written last.
	last []string
	// states are the operations that are not written yet. first are the dependencies of the first
	// migration.
	states []stateOperation
	first  []source
	// modules are the replaced migrations without their operations, code are their RunPython operations that are not written yet.
	modules map[string]codeModule
	code    []codeOperation
	// built are statements that build an index, by the replaced migration that has them.
	built map[string][]string
}

// Compose starts to write migrations that follow the ones in a set. replaced lists the IDs of
// migrations that the new ones replace.
//
// Errors: Load fails; an operation of a replaced migration cannot be written again.
func (a *Adapter) Compose(ctx context.Context, t adapter.Tree, set *adapter.Set, replaced []string) (adapter.Writing, error) {
	cfg, err := a.newRenderConfig(ctx, t, set.Source)
	if err != nil {
		return nil, err
	}
	cfg.replaced = [][2]string{}
	for _, id := range replaced {
		app, name, _ := strings.Cut(id, ".")
		cfg.replaced = append(cfg.replaced, [2]string{app, name})
	}
	got, err := readSources(ctx, cfg)
	if err != nil {
		return nil, err
	}
	w := &projectWriting{
		dir: set.Source.Dir, tree: t, apps: got.Apps, tips: map[string]string{}, numbers: map[string]int{}, built: map[string][]string{},
		modules: map[string]codeModule{},
	}
	for i, id := range replaced {
		label, name, _ := strings.Cut(id, ".")
		if reason := got.Apps[label].Held; reason != "" {
			return nil, fmt.Errorf("%s, which is to go", reason)
		}
		w.first = append(w.first, got.Replaced[i].Dependencies...)
		w.addCode(id, got.Replaced[i].Code)
		var sent map[script.Operation]string
		for _, m := range set.Migrations {
			if m.ID != id {
				continue
			}
			if len(m.Replaces) > 0 {
				return nil, fmt.Errorf("%s stands for other migrations (%s): no plan takes its place", id, name)
			}
			sent = singleStatements(m)
			for _, part := range m.Source.Parts {
				if strings.HasPrefix(part.Operation.Class, "AddIndex") {
					w.built[id] = append(w.built[id], part.SQL)
				}
			}
		}
		for _, op := range got.Replaced[i].Operations {
			if op.Error != "" {
				return nil, fmt.Errorf("the state of %s cannot be written anew: %s", id, op.Error)
			}
			w.states = append(w.states, stateOperation{
				id, label, op.Index, len(w.states), op.source, op.Concurrently, sent[script.Operation{Class: op.Class, Model: op.Model, Field: op.Field}],
			})
		}
	}
	return w, nil
}

// readSources returns what writer.py says of the project.
func readSources(ctx context.Context, cfg Config) (*sources, error) {
	_, answer, err := answerRequest(ctx, cfg)
	if err != nil {
		return nil, err
	}
	var out sources
	return &out, json.Unmarshal(answer, &out)
}

// Dir is the project's directory.
func (w *projectWriting) Dir() string { return w.dir }

// Carries says why no migration can run a step.
func (w *projectWriting) Carries(s *onward.PlanStep) string {
	if s.Repeat {
		return "it is repeated in the background, and a migration runs once"
	}
	return ""
}

// Files returns the migration of a step: its SQL, or Django's own operation if that does the same.
//
// Errors: the app has more than one last migration.
func (w *projectWriting) Files(p *onward.Plan, s *onward.PlanStep, name string) ([]adapter.Written, error) {
	label, _, _ := strings.Cut(s.Migration, ".")
	m := &module{about: adapter.NameStep(p, s) + ": " + s.Why, bare: s.Transaction == onward.TransactionNone}
	if w.isNextOperation(label, s) {
		list := adapter.SplitStatements(adapter.TransactionBody(s))
		for _, setting := range list[:len(list)-1] {
			m.addOperation(source{Source: "migrations.RunSQL(\n    sql=" + pycode.QuoteString(setting+";\n") + ",\n    reverse_sql=migrations.RunSQL.noop,\n),"})
		}
		m.addOperation(w.states[0].source)
		w.states = w.states[1:]
	} else if index := w.indexOfConcurrentBuild(label, s); index >= 0 {
		m.addStateOperations(w.states[:index])
		m.addDropInvalidIndex(s)
		m.addOperation(*w.states[index].concurrently)
		w.states = w.states[index+1:]
	} else {
		m.addDropInvalidIndex(s)
		m.addOperation(source{Source: runSQLOperation(s)})
	}
	return w.finishMigration(p, s, label, name, m)
}

// isNextOperation reports whether a step is just what the next unwritten operation does. The operation then stays as it was written: the
// operations before it are written, so it does the same as in its own migration.
func (w *projectWriting) isNextOperation(label string, s *onward.PlanStep) bool {
	if len(w.states) == 0 || s.Transaction == onward.TransactionNone || s.Phase == onward.Contract {
		return false
	}
	next := &w.states[0]
	if next.app != label || next.migration != s.Migration || next.sql == "" || w.needsCode(*next) {
		return false
	}
	list := adapter.SplitStatements(adapter.TransactionBody(s))
	for i, sql := range list {
		stmt := pgparse.ParseStatement(sql)
		if last := i == len(list)-1; last {
			return stmt != nil && pgparse.Equal(stmt, pgparse.ParseStatement(next.sql))
		}
		if set := stmt.GetVariableSetStmt(); set == nil || !set.IsLocal {
			return false
		}
	}
	return false
}

// singleStatements returns the statement of each operation of a migration that sends exactly one. The NULL that Django writes after the type of a
// column is left out: it says nothing.
func singleStatements(m *adapter.Migration) map[script.Operation]string {
	out, count := map[script.Operation]string{}, map[script.Operation]int{}
	for _, part := range m.Source.Parts {
		sql := strings.TrimSuffix(strings.TrimSpace(part.SQL), ";")
		if short, ok := strings.CutSuffix(sql, " NULL"); ok && !strings.HasSuffix(short, " NOT") {
			sql = short
		}
		if count[part.Operation]++; count[part.Operation] == 1 {
			out[part.Operation] = sql
		} else {
			delete(out, part.Operation)
		}
	}
	return out
}

// indexOfConcurrentBuild returns which unwritten operation the step is, built concurrently; -1 for none. The
// operations before it are written into the same app first.
func (w *projectWriting) indexOfConcurrentBuild(label string, s *onward.PlanStep) int {
	sql := strings.TrimSuffix(strings.TrimSpace(s.SQL), ";")
	plain := strings.Replace(sql, "INDEX CONCURRENTLY ", "INDEX ", 1)
	for i, op := range w.states {
		if op.app != label || w.needsCode(op) {
			return -1
		}
		if op.concurrently == nil || op.concurrently.Error != "" || op.migration != s.Migration || !strings.Contains(sql, " INDEX CONCURRENTLY \""+op.index+"\" ") {
			continue
		}
		if slices.ContainsFunc(w.built[s.Migration], func(built string) bool { return built == sql || built == plain }) {
			return i
		}
	}
	return -1
}

// Rest returns migrations that change nothing in the database. They have the state operations of
// the replaced migrations that no step has.
func (w *projectWriting) Rest(p *onward.Plan) ([]adapter.Written, error) {
	return w.takeStateFiles(p, len(w.states))
}

// takeStateFiles returns migrations that have the first unwritten state operations: one for each app.
func (w *projectWriting) takeStateFiles(p *onward.Plan, count int) ([]adapter.Written, error) {
	var out []adapter.Written
	for count > 0 {
		first := w.states[0]
		end := slices.IndexFunc(w.states[:count], func(s stateOperation) bool { return s.app != first.app })
		if end < 0 {
			end = count
		}
		m := &module{about: "what the models are from here on: the plan " + p.Name + " does it in the database step by step"}
		m.addStateOperations(w.states[:end])
		_, name, _ := strings.Cut(first.migration, ".")
		newFiles, err := w.finishMigration(p, nil, first.app, leading.ReplaceAllString(name, "")+"_state", m)
		if err != nil {
			return nil, err
		}
		out = append(out, newFiles...)
		w.states, count = w.states[end:], count-end
	}
	return out, nil
}

var (
	leading = lazyregexp.New(`^\d+_*`)
	unnamed = lazyregexp.New(`\W+`)
)

// finishMigration names a migration, and sets its dependencies: the last migration of its app and the one
// before it in the plan.
func (w *projectWriting) finishMigration(p *onward.Plan, s *onward.PlanStep, label, name string, m *module) ([]adapter.Written, error) {
	a := w.apps[label]
	switch {
	case a == nil || a.External:
		return nil, fmt.Errorf("the app %s has no migrations in this repository any more", label)
	case w.tips[label] == "" && len(a.Leaves) > 1:
		return nil, fmt.Errorf("the app %s has several last migrations (%s): makemigrations --merge makes them one", label, strings.Join(a.Leaves, ", "))
	case w.tips[label] == "" && len(a.Leaves) == 1:
		w.tips[label] = a.Leaves[0]
	}
	if tip := w.tips[label]; tip != "" {
		m.addDependency(label, tip)
	}
	for _, other := range slices.Sorted(maps.Keys(w.apps)) {
		last := ""
		for _, file := range w.lastMigrations(p, s) {
			if w.apps[other].Dir == path.Dir(file) {
				last = strings.TrimSuffix(path.Base(file), ".py")
			}
		}
		if last != "" && other != label {
			m.addDependency(other, last)
		}
	}
	for _, d := range w.first {
		m.addSourceDependency(d)
	}
	w.first = nil
	if w.numbers[label] == 0 {
		for _, file := range adapter.FilesBelow(w.tree, a.Dir) {
			digits := leading.FindString(file)
			if n, err := strconv.Atoi(strings.TrimRight(digits, "_")); err == nil && !strings.Contains(file, "/") {
				w.numbers[label] = max(w.numbers[label], n)
			}
		}
	}
	w.numbers[label]++
	stem := fmt.Sprintf("%04d_%s", w.numbers[label], strings.Trim(unnamed.ReplaceAllString(name, "_"), "_"))
	w.tips[label] = stem
	file := path.Join(a.Dir, stem+".py")
	w.last = []string{file}
	return []adapter.Written{{Path: file, Text: m.fileText()}}, nil
}

// lastMigrations returns the last migrations of a plan before a step, or before the plan's end.
func (w *projectWriting) lastMigrations(p *onward.Plan, s *onward.PlanStep) []string {
	var step, rest []string
	for i := range p.Steps {
		if &p.Steps[i] == s {
			break
		}
		for _, f := range p.Steps[i].Files {
			step = []string{f.Path}
		}
	}
	for _, f := range p.Files {
		rest = []string{f.Path}
	}
	return append(append(step, rest...), w.last...)
}
