package rule

import (
	"iter"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// analyse runs the migration through the catalog and the effects.
func (e *Engine) analyse(m *Migration) {
	settings, before := e.session(m)
	var tx *Tx
	number := -1
	var points analysis.Savepoints[*catalog.Catalog]
	for i := 0; i < len(m.Script.Statements); i++ { // a call adds some
		st := m.Script.Statements[i]
		e.opened.Open(e.catalog, m.Script, i)
		if tx == nil || st.Tx != number || st.Tx == 0 {
			if e.close(tx, settings); tx != nil {
				e.catalog = e.catalog.Ended()
			}
			e.txs++
			tx = &Tx{Migration: m, Origin: st.Origin, Before: e.catalog, Index: e.txs}
			tx.First = tx
			if before != nil && len(m.Txs) == 0 {
				if before.continues(m.Script, st) {
					tx.Earlier, tx.First = before.tx, before.tx.First
				} else {
					settings.commit()
					e.catalog = e.catalog.Ended()
					tx.Before = e.catalog
				}
			}
			m.Txs = append(m.Txs, tx)
			number = st.Tx
		}
		s := &Stmt{Statement: st, Migration: m, Tx: tx, Before: e.catalog, After: e.catalog}
		s.Settings = settings.now
		if node := st.Node; node != nil {
			e.run(s, settings)
			s.After = points.Follow(node, s.After)
		} else {
			s.After = unread(e.catalog, st)
		}
		e.catalog = s.After
		tx.Statements = append(tx.Statements, s)
		tx.alterEnum = tx.alterEnum || st.Node.GetAlterEnumStmt() != nil
		m.Statements = append(m.Statements, s)
	}
	e.leave(m, tx, settings, before)
	for _, t := range m.Txs {
		t.held(e.folding)
	}
	e.folding.settle()
}

// session is how a migration finds the session: with what is set in it, and as the
// migration before left it, where that one runs in one transaction with this.
func (e *Engine) session(m *Migration) (settings *tracker, before *left) {
	settings = newTracker(m.Runner)
	before, e.left = e.left, nil
	switch {
	case before == nil:
	case m.Together != 0 && m.Together == before.by.Together:
		m.Script.Continue(before.by.Script)
		return before.settings, before
	case m.Session != 0 && m.Session == before.by.Session && m.Runner.AfterDeploy == before.by.Runner.AfterDeploy:
		settings.session = before.settings.session
		settings.commit()
	}
	return settings, nil
}

// leave closes the last transaction of a migration, and notes how it leaves the session.
func (e *Engine) leave(m *Migration, tx *Tx, settings *tracker, before *left) {
	now := *settings // SET LOCAL goes on where the transaction does
	e.close(tx, settings)
	switch {
	case tx == nil && before != nil:
		e.left = before
	case m.Script.End == script.Alone || m.Together == 0:
		e.left, e.catalog = &left{m, tx, settings}, e.catalog.Ended()
	default:
		e.left = &left{m, tx, &now}
	}
}

// run takes a statement through the catalog and the effects.
func (e *Engine) run(s *Stmt, settings *tracker) {
	defer s.contain()
	s.Results = e.results(s.Statement, settings.now.TimeZone)
	s.Result = s.Results[0].Result
	s.After, s.Problems = e.catalog.Apply(s.Node, s.SQL)
	if len(s.Problems) == 0 {
		if p := e.catalog.Refuses(s.Node, s.Parent >= 0); p != nil {
			s.Problems = []catalog.Problem{*p}
		}
	}
	switch {
	case len(s.Problems) > 0 && s.Problems[0].There() && s.Optional():
		s.After = s.Before // what it is guarded against
	case Fails(s.Results, s.Before):
		s.After = s.Before
	}
	s.Deltas = catalog.Diff(s.Before, s.After)
	e.folding.at = s.Tx.Index
	e.looksUpNothing(s)
	e.fills(s)
	settings.statement(s)
}

// Fails reports whether no version in question runs a statement on a schema, so
// that it changes nothing.
func Fails(on []VersionResult, before *catalog.Catalog) bool {
	return len(on) > 0 && !slices.ContainsFunc(on, func(r VersionResult) bool { return !r.Result.Fails(before) })
}

// left is the session as a migration leaves it to the next one of the same run: the
// transaction that it ran in last, which may be open, and what is set.
type left struct {
	by       *Migration
	tx       *Tx
	settings *tracker
}

// continues reports whether the first statement of the next migration runs in the
// transaction that the last one of this left open.
func (l *left) continues(next *script.Script, first *script.Statement) bool {
	if l.tx == nil {
		return false
	}
	switch l.by.Script.End {
	case script.Runner:
		return first.Origin == script.Runner
	case script.Explicit:
		return next.Source.Mode == onward.TransactionFile && l.tx.Origin == script.Explicit
	}
	return false
}

// All are the statements of a transaction, those of earlier migrations first.
func (t *Tx) All() iter.Seq[*Stmt] {
	return func(yield func(*Stmt) bool) {
		if t.Earlier != nil {
			for s := range t.Earlier.All() {
				if !yield(s) {
					return
				}
			}
		}
		for _, s := range t.Statements {
			if !yield(s) {
				return
			}
		}
	}
}

// AddsEnumValue reports whether a statement of the transaction is ALTER TYPE …
// ADD VALUE, or its like: few are.
func (t *Tx) AddsEnumValue() bool {
	return t.alterEnum || t.Earlier != nil && t.Earlier.AddsEnumValue()
}

// Apart is where to put what must not run in the transaction of a statement.
func (s *Stmt) Apart() string {
	if s.Migration.Together != 0 {
		return "a later release (the runner sends all new migrations in one transaction)"
	}
	return "a migration of its own, after this one"
}

// close ends a transaction: what it changed becomes visible, or is undone.
func (e *Engine) close(t *Tx, settings *tracker) {
	if t == nil {
		return
	}
	last := t.Statements[len(t.Statements)-1]
	if t.Migration.Script.Rollback[last.Statement.Tx] {
		t.RolledBack = true
		e.catalog = t.Before
	}
	t.After = e.catalog
	if !t.RolledBack {
		t.Deltas = attribute(t)
	}
	e.folding.goesLive(t)
	settings.commit()
}

// attribute traces what a transaction changed, for code that knows columns by
// name, to its statements.
func attribute(t *Tx) []Delta {
	if len(t.Statements) == 1 {
		whole := catalog.ByName(t.Statements[0].Deltas)
		out := make([]Delta, len(whole))
		for i := range whole {
			out[i] = Delta{Delta: &whole[i], By: t.Statements[0]}
		}
		return out
	}
	whole := catalog.ByName(catalog.Diff(t.Before, t.After))
	out := make([]Delta, 0, len(whole))
	for i := range whole {
		out = append(out, Delta{Delta: &whole[i], By: t.author(&whole[i])})
	}
	return out
}

// results computes what a statement does, once where the version does not
// matter.
func (e *Engine) results(st *script.Statement, timezone string) []VersionResult {
	session := effect.Session{TimeZone: timezone}
	versions := e.config.Versions
	newest := effect.NewVersion(versions[len(versions)-1])
	first := effect.Of(st.Node, e.catalog, newest, session)
	if !newest.Consulted() || len(versions) == 1 {
		return []VersionResult{{Versions: versions, Result: first}}
	}
	groups := []VersionResult{{Versions: versions[len(versions)-1:], Result: first}}
next:
	for i := len(versions) - 2; i >= 0; i-- {
		r := effect.Of(st.Node, e.catalog, effect.NewVersion(versions[i]), session)
		for g := range groups {
			if groups[g].Result.Equal(&r) {
				groups[g].Versions = append([]int{versions[i]}, groups[g].Versions...)
				continue next
			}
		}
		groups = append(groups, VersionResult{Versions: versions[i : i+1 : i+1], Result: r})
	}
	return groups
}
