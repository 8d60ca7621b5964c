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
		"tables that no migration makes are passed over, and an index that only the database has is a note.",
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
		is, will := p.Live.Lookup(t.Name.Schema, t.Name.Name), p.Head.Lookup(t.Name.Schema, t.Name.Name)
		switch {
		case is == nil && will == nil: // the release drops it, and has
		case is == nil:
			missing = append(missing, t.Name.String())
		case is.Kind.IsTable():
			if p.compareTable(t, is, will) {
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

// compareTable reports how a table differs. will is the table after the release, or nil.
func (p *Pass) compareTable(was, is, will *catalog.Relation) bool {
	facts := columnsDrifted(was, is, will)
	severity := onward.Off
	here, there, later := p.indexNames(p.Live, is), p.indexNames(p.Deployed, was), p.indexNames(p.Head, will)
	for _, name := range there {
		if !slices.Contains(here, name) && (will == nil || slices.Contains(later, name)) {
			facts = append(facts, "index "+name+" is missing")
		}
	}
	if len(facts) == 0 {
		severity = onward.Info
	}
	if !was.Partial {
		for _, name := range here {
			if !slices.Contains(there, name) && !slices.Contains(later, name) {
				facts = append(facts, "index "+name+" is in no migration")
			}
		}
	}
	if len(facts) > 0 {
		p.AddFinding(severity, was.Name.Qualified(), was.Name.String()+" is not what the deployed migrations make: "+strings.Join(facts, ", "),
			"the release was judged against another schema: its statements may fail, or lock and rewrite other things",
			"run what is missing, or write a migration that makes what was made by hand; judge the release against what is there:\nonward changelog --db ADDRESS")
	}
	return len(facts) > 0
}

// columnsDrifted describes how the columns of a table differ.
func columnsDrifted(was, is, will *catalog.Relation) (facts []string) {
	next := func(name string) *catalog.Column {
		if will == nil {
			return nil
		}
		return will.Column(name)
	}
	for _, old := range was.Columns {
		now, then := is.Column(old.Name), next(old.Name)
		if old.Inferred {
			continue
		}
		if now == nil {
			if then != nil {
				facts = append(facts, "column "+old.Name+" is missing")
			}
			continue
		}
		like := func(c *catalog.Column) bool {
			return !c.Type.IsKnown() || !now.Type.IsKnown() || strings.EqualFold(c.Type.String(), now.Type.String())
		}
		if !like(old) && (then == nil || !like(then)) {
			facts = append(facts, old.Name+" is "+now.Type.String()+", not "+old.Type.String())
		}
		if now.NotNull != old.NotNull && (then == nil || now.NotNull != then.NotNull) && !now.NotNullInvalid && !old.NotNullInvalid {
			facts = append(facts, old.Name+map[bool]string{true: " is NOT NULL", false: " is not NOT NULL"}[now.NotNull])
		}
	}
	if was.HasUnknownColumns() {
		return facts
	}
	for _, now := range is.Columns {
		if was.Column(now.Name) == nil && next(now.Name) == nil {
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
