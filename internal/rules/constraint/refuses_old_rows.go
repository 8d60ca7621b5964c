package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// RefusesOldRows flags a constraint that the rows of a table violate, as far as a column of the same release is concerned: the rows have
// one value in it, or none.
// https://www.postgresql.org/docs/current/ddl-constraints.html
var RefusesOldRows = &rule.Rule{
	ID:       "constraint-refuses-old-rows",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "a constraint or unique index refuses what all rows hold in a column that the release adds",
	Harm: "A column that is added without a default is NULL in all rows, and a column with a constant default has one value in all rows. " +
		"If nothing fills it before the constraint, the migration works on an empty database and stops on the one in production.",
	Instead: "Fill the column before the constraint: in batches, and with different values if they have to be unique.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/ddl-constraints.html", "https://www.postgresql.org/docs/current/indexes-unique.html",
	},
	Statement: checkRefusesOldRows,
}

func checkRefusesOldRows(p *rule.Pass, s *rule.Stmt) {
	if s.IsOptional() || s.AfterUnread || s.Result.Refused != nil || s.Before.Unmodelled != p.Release.Deployed.Unmodelled {
		return // something unseen may have filled the column
	}
	for i := range s.Deltas {
		d := &s.Deltas[i]
		if d.After == nil || d.After.Inferred || !d.After.Kind.IsTable() || !p.InUse(d.After) || len(d.After.Triggers) > 0 {
			continue
		}
		o := oldRows{p: p, s: s, table: d.After}
		var fact, state string
		switch d.Kind {
		case catalog.ColumnSetNotNull:
			if o.findAllNullColumn(d.New.Attnum) != nil {
				fact, state = "column "+d.New.Name+" of "+o.tableName()+" is set NOT NULL, and nothing fills it: it is NULL in all rows", o.nullMessage(d.New)
			}
		case catalog.ConstraintAdded, catalog.ConstraintValidated:
			fact, state = o.judgeConstraint(d.NewConstraint)
		case catalog.IndexCreated:
			if x := d.NewIndex; x != nil && x.Index != nil && x.Index.Unique && x.Index.Predicate == nil {
				var columns []int16
				for _, key := range x.Index.Keys {
					columns = append(columns, key.Column)
				}
				fact, state = o.judgeUnique(x.Name.Name, columns, x.Index.NullsNotDistinct)
			}
		}
		if fact == "" {
			continue
		}
		p.Report(s, rule.Report{
			Fact:    fact,
			Harm:    "the statement fails on every table with rows, and the migration stops: " + state,
			Instead: "fill the column before it, in batches; a NOT NULL or CHECK constraint can be added NOT VALID and validated after that",
		})
		return
	}
}

// oldRows are the rows that a table has before the release.
type oldRows struct {
	p     *rule.Pass
	s     *rule.Stmt
	table *catalog.Relation
}

func (o *oldRows) tableName() string { return o.table.Name.String() }

func (o *oldRows) nullMessage(c *catalog.Column) string {
	return `column "` + c.Name + `" of relation "` + o.table.Name.Name + `" contains null values`
}

// findAllNullColumn returns a column that is NULL in all rows; nil if it may have values.
func (o *oldRows) findAllNullColumn(attnum int16) *catalog.Column {
	if v, ok := o.p.Rows.AddedValue(o.table.OID, attnum); ok && v.Constant == nil && !v.Same && !o.isFilledByPlan(o.table.Attr(attnum)) {
		return o.table.Attr(attnum)
	}
	return nil
}

// isFilledByPlan reports whether a written plan says that its backfill of a column has run.
func (o *oldRows) isFilledByPlan(c *catalog.Column) bool {
	return slices.ContainsFunc(o.p.Release.Changes, func(h history.Change) bool {
		return h.Kind == history.Filled && (h.Other == o.table.Name.Name+"."+c.Name || h.Other == o.table.Name.Qualified()+"."+c.Name)
	})
}

func (o *oldRows) judgeConstraint(c *catalog.Constraint) (fact, state string) {
	if !c.Enforced || !c.Valid || c.Inferred {
		return "", ""
	}
	switch c.Kind {
	case catalog.NotNullConstraint, catalog.PrimaryKey:
		for _, attnum := range c.Columns {
			if col := o.findAllNullColumn(attnum); col != nil {
				fact = "column " + col.Name + " of " + o.tableName() + " becomes NOT NULL by " + c.Name + ", and nothing fills it: it is NULL in all rows"
				return fact, o.nullMessage(col)
			}
		}
		if c.Kind == catalog.NotNullConstraint {
			return "", ""
		}
		return o.judgeUnique(c.Name, c.Columns, c.NullsNotDistinct)
	case catalog.Unique:
		if c.WithoutOverlaps {
			return "", ""
		}
		return o.judgeUnique(c.Name, c.Columns, c.NullsNotDistinct)
	case catalog.Check:
		var names []string
		refuted := o.s.After.IsCheckRefuted(o.table, c.Expr, func(col *catalog.Column) (*pgparse.Node, bool) {
			v, ok := o.p.Rows.AddedValue(o.table.OID, col.Attnum)
			ok = ok && !o.isFilledByPlan(col)
			if ok && !slices.Contains(names, col.Name) {
				names = append(names, col.Name)
			}
			return v.Constant, ok && !v.Same
		})
		if refuted {
			return "check constraint " + c.Name + " of " + o.tableName() + " is violated by all rows: " + strings.Join(o.describeValues(names), ", "),
				`check constraint "` + c.Name + `" of relation "` + o.table.Name.Name + `" is violated by some row`
		}
	}
	return "", ""
}

// describeValues says which values the rows have in columns.
func (o *oldRows) describeValues(names []string) []string {
	var out []string
	for _, name := range names {
		col := o.table.Column(name)
		v, _ := o.p.Rows.AddedValue(o.table.OID, col.Attnum)
		if v.Constant == nil {
			out = append(out, name+" is NULL, as nothing fills it")
		} else {
			out = append(out, name+" is the default that it was added with")
		}
	}
	return out
}

// judgeUnique judges a unique key all of whose columns have one value in all rows.
func (o *oldRows) judgeUnique(name string, columns []int16, nullsEqual bool) (fact, state string) {
	var names []string
	for _, attnum := range columns {
		v, ok := o.p.Rows.AddedValue(o.table.OID, attnum)
		if !ok || v.Constant == nil && !v.Same && !nullsEqual {
			return "", "" // NULLs are distinct
		}
		names = append(names, o.table.Attr(attnum).Name)
	}
	if len(names) == 0 {
		return "", ""
	}
	return name + " of " + o.tableName() + " cannot be unique: all rows have the same value in " + prose.JoinNames(names) + ", as it was added",
		`could not create unique index "` + name + `"`
}
