package constraint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SetNullPartition flags ON DELETE SET NULL (columns) and SET DEFAULT (columns) on a partitioned table if a partition has
// other column numbers. The server gives the partition a copy of the key with the table's numbers (measured on 15 to 18).
// An attached partition obeys the table's key. A detached one obeys its copy, which sets another column.
// https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-PARMS-REFERENCES
var SetNullPartition = &rule.Rule{
	ID:       "constraint-set-null-partition",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Later:    true,
	Since:    15,
	Summary:  "a detached partition with other column numbers sets the wrong column: ON DELETE SET NULL (columns) was copied by number",
	Harm: "Postgres copies a foreign key to each partition and keeps the column numbers of SET NULL (columns) or SET DEFAULT (columns). " +
		"A partition has other numbers if it was attached with another column order, or if columns were dropped. " +
		"The copy is harmless as long as the partition is attached. After DETACH PARTITION, " +
		"a DELETE of a referenced row overwrites another column and keeps the reference, or fails.",
	Instead: "Add the same foreign key to the partition before the partitioned table gets its key, or before the partition is attached. " +
		"The server then uses that key and copies none. " +
		"If the partition has a wrong copy already, drop the copy and add the key again in the transaction that detaches the partition.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-PARMS-REFERENCES"},
	Gather:  gatherWrongCopies,
	Release: reportWrongCopies,
}

// wrongCopy is a partition's copy of a foreign key that names other columns than the key.
type wrongCopy struct {
	at       *rule.Delta
	detached bool
	part     *catalog.Relation
	con      *catalog.Constraint
	// table declares the key, and ref is what it references.
	table, ref *catalog.Relation
	key        *catalog.Constraint
	report     rule.Report
}

func gatherWrongCopies(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		seen := map[catalog.OID]bool{}
		for i := range t.Deltas {
			d := &t.Deltas[i]
			switch {
			case d.After == nil:
			case d.Kind == catalog.PartitionDetached && d.Other != nil:
				gatherDetachedCopies(p, t, d)
			case d.Kind == catalog.PartitionAttached && d.Other != nil:
				gatherAttachedCopies(p, t, d, d.Other, seen)
			case d.Kind == catalog.RelationCreated, d.Kind == catalog.ConstraintAdded && d.NewConstraint.SetColumns != nil:
				gatherAttachedCopies(p, t, d, d.After, seen)
			}
		}
	}
}

// setsOtherColumns reports whether a copy of a key sets other columns than the key. A key of the partition's own that the server
// adopted has its own column numbers.
func setsOtherColumns(part *catalog.Relation, con *catalog.Constraint, table *catalog.Relation, key *catalog.Constraint) bool {
	return key != nil && con.SetColumns != nil && slices.Equal(con.SetColumns, key.SetColumns) &&
		!slices.Equal(part.ColumnNames(con.SetColumns), table.ColumnNames(key.SetColumns)) && !part.Inferred && !part.Partial && !table.Inferred && !table.Partial
}

// gatherAttachedCopies keeps the wrong copies that a change brings to a table and its partitions.
func gatherAttachedCopies(p *rule.Pass, t *rule.Tx, d *rule.Delta, top *catalog.Relation, seen map[catalog.OID]bool) {
	copies := map[catalog.OID][]wrongCopy{} // by the key's constraint
	var keys []catalog.OID
	for _, part := range t.After.ListTree(top, true) {
		before := t.Before.Relation(part.OID)
		for _, con := range part.Constraints {
			table, key := t.After.ClonedKey(part, con)
			if seen[con.ID] || !setsOtherColumns(part, con, table, key) || before != nil && hasKeyCopy(before, con) {
				continue
			}
			seen[con.ID] = true
			if copies[key.ID] == nil {
				keys = append(keys, key.ID)
			}
			copies[key.ID] = append(copies[key.ID], wrongCopy{at: d, part: part, con: con, table: table, key: key, ref: t.After.Relation(con.Ref)})
		}
	}
	for _, id := range keys {
		list := copies[id]
		first := &list[0]
		suffix := ""
		if len(list) > 1 {
			suffix = fmt.Sprintf(" (and %d more)", len(list)-1)
		}
		first.report = rule.Report{
			Severity: onward.Warning,
			Fact: "partition " + first.part.Name.String() + suffix + " gets a copy of foreign key " + first.key.Name + " that sets " + first.columnsSetByCopy() +
				", not " + first.columnsSetByKey(),
			Harm:    "it is harmless until the partition is detached; then " + first.describeHarm(),
			Instead: adviseOwnKeys(t, d, list),
		}
		p.KeepValue(*first)
	}
}

// gatherDetachedCopies keeps the wrong copies that come into force when a partition is detached.
func gatherDetachedCopies(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	partition := t.Before.Relation(d.Other.OID)
	if partition == nil {
		return
	}
	for _, con := range partition.Constraints {
		table, key := t.Before.ClonedKey(partition, con)
		if !setsOtherColumns(partition, con, table, key) || !hasKeyCopy(d.Other, con) {
			continue
		}
		k := wrongCopy{at: d, detached: true, part: partition, con: con, table: table, key: key, ref: t.Before.Relation(con.Ref)}
		part, name := analysis.QuoteTable(d.Other.Name), pgparse.QuoteIdent(con.Name)
		add, validate := " NOT VALID;", "\n"+recipe.ValidateConstraint(d.Other.Name, con.Name)+";"
		if partition.Kind == catalog.PartitionedTable && !p.AtLeast(18) {
			add, validate = ";", "" // it takes no NOT VALID key
		}
		k.report = rule.Report{
			Fact: "detaching " + partition.Name.String() + " leaves it a foreign key " + con.Name + " that sets " + k.columnsSetByCopy() + ", not " +
				k.columnsSetByKey(),
			Harm: k.describeHarm(),
			Instead: "make the key again in the transaction that detaches the partition, so without CONCURRENTLY:\n" +
				recipe.DetachPartition(d.After.Name, d.Other.Name) + ";\n" +
				"ALTER TABLE " + part + " DROP CONSTRAINT " + name + ", ADD CONSTRAINT " + name + " " + recipe.ForeignKey(table, k.ref, key) + add + validate,
		}
		p.KeepValue(k)
	}
}

// hasKeyCopy reports whether a table still has a copy as it was.
func hasKeyCopy(r *catalog.Relation, con *catalog.Constraint) bool {
	return slices.ContainsFunc(r.Constraints, func(c *catalog.Constraint) bool { return c.ID == con.ID && slices.Equal(c.SetColumns, con.SetColumns) })
}

// columnsSetByCopy are the names of the columns that the copy sets.
func (k *wrongCopy) columnsSetByCopy() string {
	names := k.part.ColumnNames(k.con.SetColumns)
	if len(names) < len(k.con.SetColumns) {
		names = append(names, "a column that it does not have")
	}
	return strings.Join(names, ", ")
}

// columnsSetByKey are the names of the columns that the key sets.
func (k *wrongCopy) columnsSetByKey() string {
	return strings.Join(k.table.ColumnNames(k.key.SetColumns), ", ")
}

// describeHarm says what a DELETE does after the partition is detached.
func (k *wrongCopy) describeHarm() string {
	names := k.part.ColumnNames(k.con.SetColumns)
	if len(names) < len(k.con.SetColumns) {
		return "every DELETE on " + k.ref.Name.String() + " fails, because the key names a column number that " + k.part.Name.String() + " does not have"
	}
	value := "NULL"
	if k.con.OnDelete == "set default" {
		value = "its default"
	}
	return "each DELETE of a referenced row of " + k.ref.Name.String() + " sets " + strings.Join(names, ", ") + " of " + k.part.Name.String() + " to " + value +
		" and keeps the reference"
}

// adviseOwnKeys returns the advice, with the statements that give the partitions keys of their own before the change.
func adviseOwnKeys(t *rule.Tx, d *rule.Delta, list []wrongCopy) string {
	var sql strings.Builder
	for _, k := range list {
		part, name, text := analysis.QuoteTable(k.part.Name), pgparse.QuoteIdent(k.con.Name), recipe.ForeignKey(k.table, k.ref, k.key)
		parent := t.After.Relation(k.part.Parent)
		switch {
		case k.part.Kind == catalog.PartitionedTable || k.part.Parent != k.table.OID:
			return "give all partitions the column order of " + k.table.Name.String()
		case d.OID == k.part.OID && d.By.Node.GetCreateStmt().GetPartbound() == nil:
			return "give the partition the same key before it is attached; the server uses that key and copies none:\n" +
				"ALTER TABLE " + part + " ADD CONSTRAINT " + name + " " + text + ";"
		case d.OID == k.part.OID:
			return "create the table with the same key of its own, then attach it; the server uses that key and copies none:\n" +
				"CREATE TABLE " + part + " (LIKE " + analysis.QuoteTable(parent.Name) + " INCLUDING ALL EXCLUDING IDENTITY, CONSTRAINT " + name + " " + text + ");\n" +
				recipe.AttachPartition(parent.Name, k.part.Name, k.part.Bound) + ";"
		}
		sql.WriteString(recipe.FormatStatements(recipe.AddUnvalidated(k.part.Name, k.con.Name, text), recipe.ValidateConstraint(k.part.Name, k.con.Name)) + "\n")
	}
	return "give the partition the same key first, validated in a transaction of its own; the server uses that key and copies none:\n" + sql.String() +
		d.By.SQL + ";"
}

// reportWrongCopies reports the copies that are there at the end of the release. A detached table may lose its copy later
// in the release: until then it is in force.
func reportWrongCopies(p *rule.Pass, r *rule.Release) {
	for _, k := range rule.KeptValues[wrongCopy](p) {
		now := r.Head.Relation(k.part.OID)
		switch {
		case now == nil || k.detached == (now.Parent != 0):
			continue
		case !hasKeyCopy(now, k.con):
			if !k.detached {
				continue
			}
			k.report.Severity = onward.Warning
			k.report.Harm = "until a later transaction of the release drops the key, " + k.report.Harm
		}
		p.Report(k.at, k.report)
	}
}
