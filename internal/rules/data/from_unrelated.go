package data

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// FromUnrelated flags UPDATE … FROM and DELETE … USING if nothing joins the other tables
// to the written one.
// https://www.postgresql.org/docs/current/sql-update.html
var FromUnrelated = &rule.Rule{
	ID:       "data-from-unrelated",
	Category: onward.DataLoss,
	Severity: onward.Warning,
	Summary:  "nothing ties the tables in FROM or USING to the table that is written",
	Harm: "The table that is written is not among those in FROM, not even under another alias. " +
		"Without a condition that names it, each of its rows meets each row of the others: " +
		"an UPDATE gives every row the values of any one of them, a DELETE removes every row as soon as there is one.",
	Instead:   "Say in WHERE which row of the others belongs to which row of the table.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-update.html"},
	Kinds:     rule.Data,
	Statement: checkFromUnrelated,
}

func checkFromUnrelated(p *rule.Pass, s *rule.Stmt) {
	for _, w := range p.ListWrites(s) {
		parts := splitWrite(w.Node)
		if w.Verb != "UPDATE" && w.Verb != "DELETE" || len(parts.from) == 0 || parts.with != nil || !p.InUse(w.Table) {
			continue // what WITH gives may be one row
		}
		tables, joinsTarget := listJoinedTables(s.Before, parts.from, w.Table)
		if tables == nil || w.Verb == "UPDATE" && len(tables) < 2 && !joinsTarget || mayNameTable(parts.where, parts.target, w.Table) {
			continue // one table may well have one row
		}
		table := w.Table.Name.String()
		r := rule.Report{
			Fact:    "nothing ties the tables in FROM to " + table + ", which is updated",
			Harm:    "every row of " + table + " gets the values of any one row of them",
			Instead: "say which row belongs to which: … WHERE " + analysis.QuoteTable(w.Table.Name) + ".… = …",
		}
		if w.Verb == "DELETE" {
			r.Fact = "nothing ties the tables in USING to " + table + ", from which is deleted"
			r.Harm = "as soon as they give one row, every row of " + table + " is gone"
		}
		if joinsTarget {
			r.Instead += "; the " + table + " that FROM names is not the one that is written"
		}
		p.Report(s, r)
		return
	}
}

// listJoinedTables returns the tables in a FROM list, nil if it contains anything else. joinsTarget says
// that the written table is among them.
func listJoinedTables(c *catalog.Catalog, from []*pgparse.Node, target *catalog.Relation) (tables []*catalog.Relation, joinsTarget bool) {
	for _, n := range from {
		switch x := pgparse.Unwrap(n).(type) {
		case *pgparse.RangeVar:
			t, _ := c.Resolve(x)
			if !t.Kind.IsTable() {
				return nil, false
			}
			tables, joinsTarget = append(tables, t), joinsTarget || t.Name == target.Name
		case *pgparse.JoinExpr:
			list, nestedJoinsTarget := listJoinedTables(c, []*pgparse.Node{x.GetLarg(), x.GetRarg()}, target)
			if list == nil {
				return nil, false
			}
			tables, joinsTarget = append(tables, list...), joinsTarget || nestedJoinsTarget
		default:
			return nil, false
		}
	}
	return tables, joinsTarget
}

// mayNameTable reports whether a condition may name the table that is written: by its
// alias, or a column without one that it has.
func mayNameTable(where *pgparse.Node, target *pgparse.RangeVar, t *catalog.Relation) bool {
	alias := cmp.Or(target.GetAlias().GetAliasname(), target.GetRelname())
	return pgparse.Contains(where, func(ref *pgparse.ColumnRef) bool {
		var path []string
		for _, f := range ref.GetFields() {
			path = append(path, f.GetString_().GetSval())
		}
		return len(path) == 1 && (t.Inferred || t.Column(path[0]) != nil || path[0] == alias) || len(path) > 1 && slices.Contains(path[:len(path)-1], alias)
	})
}
