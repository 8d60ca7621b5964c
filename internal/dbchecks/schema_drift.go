package dbchecks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// schemaDrift compares the schema after the base's migrations with the database. The
// changes of the release may already be applied, so anything that matches the head is no
// drift.
var schemaDrift = &Check{Rule: rule.Rule{
	ID:       "schema-drift",
	Category: onward.ReleaseOrder, Severity: onward.Warning,
	Summary: "The database is not what the deployed migrations make",
	Harm: "Somebody changed it by hand, a migration did not run, or it is another database. " +
		"The release was judged against a schema that is not there: its statements may fail, or lock and rewrite other things. " +
		"Compared are tables, columns with their types and NOT NULL, and indexes by name; " +
		"tables that no migration makes, and what a plan under way makes or replaces, are passed over, and an index that only the database has is a note.",
	Instead: "Bring the two together: run what is missing, or write a migration that makes what was made by hand (IF NOT EXISTS). " +
		"onward changelog --db judges the release against the schema that is there.",
}, Scope: onward.ScopeDatabase, Metric: "schema_tables_drifted", Help: "Tables that differ from what the migrations make.", Look: checkDrift}

func checkDrift(p *Pass) error {
	if p.Deployed == nil || p.Live == nil {
		if p.NoRelease != "" {
			p.AddOpaque("which tables the release touches, and whether the schema is what the migrations make", p.NoRelease)
		}
		return nil
	}
	tables, drifted := 0, 0
	var missing []string
	p.Deployed.EachRelation(func(t *catalog.Relation) bool {
		if !t.Kind.IsTable() || t.Inferred || t.Name.Schema == "pg_temp" {
			return true
		}
		tables++
		liveTable, headTable := p.Live.Lookup(t.Name.Schema, t.Name.Name), p.Head.Lookup(t.Name.Schema, t.Name.Name)
		switch {
		case liveTable == nil && headTable == nil: // the release drops it, and has
		case liveTable == nil:
			missing = append(missing, t.Name.String())
		case liveTable.Kind.IsTable():
			if p.reportTableDrift(t, liveTable, headTable) {
				drifted++
			}
		}
		return true
	})
	if len(missing) > 0 && len(missing) == tables {
		p.AddFinding(onward.Off, "", fmt.Sprintf("none of the %d tables that the deployed migrations make is in database %s", tables, p.database),
			"the release runs on a database that its migrations have never seen", "name the right database, and look at the schema: "+
				"tables of another one than public are not found by their plain names")
		missing = nil
	}
	for _, name := range missing {
		p.AddFinding(onward.Off, name, "table "+name+" of the deployed migrations is not there", "what the release does with it fails",
			"find out whether its migration ran, or who dropped it")
	}
	p.AddMeasure("", float64(drifted+len(missing)))
	return nil
}

// reportTableDrift reports how a table differs. headTable is the table after the release, or nil.
func (p *Pass) reportTableDrift(deployedTable, liveTable, headTable *catalog.Relation) bool {
	facts := p.compareColumns(deployedTable, liveTable, headTable)
	severity := onward.Off
	liveIndexes, deployedIndexes, headIndexes := p.indexNames(p.Live, liveTable), p.indexNames(p.Deployed, deployedTable), p.indexNames(p.Head, headTable)
	for _, name := range deployedIndexes {
		if !slices.Contains(liveIndexes, name) && !slices.Contains(p.UnderWay, name) && (headTable == nil || slices.Contains(headIndexes, name)) {
			facts = append(facts, "index "+name+" is missing")
		}
	}
	if len(facts) == 0 {
		severity = onward.Info
	}
	if !deployedTable.Partial {
		for _, name := range liveIndexes {
			if !slices.Contains(deployedIndexes, name) && !slices.Contains(p.UnderWay, name) && !slices.Contains(headIndexes, name) {
				facts = append(facts, "index "+name+" is in no migration")
			}
		}
	}
	if len(facts) > 0 {
		p.AddFinding(severity, deployedTable.Name.Qualified(), deployedTable.Name.String()+" is not what the deployed migrations make: "+strings.Join(facts, ", "),
			"the release was judged against another schema: its statements may fail, or lock and rewrite other things",
			"run what is missing, or write a migration that makes what was made by hand; judge the release against what is there:\nonward changelog --db ADDRESS")
	}
	return len(facts) > 0
}

// compareColumns describes how the columns of a table differ.
func (p *Pass) compareColumns(deployedTable, liveTable, headTable *catalog.Relation) (facts []string) {
	isUnderWay := func(name string) bool { return slices.Contains(p.UnderWay, liveTable.Name.Name+"."+name) }
	next := func(name string) *catalog.Column {
		if headTable == nil {
			return nil
		}
		return headTable.Column(name)
	}
	for _, old := range deployedTable.Columns {
		now, headColumn := liveTable.Column(old.Name), next(old.Name)
		if old.Inferred || isUnderWay(old.Name) {
			continue
		}
		if now == nil {
			if headColumn != nil {
				facts = append(facts, "column "+old.Name+" is missing")
			}
			continue
		}
		like := func(c *catalog.Column) bool {
			return !c.Type.IsKnown() || !now.Type.IsKnown() || strings.EqualFold(c.Type.String(), now.Type.String())
		}
		if !like(old) && (headColumn == nil || !like(headColumn)) {
			facts = append(facts, old.Name+" is "+now.Type.String()+", not "+old.Type.String())
		}
		if now.NotNull != old.NotNull && (headColumn == nil || now.NotNull != headColumn.NotNull) && !now.NotNullInvalid && !old.NotNullInvalid {
			facts = append(facts, old.Name+map[bool]string{true: " is NOT NULL", false: " is not NOT NULL"}[now.NotNull])
		}
	}
	if deployedTable.HasUnknownColumns() {
		return facts
	}
	for _, now := range liveTable.Columns {
		if deployedTable.Column(now.Name) == nil && next(now.Name) == nil && !isUnderWay(now.Name) {
			facts = append(facts, "column "+now.Name+" is in no migration")
		}
	}
	return facts
}

// indexNames returns the names of a table's indexes.
func (p *Pass) indexNames(c *catalog.Catalog, t *catalog.Relation) (out []string) {
	if t == nil {
		return nil
	}
	for _, i := range c.IndexesOf(t) {
		out = append(out, i.Name.Name)
	}
	return out
}
