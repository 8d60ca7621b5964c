package data

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// listUnbatchedWrites lists the writes of a statement that a busy table would feel:
// without a bound, or in a loop that never commits. What goes on under an
// earlier statement's lock is transaction-long-work-under-lock's.
func listUnbatchedWrites(p *rule.Pass, s *rule.Stmt, verb string) []analysis.Write {
	var out []analysis.Write
	for _, w := range p.ListWrites(s) {
		if w.Verb != verb && !(verb == "UPDATE" && w.Verb == "MERGE") {
			continue
		}
		if w.Extent == analysis.Few && !(s.Loop && (w.Batch || runsPerRow(p, s)) && !commitsInLoop(s)) {
			continue
		}
		if w.Extent == analysis.Some && s.Loop && commitsInLoop(s) && namesBlockVariable(s) {
			continue // in rounds that commit, each with a range of its own
		}
		if !p.InUse(w.Table) || p.IsTiny(w.Table.Name) || w.Table.Kind == catalog.View && w.Table.Persistence == catalog.Temporary {
			continue
		}
		if _, _, work := p.LongUnderLock(s, 1); work != nil {
			return nil
		}
		if !repeatsFinding(p, s, &w) {
			out = append(out, w)
		}
	}
	return out
}

// repeatsFinding reports whether an earlier statement of the migration was flagged
// for as much on the same table.
func repeatsFinding(p *rule.Pass, s *rule.Stmt, w *analysis.Write) bool {
	m := s.Migration
	before := rule.BuildOnce(&m.Notes, func() *writers { return &writers{done: map[writtenRows]bool{}} })
	for ; before.next < s.Index; before.next++ {
		for _, other := range p.ListWrites(m.Statements[before.next]) {
			for e := other.Extent; e > analysis.Few; e-- {
				before.done[writtenRows{other.Verb, other.Table.Name, e}] = true
			}
		}
	}
	return before.done[writtenRows{w.Verb, w.Table.Name, max(w.Extent, analysis.Few+1)}]
}

// writers are the writes of a migration's statements before the next one to be examined.
type writers struct {
	next int
	done map[writtenRows]bool
}

// writtenRows is a write of so many rows of a table, or more.
type writtenRows struct {
	verb   string
	table  catalog.Name
	extent analysis.Extent
}

// runsPerRow reports whether a statement runs once for each row that the query of
// the loop around it finds in existing tables: FOR r IN SELECT … LOOP.
func runsPerRow(p *rule.Pass, s *rule.Stmt) bool {
	for i := s.Index - 1; i > s.Parent && i >= 0; i-- {
		x := s.Migration.Statements[i]
		q := x.Node.GetSelectStmt()
		if x.Parent != s.Parent || q == nil {
			continue
		}
		for _, n := range q.GetFromClause() {
			t, _ := x.Before.Resolve(n.GetRangeVar())
			if n.GetRangeVar() == nil || !p.InUse(t) || p.IsSmall(t.Name) || strings.HasPrefix(t.Name.Name, "pg_") || t.Name.Schema == "information_schema" {
				return false
			}
		}
		return p.EstimateRead(x, q) > analysis.Few && filtersByRecord(s.Node)
	}
	return false
}

// filtersByRecord reports whether a write looks for its rows by a field of something
// that it does not read from itself: r.id.
func filtersByRecord(n *pgparse.Node) bool {
	w := splitWrite(pgparse.Unwrap(n))
	if len(w.from) > 0 || w.target == nil || n.GetInsertStmt() != nil {
		return false
	}
	return pgparse.Contains(w.where, func(ref *pgparse.ColumnRef) bool {
		if len(ref.Fields) != 2 {
			return false
		}
		qualifier := ref.Fields[0].GetString_().GetSval()
		return qualifier != w.target.Relname && qualifier != w.target.GetAlias().GetAliasname()
	})
}

// namesBlockVariable reports whether a statement names a variable of the block around it:
// what is a column of none of its relations, all of which are known.
func namesBlockVariable(s *rule.Stmt) bool {
	var relations []*catalog.Relation
	known := true
	pgparse.Walk(s.Node, func(n any) bool {
		if rv, ok := n.(*pgparse.RangeVar); ok {
			r, _ := s.Before.Resolve(rv)
			known = known && r != nil && !r.Inferred
			relations = append(relations, r)
		}
		return true
	})
	if !known {
		return false
	}
	return pgparse.Contains(s.Node, func(ref *pgparse.ColumnRef) bool {
		if len(ref.GetFields()) != 1 {
			return false
		}
		name := ref.GetFields()[0].GetString_().GetSval()
		return name != "" && !slices.ContainsFunc(relations, func(r *catalog.Relation) bool { return r.Column(name) != nil })
	})
}

// commitsInLoop reports whether each round of the loop around a statement commits: the block does so, or the loop is a program's,
// which sends its statements without a transaction.
func commitsInLoop(s *rule.Stmt) bool {
	if s.Parent < 0 && s.Statement.Tx == 0 {
		return true
	}
	for _, x := range s.Migration.Statements {
		if x.Parent == s.Parent && x.Loop && x.Node.GetTransactionStmt().GetKind() == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
			return true
		}
	}
	return false
}
