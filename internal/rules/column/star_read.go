package column

import (
	"strings"

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
	Preset:   rule.Recommended,
	Summary:  "the deployed code reads SELECT * into places for the columns that were there",
	Harm:     "In Go a row must fit what it is read into. After ADD COLUMN a Scan of SELECT * fails with \"expected 3 destination arguments in Scan, not 2\", sqlx with \"missing destination name\", pgx.RowToStructByName and scany with a column that has no field: each read of the deployed code, until the new code has replaced it everywhere. In Rust sqlx prepares each query once for a connection and keeps it: \"cached plan must not change result type\" comes back until the connection is closed, but in versions that prepare again.",
	Instead:  "Release code that names its columns first, and add the column in the release behind it.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-select.html"},
	Commit:   starRead,
}

func starRead(p *rule.Pass, t *rule.Tx) {
	told := map[catalog.OID]bool{}
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
		if told[d.OID] || !p.Deployed(d) || !d.Before.Kind.IsTable() || added == "" && p.NewColumn(d, d.Old) {
			continue
		}
		u := p.ReadsAll(d, added)
		if !u.Used {
			continue
		}
		told[d.OID] = true
		name := added
		if name == "" {
			name = d.Old.Name
		}
		r := rule.Report{
			Fact:     "column " + name + " " + act + " " + d.Before.Name.String() + ", of which the deployed code reads all columns with a *",
			Harm:     "its rows no longer fit what they are read into" + u.Where() + ": each read fails until the new code has replaced it everywhere",
			Instead:  "release code that names its columns there first, and " + map[bool]string{true: "add", false: "drop"}[added != ""] + " the column a release later",
			Evidence: u.Evidence,
		}
		if strings.HasSuffix(u.Evidence[0].Path, ".rs") {
			r.Severity = onward.Warning
			r.Harm = "connections that have prepared the query" + u.Where() + " fail at it until they are closed: cached plan must not change result type"
		}
		p.Report(d.By, r)
	}
}
