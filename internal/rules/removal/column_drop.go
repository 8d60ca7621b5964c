package removal

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// ColumnDrop flags DROP COLUMN while deployed code may use the column.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DROP-COLUMN
var ColumnDrop = &rule.Rule{
	ID:       "column-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP COLUMN breaks deployed code that still reads or writes the column",
	Harm: "While the release rolls out, the old code sends queries that name the column, and each fails with \"column does not exist\". " +
		"Mappers name every column of their model in every SELECT and INSERT, so all of a table's traffic fails, not only what needs the column. " +
		"The values are gone, too: rolling the code back does not help. A function whose body still names the column, such as a trigger's, " +
		"fails for old and new code.",
	Instead: "Remove the column from the code in one release, and drop it in a later one, when no old code runs any more. " +
		"A function that names it is replaced first. A NOT NULL column without a default has to become nullable first: the new code leaves it out of its INSERTs.",
	Manual: []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit: checkColumnDrop,
}

// droppedColumn is a column that is dropped, and what the deployed code does with it.
type droppedColumn struct {
	*rule.Delta
	analysis.Usage
}

func checkColumnDrop(p *rule.Pass, t *rule.Tx) {
	var all []droppedColumn
	for d := range p.DeployedChanges(t, catalog.ColumnDropped) {
		if d.Before.View != nil || p.NewColumn(d, d.Old) || d.By.Node.GetDropStmt() != nil {
			continue // the last one: CASCADE took it along, table-drop-cascade
		}
		if d.After != nil && d.After.Column(d.Old.Name) != nil {
			judgeReplacedColumn(p, t, d)
			continue
		}
		all = append(all, droppedColumn{d, p.UsesOfTaken(t, d, d.Old)})
	}
	type key struct {
		by                *rule.Stmt
		table             catalog.OID
		known, used, sure bool
		column            int16 // of one that a function names
	}
	for _, list := range analysis.GroupByKey(all, func(x *droppedColumn) key {
		k := key{x.By, x.OID, x.Known, x.Used, x.Sure, 0}
		if len(x.Functions) > 0 {
			k.column = x.Old.Attnum
		}
		return k
	}) {
		reportColumnDrops(p, list)
	}
}

// reportColumnDrops reports the columns that one statement drops and that are used
// alike.
func reportColumnDrops(p *rule.Pass, list []droppedColumn) {
	d, n := list[0], len(list)
	table := d.Before.Name
	var names, nullable, full []string
	var uses []analysis.Usage
	for _, x := range list {
		names, uses = append(names, x.Old.Name), append(uses, x.Usage)
		full = append(full, table.String()+"."+x.Old.Name)
		if x.Old.IsRequired() {
			// The new code leaves the column out.
			nullable = append(nullable, recipe.DropNotNull(table, x.Old.Name))
		}
	}
	u := analysis.MergeUsages(uses)
	pronoun := prose.PickForm(n, "it", "them")
	words := describeDeprecated(p, list...)
	fact := prose.EnumerateColumns(names) + " of " + table.String() + words + prose.PickForm(n, " is", " are") + " dropped"
	fact += u.StillUsedClause(pronoun)
	r := rule.Report{
		Fact:     fact,
		Harm:     u.DescribeBreak(prose.PickForm(n, "the column", "the columns")),
		Unused:   prose.EnumerateNames(full),
		Instead:  u.FixBeforeDrop(pronoun),
		Severity: u.DropSeverity(),
		Evidence: u.AllEvidence(),
	}
	if isKnownUnused(p, d.Delta, u) {
		r.Severity = u.FunctionSeverity()
	}
	if len(nullable) > 0 {
		r.Instead += "; until then " + prose.PickForm(n, "it", "they") + " must accept rows without " + pronoun + ":\n" + strings.Join(nullable, ";\n") + ";"
	}
	if words != "" {
		r.Harm = u.DescribeUnneeded(r.Harm, pronoun)
	}
	if n == 1 {
		r.Cause = "and so are %d other columns of " + table.String()
		if !u.IsUsedByFunctionsOnly() {
			r.Way = advice.KeepColumn{
				Table:    analysis.QuoteTable(table),
				Column:   pgparse.QuoteIdent(d.Old.Name),
				Nullable: strings.Join(nullable, ""),
				Unbound:  listRestrictKeys(d.Delta),
			}
		}
	}
	p.Report(d, r)
}

// describeDeprecated describes since when columns are deprecated, separated by commas; "" if one of
// them is not.
func describeDeprecated(p *rule.Pass, list ...droppedColumn) (words string) {
	for _, x := range list {
		d := deprecation.ColumnDeprecation(x.Before.Name, x.Old, p.Release.Deprecated)
		switch {
		case d == nil:
			return ""
		case words == "" || words == ", "+d.Words()+",":
			words = ", " + d.Words() + ","
		default:
			words = ", deprecated,"
		}
	}
	return words
}

// listRestrictKeys returns the names of the foreign keys of a dropped column that do nothing
// themselves where the row that it points at is deleted.
func listRestrictKeys(d *rule.Delta) []string {
	var names []string
	for _, con := range d.Before.Constraints {
		if con.Kind == catalog.ForeignKey && slices.Contains(con.Columns, d.Old.Attnum) && (con.OnDelete == "" || con.OnDelete == "restrict") {
			names = append(names, con.Name)
		}
	}
	return names
}

// isKnownUnused reports whether the code that uses a table is here, and names a column
// of it nowhere, nor every column.
func isKnownUnused(p *rule.Pass, d *rule.Delta, u analysis.Usage) bool {
	table := p.UsesTable(d)
	return u.IsIdle() && !u.Mentioned && (table.Used || table.Declared) && !selectsAllColumns(table)
}

// selectsAllColumns reports whether the code that uses a table is seen to select every column:
// a prepared SELECT * fails once, when its columns change.
func selectsAllColumns(u analysis.Usage) bool {
	return slices.ContainsFunc(u.Evidence, func(e onward.Evidence) bool { return allColumns.MatchString(e.Text) })
}

// allColumns is the star of a list of columns. Code has others: a pointer, a product.
var allColumns = lazyregexp.New(`(?i)\b(?:select(?:\s+(?:all|distinct))?|returning)\s+\*|[\w"]\.\*|,\s*\*\s+from\b`)
