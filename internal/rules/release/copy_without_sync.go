package release

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CopyWithoutSync flags rows that are copied once into a new table while the deployed code
// goes on writing to the old one.
// https://www.postgresql.org/docs/current/transaction-iso.html
var CopyWithoutSync = &rule.Rule{
	ID:       "release-copy-without-sync",
	Category: onward.DataLoss,
	Severity: onward.Warning,
	Summary:  "rows are copied into a new table once, and nothing carries later writes over",
	Harm: "INSERT … SELECT copies the rows that are there when it begins. The deployed code does not know the new table and goes on writing to the old " +
		"one until it is replaced. The new table lacks these rows and keeps rows that were changed or deleted.",
	Instead: "Before the copy, create triggers that write each INSERT, UPDATE and DELETE of the old table to the new one as well. " +
		"Then copy in batches that leave existing rows alone. Or copy again after the last process of the old code has ended.",
	Manual:  []string{"https://www.postgresql.org/docs/current/transaction-iso.html", "https://www.postgresql.org/docs/current/sql-createtrigger.html"},
	Gather:  gatherTableCopies,
	Release: checkCopyWithoutSync,
}

// tableCopy is an INSERT … SELECT from a deployed table into one that the release creates.
type tableCopy struct {
	by          *rule.Stmt
	source, new catalog.OID
	tx          int  // the index of its transaction
	followed    bool // a trigger of the source writes to the new table
}

// lostName is a transaction in which a deployed table loses its name.
type lostName struct {
	table catalog.OID
	tx    int
}

// keptAside matches the name of a copy that nobody is going to use in place of the original.
var keptAside = lazyregexp.New(`(?i)(?:^|_)(?:backup|bak|archived?|old|copy|snapshot|te?mp)\d*(?:_|$)`)

func gatherTableCopies(p *rule.Pass, m *rule.Migration) {
	if m.Runner.AfterDeploy {
		return
	}
	for _, t := range m.Txs {
		for d := range p.DeployedChanges(t, catalog.RelationDropped, catalog.RelationRenamed) {
			if d.Before.Kind.IsTable() {
				p.KeepValue(lostName{d.OID, t.Index})
			}
		}
	}
	for _, s := range m.Statements {
		if s.Tx.RolledBack {
			continue
		}
		for _, w := range p.ListWrites(s) {
			insert, ok := w.Node.(*pgparse.InsertStmt)
			if !ok || w.Extent == analysis.Few || !p.IsNew(w.Table.OID) || w.Table.Persistence == catalog.Temporary || keptAside.MatchString(w.Table.Name.Name) {
				continue
			}
			q := insert.GetSelectStmt().GetSelectStmt()
			rv := analysis.FirstSource(q)
			if rv == nil {
				continue
			}
			source, known := s.Before.Resolve(rv)
			if known && !picksListedRows(s.Before, q, rv, source) && source.Kind.IsTable() && p.InUse(source) {
				p.KeepValue(tableCopy{s, source.OID, w.Table.OID, s.Tx.Index, analysis.MayCarryRows(s.Before, source, w.Table)})
			}
		}
	}
}

// picksListedRows reports whether a query picks rows of its first relation by a list of keys in its text. Such rows are
// samples or seeds, and not a copy of the table. A lock makes no difference: the deployed code goes on after it.
func picksListedRows(c *catalog.Catalog, q *pgparse.SelectStmt, rv *pgparse.RangeVar, source *catalog.Relation) bool {
	if q.GetLarg() != nil {
		return false
	}
	return slices.ContainsFunc(predicate.ListConjuncts(q.GetWhereClause()), func(n *pgparse.Node) bool {
		e := n.GetAExpr()
		path := e.GetLexpr().GetColumnRef().GetFields()
		if e == nil || len(path) == 0 || pgparse.LastText(e.GetName()) != "=" {
			return false
		}
		if len(path) > 1 && path[0].GetString_().GetSval() != cmp.Or(rv.GetAlias().GetAliasname(), rv.GetRelname()) {
			return false
		}
		column := source.Column(path[len(path)-1].GetString_().GetSval())
		if column == nil || !c.UniqueAlone(source, column.Attnum) {
			return false
		}
		if e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP {
			return isConstant(e.GetRexpr())
		}
		items := e.GetRexpr().GetList().GetItems()
		if e.GetKind() != pgparse.A_Expr_Kind_AEXPR_IN || len(items) == 0 {
			return false
		}
		return !slices.ContainsFunc(items, func(n *pgparse.Node) bool { return !isConstant(n) })
	})
}

func isConstant(n *pgparse.Node) bool {
	_, ok := predicate.ConstantValue(n)
	return ok
}

func checkCopyWithoutSync(p *rule.Pass, r *rule.Release) {
	type pair struct{ source, new catalog.OID }
	seen := map[pair]bool{}
	for _, c := range rule.KeptValues[tableCopy](p) {
		source, now := r.Head.Relation(c.source), r.Head.Relation(c.new)
		deployed := r.Deployed.Relation(c.source)
		if deployed == nil {
			deployed = source
		}
		key := pair{c.source, c.new}
		if !seen[key] && isSwappedLater(p, r, &c) {
			seen[key] = true
			reportSwappedCopy(p, r, &c)
			continue
		}
		if seen[key] || source == nil || now == nil || source.Name != deployed.Name || isReplacementTable(r, now) || analysis.MayCarryRows(r.Head, source, now) {
			continue
		}
		seen[key] = true
		evidence, writes, used := findWriters(p, deployed.Name)
		if !used {
			continue
		}
		old, table := source.Name.String(), now.Name.String()
		harm := "rows that the deployed code writes to " + old + " after the copy are not in " + table
		if writes {
			harm = "the deployed code writes to " + old + analysis.Usage{Evidence: evidence}.FirstPlace() + ": what it writes after the copy is not in " + table
		}
		p.Report(c.by, rule.Report{
			Fact: "the rows of " + old + " are copied into the new table " + table + " once, and nothing carries later writes over",
			Harm: harm,
			Instead: "before the copy, create triggers on " + old + " that write each INSERT, UPDATE and DELETE to " + table +
				" as well, and copy in batches; or copy again after the last process of the old code has ended",
			Evidence: evidence,
		})
	}
}

// findWriters returns the places where the deployed code writes to a table, or else where it uses it. used is false if
// nothing writes to it.
func findWriters(p *rule.Pass, table catalog.Name) (evidence []onward.Evidence, writes, used bool) {
	u := p.Code.FindUses(table, "")
	if u.IsIdle() || u.IsReadOnly() {
		return nil, false, false
	}
	if found := u.WriteEvidence("insert", "update", "delete", "truncate"); found != nil {
		return found, true, true
	}
	return u.Evidence, false, true
}

// isReplacementTable reports whether a new table has the name of a deployed one in the end, or is part
// of another table: table-swap-loses-rows judges the first.
func isReplacementTable(r *rule.Release, now *catalog.Relation) bool {
	return r.Deployed.Lookup(now.Name.Schema, now.Name.Name) != nil || now.Parent != 0 || len(now.Inherits) > 0
}
