package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// binding is a constraint or unique index that is new on a table in use.
type binding struct {
	p *rule.Pass
	t *rule.Tx
	d *rule.Delta
	// unfilled: a condition is asked for all rows, also those in which something else
	// has filled the columns that the deployed code does not know.
	unfilled bool
}

func (b *binding) constraint(c *catalog.Constraint) {
	name := c.Kind.String() + " " + c.Name
	table := b.d.After.Name.String()
	switch c.Kind {
	case catalog.Check:
		b.check(c, name)
	case catalog.Unique, catalog.PrimaryKey:
		if b.d.NewIndex != nil && !b.d.NewIndex.Inferred && b.t.Before.Relation(c.Index) == nil {
			b.unique(b.d.NewIndex, name)
		}
	case catalog.Exclude:
		b.report(c.Columns, rule.Report{
			Fact:     name + " binds " + table + " from here on",
			Harm:     "rows that exclude each other make the statement fail, and so does each INSERT or UPDATE of the deployed code that writes one: conflicting key value violates exclusion constraint",
			Severity: onward.Warning,
		})
	case catalog.ForeignKey:
		b.foreignKey(c, name)
	}
}

func (b *binding) check(c *catalog.Constraint, name string) {
	table := b.d.After.Name.String()
	if b.replaced(func(old *catalog.Constraint) bool {
		return old.Kind == catalog.Check && predicate.Implies(old.Expr, c.Expr)
	}) {
		return
	}
	if !b.refuses(c.Expr) {
		return
	}
	r := rule.Report{
		Fact:     name + " binds " + table + " from here on",
		Harm:     "INSERTs and UPDATEs of the deployed code that do not meet it fail: new row for relation \"" + b.d.After.Name.Name + "\" violates check constraint \"" + c.Name + "\"",
		Severity: onward.Warning,
		Cause:    "and so do %d other constraints of " + table,
	}
	if !c.Valid {
		r.Harm += "; NOT VALID spares the stored rows only"
	}
	if col := b.only(c); col != nil {
		if predicate.ProvesNotNull(c.Expr, col.Name) {
			b.notNull(c, col, r)
			return
		}
		if value, at := b.contradicted(c, col); at != nil {
			r.Harm = "an UPDATE of the deployed code" + analysis.Usage{Evidence: at}.Where() + " sets " + col.Name + " to '" + value + "', and fails: new row for relation \"" + b.d.After.Name.Name + "\" violates check constraint \"" + c.Name + "\""
			r.Instead = "let the constraint take '" + value + "' until no deployed code writes it any more"
			r.Severity, r.Evidence, r.Cause = onward.Off, at, ""
			b.p.Report(b.d.By, r)
			return
		}
	}
	b.report(c.Columns, r)
}

// notNull judges CHECK (a IS NOT NULL), the first step of a long way to NOT
// NULL.
func (b *binding) notNull(c *catalog.Constraint, col *catalog.Column, r rule.Report) {
	r.Cause = ""
	if col.NotNull || b.d.Before.Attr(col.Attnum) != nil && b.d.Before.Attr(col.Attnum).NotNull {
		return
	}
	u := b.p.UsesColumn(b.d, col).ByWriters()
	unknown := b.p.NewColumn(b.d, col)
	left := b.p.LeavesOut(b.d, col)
	filler := analysis.Filler(b.t.After, b.d.After, []string{col.Name})
	omitted := onward.Off
	unless := ""
	if filler != nil {
		omitted, unless = onward.Warning, ", unless trigger "+filler.Name+" fills it"
	}
	switch {
	case col.Default == nil && analysis.Given(b.t.After, b.d.After, col.Name):
		if !unknown || analysis.GivenAnew(b.t.After, b.d.After, col.Name) || b.p.Rows.Gave(b.d.After, col) {
			return
		}
		r.Severity = onward.Warning
		r.Harm = "trigger " + filler.Name + " fills " + col.Name + " where a row is inserted, not where it is updated: UPDATEs of rows that are stored with NULL fail: violates check constraint \"" + c.Name + "\""
		r.Instead = "fill " + col.Name + " in the stored rows first, in batches, and add the constraint behind that; or let the trigger fire for UPDATE, too"
		b.p.Report(b.d.By, r)
		return
	case col.Default == nil && left != nil:
		r.Severity = omitted
		r.Harm = "the INSERT at " + left.Where() + " leaves " + col.Name + " out, which has no default, and fails: violates check constraint \"" + c.Name + "\"" + unless
		u.Evidence = []onward.Evidence{left.Evidence}
	case col.Default == nil && b.p.Omitted(b.d, col):
		r.Severity = b.p.UsesTable(b.d).Lowered(omitted)
		r.Harm = "no INSERT of the deployed code writes " + col.Name + ", which has no default, so that each fails: violates check constraint \"" + c.Name + "\"" + unless
	case unknown || u.Idle():
		return
	case col.Default != nil:
		r.Severity = onward.Info
		r.Harm = "deployed code that writes NULL to " + col.Name + " fails" + u.Where() + ": violates check constraint \"" + c.Name + "\"; where it leaves the column out, the default is taken"
	default:
		r.Severity = severity(u.Used || u.Named || u.Nothing)
		r.Harm = "INSERTs of the deployed code that write NULL to " + col.Name + " or leave it out fail" + u.Where() + ": violates check constraint \"" + c.Name + "\""
	}
	r.Instead = "release code that writes no NULL to " + col.Name + " first"
	if col.Default == nil {
		r.Instead = "release code that always writes " + col.Name + " first, or give it a default:\nALTER TABLE " + analysis.Table(b.d.After.Name) + " ALTER COLUMN " + pgparse.QuoteIdent(col.Name) + " SET DEFAULT …;"
	}
	r.Evidence = u.Evidence
	b.p.Report(b.d.By, r)
}

func (b *binding) unique(idx *catalog.Relation, name string) {
	info := idx.Index
	var columns []int16
	for _, k := range info.Keys {
		columns = append(columns, k.Columns...)
		if col := b.d.After.Attr(k.Column); col != nil && (col.Identity != "" || col.Sequence != 0 || b.p.NewColumn(b.d, col) && col.Default == nil && !info.NullsNotDistinct) {
			return // numbered by the server, or NULL in every row of the deployed code
		}
	}
	if b.covered(info) || b.d.After.Kind == catalog.MaterializedView { // no code writes to one
		return
	}
	reached := info.Predicate == nil || b.outcomes(info.Predicate).May(predicate.True)
	if info.Predicate != nil {
		all := *b
		all.unfilled = true
		if !all.outcomes(info.Predicate).May(predicate.True) {
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
	list, where := strings.Join(keys, ", "), ""
	if info.PredicateText != "" {
		where = " WHERE " + info.PredicateText
	}
	r := rule.Report{
		Fact: name + " binds " + table.String() + " from here on",
		Harm: "duplicates that are stored make the statement fail, and each INSERT or UPDATE of the deployed code that makes one fails: duplicate key value violates unique constraint",
		Instead: "release code that makes no duplicates first, and see that there are none:\nSELECT " + list + ", count(*) FROM " + analysis.Table(table) +
			where + " GROUP BY " + list + " HAVING count(*) > 1;",
		Severity: onward.Warning,
	}
	switch same, rest := b.same(info); {
	case !reached:
		r.Harm = "duplicates among the rows that the release has put there make the statement fail; what the deployed code writes is not in the index"
		r.Instead = strings.TrimPrefix(r.Instead, "release code that makes no duplicates first, and ")
		r.Severity = onward.Info
		b.p.Report(b.d.By, r)
		return
	case same != nil && rest == 0 && info.Predicate == nil:
		b.all(same, r)
		return
	case same != nil && info.Predicate == nil:
		r.Harm += "; all that it writes has " + same.DefaultText + " in " + same.Name + ", which it does not know"
	}
	b.report(columns, r)
}

// same is a column of a unique index in which all rows of the deployed code have the
// same value: it does not know it, and its default is a constant. rest is how many
// other keys keep the rows apart.
func (b *binding) same(info *catalog.IndexInfo) (col *catalog.Column, rest int) {
	for _, k := range info.Keys {
		c := b.d.After.Attr(k.Column)
		if c != nil && len(b.d.After.Triggers) == 0 && b.p.NewColumn(b.d, c) && analysis.Constant(predicate.Uncast(c.Default)) != "" {
			col = c
		} else {
			rest++
		}
	}
	return col, rest
}

// all reports a key of which all rows of the deployed code have the same.
func (b *binding) all(col *catalog.Column, r rule.Report) {
	u := b.p.UsesTable(b.d)
	if u.Idle() {
		return
	}
	r.Harm = "no INSERT of the deployed code writes " + col.Name + ": each takes its default " + col.DefaultText + ", and all but one fail: duplicate key value violates unique constraint"
	r.Instead = "give the column a default that differs from row to row, fill it by a trigger, or add the constraint a release later"
	if seen := u.Writing("insert"); seen != nil {
		r.Evidence, r.Severity = seen, onward.Error
	}
	r.Severity = u.Lowered(r.Severity)
	b.p.Report(b.d.By, r)
}

// covered reports whether rows have been unique by some of the columns of a new
// index already, at least those that it is about. An expression on a unique
// column is another thing: lower(email).
func (b *binding) covered(now *catalog.IndexInfo) bool {
	var columns []int16
	var expressions []string
	for _, k := range now.Keys {
		if k.Column != 0 {
			columns = append(columns, k.Column)
		} else if k.ExprText != "" {
			expressions = append(expressions, k.ExprText)
		}
	}
	is := func(c *catalog.Catalog, oid catalog.OID) bool {
		old := c.Relation(oid)
		if old == nil || !old.Index.Unique || old.Index.Predicate != nil && (now.Predicate == nil || !predicate.Implies(now.Predicate, old.Index.Predicate)) {
			return false
		}
		return !slices.ContainsFunc(old.Index.Keys, func(k catalog.IndexKey) bool {
			if k.Column == 0 {
				return !slices.Contains(expressions, k.ExprText)
			}
			return !slices.Contains(columns, k.Column)
		})
	}
	was := b.deployed()
	return slices.ContainsFunc(b.d.Before.Indexes, func(oid catalog.OID) bool { return is(b.t.Before, oid) }) ||
		was != nil && slices.ContainsFunc(was.Indexes, func(oid catalog.OID) bool { return is(b.p.Release.Deployed, oid) })
}

// deployed is the table as the deployed code knows it: what held there is kept
// to, be it that an earlier commit of the release has dropped it. nil when the
// base does not have it.
func (b *binding) deployed() *catalog.Relation { return b.p.Release.Deployed.Relation(b.d.Before.OID) }

// held are the constraints that the deployed code has kept to.
func (b *binding) held() []*catalog.Constraint {
	list := b.d.Before.Constraints
	if was := b.deployed(); was != nil {
		list = append(slices.Clip(list), was.Constraints...)
	}
	return list
}

func (b *binding) foreignKey(c *catalog.Constraint, name string) {
	ref := "the referenced table"
	if b.d.Other != nil {
		ref = b.d.Other.Name.String()
	}
	var old *catalog.Constraint
	var was *catalog.Relation // what the columns referred to instead
	for _, o := range b.held() {
		if o.Kind != catalog.ForeignKey || !o.Enforced || !slices.Equal(o.Columns, c.Columns) {
			continue
		}
		if o.Ref == c.Ref {
			old = o
		} else if slices.ContainsFunc(b.d.After.Constraints, func(now *catalog.Constraint) bool { return now.ID == o.ID }) {
			continue // both bind
		} else if r := b.p.Release.Deployed.Relation(o.Ref); r != nil && b.d.Other != nil && r.Name != b.d.Other.Name {
			was = r
		}
	}
	r := rule.Report{Fact: name + " binds " + b.d.After.Name.String() + " from here on", Severity: onward.Warning}
	deletes := b.d.Other == nil || b.p.InUse(b.d.Other)
	switch {
	case old == nil && slices.ContainsFunc(c.Columns, func(a int16) bool { return b.empty(b.d.After.Attr(a)) }) && !strings.Contains(strings.ToUpper(b.d.By.SQL), "MATCH FULL"):
		// A key with a NULL in it is not looked up.
		if !refuses(c.OnDelete) || !deletes {
			return
		}
		r.Severity = onward.Info
		r.Harm = "DELETEs of the deployed code on " + ref + " fail where the new code has pointed at the row"
	case old == nil && was != nil:
		r.Fact = name + " of " + b.d.After.Name.String() + " refers to " + ref + " from here on (was " + was.Name.String() + ")"
		r.Harm = "the deployed code writes keys of " + was.Name.String() + " there, which point at another row of " + ref + ", or fail"
	case old == nil:
		// Code that fills such a column points at rows that are there.
		r.Severity = onward.Info
		r.Harm = "INSERTs and UPDATEs of the deployed code that point at no row of " + ref + " fail"
		if refuses(c.OnDelete) && deletes {
			r.Harm += ", and so do its DELETEs on " + ref + " of rows that are pointed at"
		}
	case refuses(c.OnDelete) && !refuses(old.OnDelete):
		r.Fact = name + " of " + b.d.After.Name.String() + " refuses DELETEs from here on (was ON DELETE " + strings.ToUpper(old.OnDelete) + ")"
		r.Harm = "DELETEs of the deployed code on " + ref + " of rows that are pointed at fail"
	case refuses(c.OnUpdate) && !refuses(old.OnUpdate):
		r.Fact = name + " of " + b.d.After.Name.String() + " refuses UPDATEs of the key from here on (was ON UPDATE " + strings.ToUpper(old.OnUpdate) + ")"
		r.Harm = "UPDATEs of the deployed code on the key of rows of " + ref + " that are pointed at fail"
	default:
		return
	}
	r.Harm += ": violates foreign key constraint \"" + c.Name + "\""
	if old == nil {
		r.Cause = "and so do %d other foreign keys of " + b.d.After.Name.String()
	}
	b.report(c.Columns, r)
}

// refuses reports whether a foreign key's action is to refuse the change.
func refuses(action string) bool { return action == "" || action == "restrict" }

// replaced reports whether the table had a constraint that bound at least as
// much, be it that the release drops it.
func (b *binding) replaced(same func(*catalog.Constraint) bool) bool {
	return slices.ContainsFunc(b.held(), func(old *catalog.Constraint) bool {
		return (b.d.OldConstraint == nil || old.ID != b.d.OldConstraint.ID) && old.Enforced && same(old)
	})
}

// severity is that of a rule that may fail the writes of the deployed code:
// adding it NOT VALID, or its index concurrently, is what careful people do,
// and only the code's own words make more of it than a note.
func severity(used bool) onward.Severity {
	if used {
		return onward.Warning
	}
	return onward.Info
}

// report says it, unless the deployed code has nothing to do with the columns.
func (b *binding) report(columns []int16, r rule.Report) {
	concerns := len(columns) == 0
	var uses []analysis.Usage
	for _, a := range columns {
		col := b.d.After.Attr(a)
		if col == nil || b.p.NewColumn(b.d, col) {
			continue
		}
		u := b.p.UsesColumn(b.d, col).ByWriters()
		concerns = concerns || !u.Idle()
		uses = append(uses, u)
	}
	if !concerns {
		return
	}
	if len(uses) > 0 {
		together := analysis.Together(uses)
		r.Evidence = together.Evidence
		if ins := b.inserted(columns); ins != nil {
			r.Evidence = []onward.Evidence{ins.Evidence}
		}
		if c := b.d.NewConstraint; c == nil || c.Kind != catalog.ForeignKey {
			r.Severity = severity(together.Used || together.Named || together.Nothing)
		}
	}
	if r.Instead == "" {
		r.Instead = "release code that keeps to it first, clean up the rows, and add the constraint a release later"
	}
	b.p.Report(b.d.By, r)
}

// inserted is an INSERT of the deployed code that writes one of the columns, which tells
// more than a line that has the word.
func (b *binding) inserted(columns []int16) *analysis.Insert {
	for _, a := range columns {
		if col := b.d.After.Attr(a); col != nil {
			if ins := b.p.Inserts(b.d, col); ins != nil {
				return ins
			}
		}
	}
	return nil
}
