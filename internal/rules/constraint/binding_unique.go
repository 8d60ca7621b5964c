package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/violation"
	"github.com/onward-sql/onward/onward"
)

func (b *addedBinding) judgeUnique(idx *catalog.Relation, name string) {
	info := idx.Index
	var columns []int16
	for _, k := range info.Keys {
		columns = append(columns, k.Columns...)
		if col := b.d.After.Attr(k.Column); col != nil && (col.Identity != "" || col.Sequence != 0 ||
			b.p.NewColumn(b.d, col) && col.Default == nil && !info.NullsNotDistinct) {
			return // numbered by the server, or NULL in every row of the deployed code
		}
	}
	if b.isAlreadyUnique(info) || b.d.After.Kind == catalog.MaterializedView { // no code writes to one
		return
	}
	reached := info.Predicate == nil || b.evaluateCheck(info.Predicate).MayBe(predicate.True)
	if info.Predicate != nil {
		all := *b
		all.assumeUnknown = true
		if !all.evaluateCheck(info.Predicate).MayBe(predicate.True) {
			return // no row is in it yet
		}
	}
	table := b.d.After.Name
	keys := make([]string, 0, len(info.Keys))
	for _, k := range info.Keys {
		if c := b.d.After.Attr(k.Column); c != nil {
			keys = append(keys, pgparse.QuoteIdent(c.Name))
		} else if k.ExprText != "" {
			keys = append(keys, k.ExprText)
		}
	}
	r := rule.Report{
		Fact: name + " applies to every new write to " + table.String() + ", the deployed code's included",
		Harm: "duplicates that are stored make the statement fail, and each INSERT or UPDATE of the deployed code that makes one fails: " +
			"duplicate key value violates unique constraint",
		Instead: "release code that makes no duplicates first, and see that there are none:\n" +
			violation.SelectDuplicates(analysis.QuoteTable(table), keys, info.PredicateText),
		Severity: onward.Warning,
	}
	switch constantColumn, rest := b.findConstantKey(info); {
	case !reached:
		r.Harm = "duplicates among the rows that the release has put there make the statement fail; what the deployed code writes is not in the index"
		r.Instead = strings.TrimPrefix(r.Instead, "release code that makes no duplicates first, and ")
		r.Severity = onward.Info
		b.p.Report(b.d, r)
		return
	case constantColumn != nil && rest == 0 && info.Predicate == nil:
		b.reportConstantKey(constantColumn, r)
		return
	case constantColumn != nil && info.Predicate == nil:
		r.Harm += "; all that it writes has " + constantColumn.DefaultText + " in " + constantColumn.Name + ", which it does not know"
	}
	b.reportIfUsed(columns, r)
}

// findConstantKey is a column of a unique index in which all rows of the deployed code have the
// same value: it does not know it, and its default is a constant. rest is how many
// other keys keep the rows apart.
func (b *addedBinding) findConstantKey(info *catalog.IndexInfo) (col *catalog.Column, rest int) {
	for _, k := range info.Keys {
		c := b.d.After.Attr(k.Column)
		if c != nil && len(b.d.After.Triggers) == 0 && b.p.NewColumn(b.d, c) && analysis.ConstantText(pgparse.StripCasts(c.Default)) != "" {
			col = c
		} else {
			rest++
		}
	}
	return col, rest
}

// reportConstantKey reports a key of which all rows of the deployed code have the same.
func (b *addedBinding) reportConstantKey(col *catalog.Column, r rule.Report) {
	u := b.p.UsesTable(b.d)
	if u.IsIdle() {
		return
	}
	r.Harm = "no INSERT of the deployed code writes " + col.Name + ": each takes its default " + col.DefaultText +
		", and all but one fail: duplicate key value violates unique constraint"
	r.Instead = "give the column a default that differs from row to row, fill it by a trigger, or add the constraint a release later"
	if seen := u.WriteEvidence("insert"); seen != nil {
		r.Evidence, r.Severity = seen, onward.Error
	}
	r.Severity = u.LowerSeverity(r.Severity)
	b.p.Report(b.d, r)
}

// isAlreadyUnique reports whether rows have been unique by some of the columns of a new
// index already, at least those that it is about. An expression on a unique
// column is another thing: lower(email).
func (b *addedBinding) isAlreadyUnique(now *catalog.IndexInfo) bool {
	var columns []int16
	var expressions []*pgparse.Node
	for _, k := range now.Keys {
		if k.Column != 0 {
			columns = append(columns, k.Column)
		} else if k.Expr != nil {
			expressions = append(expressions, k.Expr)
		}
	}
	isCoveringIndex := func(c *catalog.Catalog, oid catalog.OID) bool {
		old := c.Relation(oid)
		if old == nil || !old.Index.Unique || old.Index.Predicate != nil && (now.Predicate == nil || !predicate.Implies(now.Predicate, old.Index.Predicate)) {
			return false
		}
		from := c.Relation(old.Index.Table)
		return !slices.ContainsFunc(old.Index.Keys, func(k catalog.IndexKey) bool {
			if col := from.Attr(k.Column); now.NullsNotDistinct && !old.Index.NullsNotDistinct && (col == nil || !col.NotNull) {
				return true // rows with a NULL were as many as they liked
			}
			if k.Column == 0 {
				return !slices.ContainsFunc(expressions, func(now *pgparse.Node) bool { return pgparse.Equal(now, k.Expr) })
			}
			return !slices.Contains(columns, k.Column)
		})
	}
	deployed := b.deployedTable()
	return slices.ContainsFunc(b.d.Before.Indexes, func(oid catalog.OID) bool { return isCoveringIndex(b.t.Before, oid) }) ||
		deployed != nil && slices.ContainsFunc(deployed.Indexes, func(oid catalog.OID) bool { return isCoveringIndex(b.p.Release.Deployed, oid) })
}
