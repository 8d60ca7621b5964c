package column

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// judgeUnnumbered judges a change to a column that took its values from a sequence: an INSERT
// that omits the column no longer gets a number. It reports whether the change is of this
// kind, so that no other finding is made.
func judgeUnnumbered(p *rule.Pass, t *rule.Tx, d *rule.Delta) bool {
	if !isNumbered(d.Old) || d.Before.View != nil || p.NewColumn(d, d.Old) || t.After.Relation(d.OID) == nil {
		return false
	}
	now := d.New
	r := rule.Report{Severity: onward.Off}
	name := now.Name
	switch {
	case repeatsValue(t, d):
		r.Fact = "the default of column " + name + " of " + d.Before.Name.String() + " becomes " + now.DefaultText + " (it was " + describeOrigin(d.Old) + ")"
		r.Harm = "one INSERT that leaves " + name + " out stores it, and each one after that fails: duplicate key value violates unique constraint"
	case !d.IsColumnReplaced() || now.Default != nil || now.Identity != "" || now.Generated != "" || hasDomainDefault(t.After, now):
		return false
	case now.NotNull:
		r.Fact = describeTakenName(d) + ", which is NOT NULL and has no default (it was " + describeOrigin(d.Old) + ")"
		r.Harm = "INSERTs of the deployed code that leave " + name + " out fail: null value in column \"" + name + "\" violates not-null constraint"
	default:
		r.Fact = describeTakenName(d) + ", which has no default (it was " + describeOrigin(d.Old) + ")"
		r.Harm = "INSERTs of the deployed code that leave " + name + " out store NULL there"
	}
	if t.FindChange(catalog.ColumnIdentityChanged, func(o *rule.Delta) bool { return o.Key == d.Key && o != d }) != nil &&
		d.Kind != catalog.ColumnIdentityChanged {
		return true // said there
	}
	table := p.UsesTable(d)
	u := p.UsesColumn(d, d.Old)
	if table.IsIdle() && !u.Used || isUnrelatedReplacement(p, t, d) && (u.Used || !u.Known) {
		return true // nobody writes the table; all that uses the column fails by its type
	}
	r.Severity = table.LowerSeverity(severityIfFilled(t.After, d.After, name))
	r.Evidence = u.Evidence
	if len(r.Evidence) == 0 {
		r.Evidence = table.Evidence
	}
	r.Instead = adviseRefill(t, d)
	p.Report(d, r)
	return true
}

// isNumbered reports whether a column takes its values from a sequence.
func isNumbered(c *catalog.Column) bool {
	return c.Identity != "" || fillingFunction(c.Default) == "nextval"
}

// repeatsValue reports whether a column that took its values from a sequence, and is
// unique by itself, gets a default that is always the same.
func repeatsValue(t *rule.Tx, d *rule.Delta) bool {
	if d.New == nil || d.New.Default == nil || !isNumbered(d.Old) || pgparse.StripCasts(d.New.Default).GetAConst() == nil || d.New.Identity != "" {
		return false
	}
	return t.After.UniqueAlone(d.After, d.New.Attnum)
}

// hasDomainDefault reports whether a column's type has a default.
func hasDomainDefault(c *catalog.Catalog, col *catalog.Column) bool {
	u := c.Type(col.Type.OID)
	return u != nil && u.Kind == catalog.Domain && u.Default != nil
}

// describeTakenName is the fact that another column has a name.
func describeTakenName(d *rule.Delta) string {
	return "another column takes the name " + d.Old.Name + " in " + d.Before.Name.String()
}

// describeOrigin is what filled a column, for a message.
func describeOrigin(c *catalog.Column) string {
	switch {
	case c.Identity != "":
		return "an identity column"
	case c.Generated != "":
		return "a generated column"
	}
	return c.DefaultText
}

// adviseRefill returns the fix for a column that lacks the source of values of the column whose
// name it has.
func adviseRefill(t *rule.Tx, d *rule.Delta) string {
	table, name := analysis.QuoteTable(d.TableName()), pgparse.QuoteIdent(d.New.Name)
	alter := "ALTER TABLE " + table + " ALTER COLUMN " + name + " "
	switch {
	case isNumbered(d.Old) && classes[d.New.Type.Name.Name] != "integer":
		return "give it a default, in the same transaction, until no old code runs any more:\n" + alter + "SET DEFAULT …;"
	case d.Old.Identity != "":
		return identityToo + recipe.AddIdentity(t.After, t.After.Relation(d.OID), d.New)
	case d.Old.Generated != "":
		return "exchange the columns a release later, when no old code runs any more"
	case !d.IsColumnReplaced():
		return "leave the default as it is"
	}
	words, out := "give it the same default, in the same transaction", alter+"SET DEFAULT "+d.Old.DefaultText+";"
	if seq := t.Before.Relation(d.Old.Sequence); seq != nil && t.After.Relation(seq.OID) == nil {
		owner := d.Old.Name
		if successorBefore := d.Before.Attr(d.New.Attnum); successorBefore != nil {
			owner = successorBefore.Name
		}
		words += ", and before the old column takes its sequence along, ALTER SEQUENCE " + analysis.QuoteTable(seq.Name) + " OWNED BY " + table + "." +
			pgparse.QuoteIdent(owner)
	}
	return words + ":\n" + out
}

const identityToo = "make it an identity column too, in the same transaction:\n"
