package column

import (
	"cmp"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// columnFit is a column of the new table beside the one that the deployed code knows,
// if it knows one of that name.
type columnFit struct {
	*rule.Delta
	pass    *rule.Pass
	release *rule.Release
	// setters are the statements of the migration that set a sequence.
	setters setters
}

// judgeFit says what of the column the deployed code cannot live with; nil when there
// is nothing.
func (d *columnFit) judgeFit() *rule.Report {
	p, r := d.pass, d.release
	name, table := d.New.Name, d.After.Name.String()
	fact := "a new table takes the name of " + table
	if d.Old == nil {
		if !isInsertRequired(r.Head, d.New) || analysis.IsSetByTrigger(r.Head, d.After, name) {
			return nil
		}
		return &rule.Report{
			Fact: fact + ", and its column " + name + " is NOT NULL and has no default",
			Harm: "every INSERT of the deployed code leaves " + name + " out and fails: null value in column \"" + name + "\" violates not-null constraint" +
				describeFiller(r.Head, d.After, name),
			Severity: p.Code.FindUses(d.Before.Name, "").LowerSeverity(severityIfFilled(r.Head, d.After, name)),
			Evidence: p.Code.FindUses(d.Before.Name, "").Evidence,
			Instead: "give it a default until no old code runs any more:\nALTER TABLE " + analysis.QuoteTable(d.After.Name) + " ALTER COLUMN " +
				pgparse.QuoteIdent(name) + " SET DEFAULT …;",
		}
	}
	u := p.UsesColumn(d.Delta, d.Old)
	if severity, harm := judgeTypeChange(r.Head, baseType(r.Deployed, d.Old.Type), baseType(r.Head, d.New.Type)); severity >= onward.Warning &&
		(u.Used || !u.Known) {
		return &rule.Report{
			Fact:     fact + ", and its column " + name + " is " + d.New.Type.String() + " (was " + d.Old.Type.String() + ")",
			Harm:     harm + u.FirstPlace(),
			Severity: severity,
			Evidence: u.Evidence,
			Instead:  "keep the type in this release; add a column of the new type beside it, and drop the old one a release later",
		}
	}
	return d.reportUnfilled(fact, u)
}

// reportUnfilled reports the effect on INSERTs that omit a column of both tables.
func (d *columnFit) reportUnfilled(fact string, u analysis.Usage) *rule.Report {
	p, r, name := d.pass, d.release, d.New.Name
	fills := d.New.Default != nil || d.New.Identity != "" || d.New.Generated != "" || hasDomainDefault(r.Head, d.New) ||
		analysis.IsSetByTrigger(r.Head, d.After, name)
	switch {
	case fills:
		return d.judgeSequenceRestart(fact)
	case d.Old.Default == nil && d.Old.Identity == "" && d.Old.Generated == "":
		if !d.New.NotNull || d.Old.NotNull {
			return nil
		}
		fact += ", and its column " + name + " is NOT NULL"
	case d.New.NotNull:
		fact += ", and its column " + name + " is NOT NULL and has no default (it was " + describeOrigin(d.Old) + ")"
	default:
		fact += ", and its column " + name + " has no default (it was " + describeOrigin(d.Old) + ")"
	}
	f := &rule.Report{Fact: fact, Instead: d.adviseFillLikeOld(), Severity: onward.Warning}
	fails := "store NULL there"
	if d.New.NotNull {
		fails = "fail: null value in column \"" + name + "\" violates not-null constraint"
	}
	left := p.LeavesOut(d.Delta, d.Old)
	switch {
	case left != nil:
		f.Harm = "the INSERT at " + left.FormatPlace() + " leaves " + name + " out: such INSERTs " + fails
		f.Severity, f.Evidence = severityIfFilled(r.Head, d.After, name), []onward.Evidence{left.Evidence}
	case isNumberedKey(d.Delta) || u.Defaulted:
		f.Harm = "INSERTs of the deployed code leave " + name + " to the server, and from now on " + fails + u.FirstPlace()
		f.Severity, f.Evidence = severityIfFilled(r.Head, d.After, name), u.Evidence
	case u.IsIdle() && !p.IsOmitted(d.Delta, d.Old), u.Sure && u.Used, p.FindInsert(d.Delta, d.Old) != nil:
		return nil // what writes the table gives it a value
	default:
		f.Harm = "INSERTs of the deployed code that leave " + name + " out " + fails + u.FirstPlace()
		f.Evidence = u.Evidence
	}
	return f
}

// adviseFillLikeOld returns the fix that fills the column as in the old table.
func (d *columnFit) adviseFillLikeOld() string {
	table, name := analysis.QuoteTable(d.After.Name), pgparse.QuoteIdent(d.New.Name)
	alter := "ALTER TABLE " + table + " ALTER COLUMN " + name + " "
	switch {
	case d.Old.Identity != "":
		return identityToo + recipe.AddIdentity(d.release.Head, d.After, d.New)
	case d.Old.Generated != "":
		return "make it a generated column in the new table, too"
	case d.Old.Default == nil:
		return "let it be null, and set NOT NULL a release later:\n" + alter + "DROP NOT NULL;"
	}
	out := "give it the same default, in the same transaction:\n" + alter + "SET DEFAULT " + d.Old.DefaultText + ";"
	if seq := d.release.Deployed.Relation(d.Old.Sequence); seq != nil {
		out += "\nand before the old table takes its sequence along:\nALTER SEQUENCE " + analysis.QuoteTable(seq.Name) + " OWNED BY " + table + "." + name + ";"
	}
	return out
}

// judgeSequenceRestart returns the report that the sequence of the new table begins at 1, where rows have
// numbers.
func (d *columnFit) judgeSequenceRestart(fact string) *rule.Report {
	p, r := d.pass, d.release
	seq := r.Head.Relation(cmp.Or(d.New.Takes, d.New.Sequence))
	if !isNumbered(d.Old) || seq == nil || seq.Seq == nil || seq.Seq.Moved || !p.IsNew(seq.OID) || !r.Head.UniqueAlone(d.After, d.New.Attnum) ||
		d.setters.maySet(seq.OID, 0) {
		return nil
	}
	if !p.Rows.HasRows(d.After.OID) && len(rule.KeptValues[hiddenWriter](p)) == 0 {
		return nil // no row of the new table has a number
	}
	return &rule.Report{
		Fact:    fact + ", and the sequence of its column " + d.New.Name + " begins at 1",
		Harm:    "the rows that were copied have these numbers: INSERTs that leave " + d.New.Name + " out fail: duplicate key value violates unique constraint",
		Instead: "set it after the highest number, in the same transaction:\n" + recipe.SetSequence(r.Head, d.After, d.New) + ";",
	}
}
