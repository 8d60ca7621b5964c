package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// StarRead flags a column more or less where the deployed code reads all of them
// into as many places. https://www.postgresql.org/docs/current/sql-select.html
var StarRead = &rule.Rule{
	ID:       "column-star-read",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "the deployed code reads SELECT * into places for the columns that were there, or writes by their order",
	Harm: "In Go a row must fit what it is read into. After ADD COLUMN a Scan of SELECT * fails with \"expected 3 destination arguments in Scan, not 2\", " +
		"sqlx with \"missing destination name\", pgx.RowToStructByName and scany with a column that has no field: " +
		"each read of the deployed code, until the new code has replaced it everywhere. " +
		"In Rust sqlx prepares each query once for a connection and keeps it: \"cached plan must not change result type\" comes back until the connection is " +
		"closed, except in versions that prepare again. In any language COPY without a list of columns, and INSERT INTO archive SELECT *, " +
		"count on the columns that were there.",
	Instead: "Release code that names its columns first, and add the column in the next release.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-select.html"},
	Commit:  checkStarRead,
}

// usesShown is how many places a finding shows.
const usesShown = 3

func checkStarRead(p *rule.Pass, t *rule.Tx) {
	reportedTables := map[catalog.OID]bool{}
	for i := range t.Deltas {
		d := &t.Deltas[i]
		var act, added string
		switch d.Kind {
		case catalog.ColumnAdded:
			act, added = "is added to", d.New.Name
		case catalog.ColumnDropped:
			act = "is dropped from"
		default:
			continue
		}
		if reportedTables[d.OID] || !p.IsDeployed(d) || !d.Before.Kind.IsTable() || added == "" && p.NewColumn(d, d.Old) {
			continue
		}
		uses := slices.Clone(p.Code.FindAllColumnsUses(p.DeployedName(d), added))
		uses = slices.DeleteFunc(uses, func(use analysis.AllColumnsUse) bool { return isUseUnaffected(t, d, use) })
		if len(uses) == 0 {
			continue
		}
		var u analysis.Usage
		for _, s := range uses[:min(len(uses), usesShown)] {
			u.Evidence = append(u.Evidence, s.Evidence)
		}
		reportedTables[d.OID] = true
		name := added
		if name == "" {
			name = d.Old.Name
		}
		r := rule.Report{
			Fact:     "column " + name + " " + act + " " + d.Before.Name.String() + ", of which the deployed code reads all columns with a *",
			Harm:     "its rows no longer fit what they are read into" + u.FirstPlace() + ": each read fails until the new code has replaced it everywhere",
			Instead:  "release code that names its columns there first, and " + map[bool]string{true: "add", false: "drop"}[added != ""] + " the column a release later",
			Evidence: u.Evidence,
		}
		switch kind := uses[0].Kind; kind {
		case analysis.CopyWithoutColumns, analysis.InsertWithoutColumns, analysis.InsertSelectStar:
			message := "INSERT has more expressions than target columns"
			switch {
			case kind == analysis.CopyWithoutColumns && added != "":
				message = "missing data for column \"" + name + "\""
			case kind == analysis.CopyWithoutColumns:
				message = "extra data after last expected column"
			}
			r.Fact = "column " + name + " " + act + " " + d.Before.Name.String() + ", whose columns the deployed code counts on by their order"
			r.Harm = "each of these fails" + u.FirstPlace() + " until the new code has replaced it everywhere: " + message
		case analysis.CachedPlan:
			r.Severity = onward.Warning
			r.Harm = "connections that have prepared the query" + u.FirstPlace() + " fail at it until they are closed: cached plan must not change result type"
		}
		p.Report(d, r)
	}
}

// isUseUnaffected reports whether what the code writes by the order of columns goes on to
// work: COPY passes over a generated column, and the table that takes the rows may
// have the same columns by now.
func isUseUnaffected(t *rule.Tx, d *rule.Delta, s analysis.AllColumnsUse) bool {
	switch s.Kind {
	case analysis.CopyWithoutColumns:
		return d.New != nil && d.New.Generated != ""
	case analysis.InsertSelectStar:
		to := t.After.Lookup("", s.Into)
		if to == nil || to.Inferred || to.Partial || !to.Kind.IsTable() {
			return true // nothing is known of it
		}
		return len(to.Columns) >= len(d.After.Columns) && slices.EqualFunc(to.Columns[:len(d.After.Columns)], d.After.Columns,
			func(a, b *catalog.Column) bool { return a.Name == b.Name })
	}
	return false
}
