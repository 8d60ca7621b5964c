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

// analyseMigration applies the migration's statements to the catalog and computes their effects.
func (e *Engine) analyseMigration(m *Migration) {
	settings, before := e.startSession(m)
	var tx *Tx
	number := -1
	open := map[int]*Tx{} // by their numbers in the script
	m.Statements = make([]*Stmt, 0, len(m.Script.Statements))
	var points analysis.Savepoints[*catalog.Catalog]
	if before != nil {
		points = before.points
	}
	for i := 0; i < len(m.Script.Statements); i++ { // a call adds some
		st := m.Script.Statements[i]
		e.inliner.InlineCalls(e.catalog, m.Script, i)
		if tx == nil || st.Tx != number || st.Tx == 0 {
			if e.endTransaction(tx, settings); tx != nil {
				e.catalog = e.catalog.EndTransaction()
			}
			e.txCount++
			tx = &Tx{Migration: m, Origin: st.Origin, Before: e.catalog, Index: e.txCount}
			tx.First = tx
			if before != nil && len(m.Txs) == 0 {
				if before.continuesWith(m.Script, st) {
					tx.Earlier, tx.First, tx.AddsEnumValue = before.tx, before.tx.First, before.tx.AddsEnumValue
				} else {
					settings.endTransaction()
					e.catalog = e.catalog.EndTransaction()
					tx.Before = e.catalog
				}
			}
			if part := open[st.Tx]; part != nil { // another connection was in between
				part.continued, tx.Earlier, tx.First, tx.AddsEnumValue = true, part, part.First, part.AddsEnumValue
			}
			m.Txs = append(m.Txs, tx)
			if number = st.Tx; number > 0 {
				open[number] = tx
			}
		}
		s := &Stmt{Statement: st, Migration: m, Tx: tx, stmtAnalysis: &stmtAnalysis{Before: e.catalog, After: e.catalog}}
		s.Beside = m.listOpenTransactions(st, open)
		s.Settings = settings.now
		switch node := st.Node; {
		case e.skipMissing(s):
		case node != nil:
			e.runStatement(s, settings)
			s.After = points.FollowStatement(node, s.After)
		default:
			s.After = markUnparsed(e.catalog, st)
		}
		e.catalog = s.After
		tx.Statements = append(tx.Statements, s)
		tx.AddsEnumValue = tx.AddsEnumValue || st.Node.GetAlterEnumStmt() != nil
		m.Statements = append(m.Statements, s)
	}
	e.endMigration(m, tx, settings, before)
	if m.Script.More {
		e.previousEnd.points = points
	}
	for _, t := range m.Txs {
		t.assignHeldLocks(e.folding)
	}
	if !m.Script.More {
		e.folding.markTablesFull()
	}
}

// listOpenTransactions returns the transactions that are open on other connections while a statement runs. open has the script's, by their numbers.
func (m *Migration) listOpenTransactions(st *script.Statement, open map[int]*Tx) (out []*Tx) {
	if m.beside != nil {
		out = append(out, m.beside.tx)
	}
	for _, number := range st.Beside {
		if t := open[number]; t != nil {
			out = append(out, t)
		}
	}
	return out
}

// startSession returns the state of the session at the start of a migration: its settings and,
// if the previous migration shares a transaction with this one, that transaction.
func (e *Engine) startSession(m *Migration) (settings *tracker, before *sessionEnd) {
	settings = newTracker(m.Runner)
	before, e.previousEnd = e.previousEnd, nil
	switch {
	case before == nil:
	case m.Script.Window > 0:
		return before.settings, before
	case m.Runner.OutsideBeside && m.Mode == onward.TransactionNone && m.Together != 0 && m.Together == before.by.Together &&
		before.tx != nil && before.by.Script.End == script.Runner:
		m.beside = before
	case m.Together != 0 && m.Together == before.by.Together:
		m.Script.ContinueFrom(before.by.Script)
		return before.settings, before
	case m.Session != 0 && m.Session == before.by.Session && m.Runner.AfterDeploy == before.by.Runner.AfterDeploy:
		settings.session = before.settings.session
		settings.endTransaction()
	}
	return settings, nil
}

// endMigration closes the last transaction of a migration and records the state of the session
// for the next one.
func (e *Engine) endMigration(m *Migration, tx *Tx, settings *tracker, before *sessionEnd) {
	if before == nil {
		before = m.beside
	}
	if m.Together != 0 && before != nil {
		m.Outside = before.outside
	}
	defer func() {
		e.previousEnd.outside = m.Outside
		if m.Runner.OutsideBeside && m.Together != 0 && m.Mode == onward.TransactionNone {
			e.previousEnd.outside = append(slices.Clip(m.Outside), m)
		}
	}()
	now := *settings // SET LOCAL goes on where the transaction does
	e.endTransaction(tx, settings)
	switch {
	case m.beside != nil:
		e.previousEnd = m.beside
	case tx == nil && before != nil:
		e.previousEnd = before
	case m.Script.End == script.Alone || m.Together == 0 && !m.Script.More:
		e.previousEnd, e.catalog = &sessionEnd{by: m, tx: tx, settings: settings}, e.catalog.EndTransaction()
	default:
		e.previousEnd = &sessionEnd{by: m, tx: tx, settings: &now}
		if m.Script.More {
			e.previousEnd.number = tx.Statements[len(tx.Statements)-1].Statement.Tx
			tx.Statements[0].holds = true
		}
	}
}

// runStatement applies one statement to the catalog and computes its effects.
func (e *Engine) runStatement(s *Stmt, settings *tracker) {
	defer s.recordPanic()
	s.After, s.Problems = e.catalog.Judge(s.Node, s.SQL, s.Parent >= 0)
	s.Results = e.computeResults(s.Statement, effect.Inputs{
		TimeZone: settings.now.TimeZone, Problems: s.refusalsAmong(s.Problems), UncheckedBodies: settings.now.UncheckedBodies,
	})
	s.Result = s.Results[0].Result
	switch {
	case len(s.Problems) > 0 && s.Problems[0].IsDuplicate() && s.IsOptional():
		s.After = s.Before // what it is guarded against
	case FailsOnAll(s.Results, s.Before):
		s.After = s.Before
	}
	s.Deltas = catalog.Diff(s.Before, s.After)
	e.folding.at = s.Tx.Index
	e.dropEmptyTableReads(s)
	e.recordFill(s)
	settings.applyStatement(s)
}

// refusalsAmong returns the problems because of which the statement's locks do not count: those
// that follow from what the catalog holds, and an object that is surely gone, if a guard then
// skips the statement. The others may be wrong if something outside the history created an object.
func (s *Stmt) refusalsAmong(problems []catalog.Problem) []catalog.Problem {
	if len(problems) == 0 {
		return nil
	}
	optional := s.IsOptional()
	return slices.DeleteFunc(slices.Clone(problems), func(p catalog.Problem) bool {
		return !p.Conflict && !(optional && p.Certain && p.IsMissing()) && !(p.Body && p.Until > 0)
	})
}

// FailsOnAll reports whether a statement fails on a schema in all versions in question, so
// that it changes nothing.
func FailsOnAll(results []VersionResult, before *catalog.Catalog) bool {
	return len(results) > 0 && !slices.ContainsFunc(results, func(r VersionResult) bool { return !r.Result.IsRefused(before) })
}

// sessionEnd is the state of the session after a migration, for the next one of the same run:
// its last transaction, which may be open, and the settings.
type sessionEnd struct {
	by       *Migration
	tx       *Tx
	settings *tracker
	// number is that of the script for a transaction that goes on in the file's next window; points are the
	// savepoints in it.
	number int
	// outside are the migrations that ran on another connection and are recorded in the transaction that the tool has open.
	outside []*Migration
	points  analysis.Savepoints[*catalog.Catalog]
}

// continuesWith reports whether the first statement of the next migration runs in the
// transaction that this migration left open.
func (l *sessionEnd) continuesWith(next *script.Script, first *script.Statement) bool {
	if l.tx == nil {
		return false
	}
	if next.Window > 0 {
		return l.number != 0 && l.number == first.Tx
	}
	switch l.by.Script.End {
	case script.Runner:
		return first.Origin == script.Runner
	case script.Explicit:
		return next.Source.Mode == onward.TransactionFile && l.tx.Origin == script.Explicit
	}
	return false
}

// All returns the statements of a transaction, with those of earlier migrations first.
func (t *Tx) All() iter.Seq[*Stmt] {
	return func(yield func(*Stmt) bool) {
		// A history of thousands of migrations may run in one transaction, so this does not recur.
		var parts []*Tx
		for part := t; part != nil; part = part.Earlier {
			parts = append(parts, part)
		}
		for _, part := range slices.Backward(parts) {
			for _, s := range part.Statements {
				if !yield(s) {
					return
				}
			}
		}
	}
}

// SeparatePlace returns the place for a statement that must not run in the transaction of this
// one.
func (s *Stmt) SeparatePlace() string {
	if s.Migration.Together != 0 {
		return "a later release (the runner sends all new migrations in one transaction)"
	}
	return "a migration of its own, after this one"
}

// endTransaction ends a transaction: its changes become visible, or are undone.
func (e *Engine) endTransaction(t *Tx, settings *tracker) {
	if t == nil {
		return
	}
	last := t.Statements[len(t.Statements)-1]
	if t.Migration.Script.Rollback[last.Statement.Tx] {
		t.RolledBack = true
		e.catalog = t.Before
		if t.Migration.Script.Window > 0 {
			e.catalog = t.First.Before
		}
	}
	t.After = e.catalog
	if !t.RolledBack {
		t.Deltas = attributeDeltas(t)
	}
	e.folding.recordLiveTables(t)
	settings.endTransaction()
}

// attributeDeltas finds the statements that caused the changes of a transaction. Other code
// refers to columns by name.
func attributeDeltas(t *Tx) []Delta {
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
		out = append(out, Delta{Delta: &whole[i], By: t.findAuthor(&whole[i])})
	}
	return out
}

// computeResults computes the effects of a statement for all versions, once for those that nothing in
// the computation tells apart.
func (e *Engine) computeResults(st *script.Statement, in effect.Inputs) []VersionResult {
	versions := e.config.Versions
	if alter := st.Node.GetAlterTableStmt(); alter != nil {
		in.Commands = catalog.NewCommands(e.catalog, alter)
	}
	asked := effect.NewVersion(versions[len(versions)-1])
	first := effect.EffectOf(st.Node, e.catalog, asked, in)
	if asked.HoldsFor(versions[0]) {
		return []VersionResult{{Versions: versions, Result: first}}
	}
	groups := []VersionResult{{Versions: versions[len(versions)-1:], Result: first}}
	group := 0 // of the version before
	for i := len(versions) - 2; i >= 0; i-- {
		if !asked.HoldsFor(versions[i]) {
			asked = effect.NewVersion(versions[i])
			r := effect.EffectOf(st.Node, e.catalog, asked, in)
			group = slices.IndexFunc(groups, func(g VersionResult) bool { return g.Result.Equal(&r) })
			if group < 0 {
				group = len(groups)
				groups = append(groups, VersionResult{Result: r})
			}
		}
		groups[group].Versions = append([]int{versions[i]}, groups[group].Versions...)
	}
	return groups
}
