package constraint

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropPrimaryKey flags a primary key that goes away or moves to other columns.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
var DropPrimaryKey = &rule.Rule{
	ID:       "constraint-drop-primary-key",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "without its primary key a table loses its row identity: for upserts, for replication, for foreign keys",
	Harm: "INSERT … ON CONFLICT on the key fails, duplicate keys come in, and look-ups by key read the whole table if no other index serves them. " +
		"On a published table every UPDATE and DELETE fails at once: \"cannot update table because it does not have a replica identity and publishes updates\".",
	Instead: "Build a unique index on the new key concurrently, then exchange both keys in one ALTER TABLE: " +
		"DROP CONSTRAINT …, ADD PRIMARY KEY USING INDEX …. Keep a unique index on the old columns for a release.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/logical-replication-publication.html",
		"https://www.postgresql.org/docs/current/sql-altertable.html",
	},
	Commit: checkDropPrimaryKey,
}

func checkDropPrimaryKey(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.ConstraintDropped) {
		if d.OldConstraint.Kind != catalog.PrimaryKey || d.OldConstraint.Parent || d.After == nil ||
			d.OldIndex != nil && (p.IsNew(d.OldIndex.OID) || isColumnGone(d.Before, d.After, d.OldIndex)) {
			continue
		}
		var next *catalog.Constraint
		for _, c := range d.After.Constraints {
			if c.Kind == catalog.PrimaryKey {
				next = c
			}
		}
		if next != nil && d.OldConstraint.Inferred {
			continue // on which columns it was is not known
		}
		if next != nil && slices.Equal(d.After.ColumnNames(next.Columns), d.Before.ColumnNames(d.OldConstraint.Columns)) && !next.Deferrable {
			continue
		}
		table := d.After.Name.String()
		r := rule.Report{
			Fact: "primary key " + d.OldConstraint.Name + " of " + table + " is dropped",
			Harm: "duplicate keys come in, and INSERTs of the deployed code with ON CONFLICT on the key fail",
			Instead: "build a unique index on the new key concurrently, and exchange the keys in one statement:\n" +
				recipe.DropConstraint(d.After.Name, d.OldConstraint.Name) + ", ADD PRIMARY KEY USING INDEX …;",
			Severity: onward.Warning,
		}
		if next != nil {
			r.Fact = "the primary key of " + table + " moves to other columns"
			r.Harm = "INSERTs of the deployed code with ON CONFLICT on the old key fail"
			if !keepsKeyUnique(d, next) {
				r.Harm += ", and nothing keeps it unique"
			}
			r.Instead = "keep a unique index on the old key for a release:\n" +
				recipe.FormatStatements(recipe.ColumnIndex{
					Table:    d.After.Name,
					Columns:  d.Before.ColumnNames(d.OldConstraint.Columns),
					Unique:   true,
					Blocking: d.After.Kind == catalog.PartitionedTable,
				}.CreateStatement())
			if d.OldIndex != nil && hasOtherArbiter(t.After, d.Before, d.After, d.OldIndex) {
				continue
			}
		} else if pub := findIdentityPublication(t.After, d); pub != "" && d.After.ReplicaIdentity == "" {
			r.Severity = onward.Off
			r.Harm = "publication " + pub + " publishes " + table + ": every UPDATE and DELETE on it fails, because it has no replica identity any more"
		}
		if d.OldIndex != nil {
			x := unservedArbiter{Delta: d, idx: d.OldIndex}
			switch u := x.findUpsertUse(p); {
			case u.Used:
				r.Severity, r.Evidence = onward.Off, u.Evidence
				r.Harm += u.FirstPlace()
			case u.Known && next != nil && keepsKeyUnique(d, next):
				continue // rows that differ in fewer columns differ in more
			case u.Known && next != nil:
				r.Harm = "nothing keeps the old key unique"
			case u.Known && r.Severity == onward.Warning:
				r.Harm = "duplicate keys come in"
			}
		}
		p.Report(d, r)
	}
}

// keepsKeyUnique reports whether the old key stays unique by another: one of some of its columns.
func keepsKeyUnique(d *rule.Delta, next *catalog.Constraint) bool {
	oldNames := d.Before.ColumnNames(d.OldConstraint.Columns)
	return !next.Deferrable && len(next.Columns) > 0 && !slices.ContainsFunc(d.After.ColumnNames(next.Columns),
		func(c string) bool { return !slices.Contains(oldNames, c) })
}

// findIdentityPublication names a publication that needs the identity of a table's rows; ""
// when there is none.
func findIdentityPublication(c *catalog.Catalog, d *rule.Delta) string {
	for _, o := range c.ListPublications(d.After) {
		if o.SendsAction("update") || o.SendsAction("delete") {
			return o.Name.Name
		}
	}
	return ""
}
