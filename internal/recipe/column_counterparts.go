package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// createsCounterpart reports whether a new column is the last one that the counterpart of an object needs. An object is an index or a
// constraint of the old columns about. Its counterpart is the same on the new columns, and is created when all of them exist.
func (w *replacement) createsCounterpart(about []columnID) bool {
	includesSelf := false
	for _, id := range about {
		o := w.c.Release.columnChanges[id]
		if o == nil || o.replacement == nil {
			continue
		}
		includesSelf = includesSelf || o == w.columnChange
		if slices.Index(w.c.Release.columnOrder, o) > slices.Index(w.c.Release.columnOrder, w.columnChange) {
			return false
		}
	}
	return includesSelf
}

// counterpartName returns the name of an object's counterpart until the object is dropped: its own name, if
// the base does not use it.
func (w *replacement) counterpartName(name string, isTaken bool) string {
	if !isTaken {
		return name
	}
	return w.c.Release.uniqueName(name, "onward", "")
}

// counterpartPhase returns the phase in which the counterpart of an object is created: after the backfill, or,
// if the release adds the object and it would break the deployed code, when that code is gone.
func (w *replacement) counterpartPhase(id catalog.OID) onward.PlanPhase {
	for _, c := range w.c.Release.changes {
		if c.breaksDeployed() && c.createsObject(id) {
			return onward.Contract
		}
	}
	return onward.Backfill
}

// createsObject reports whether a change creates an index or a constraint.
func (c *Change) createsObject(id catalog.OID) bool {
	t := c.changedTable()
	if t == nil || c.Node.GetIndexStmt() == nil && c.commandType() != pgparse.AlterTableType_AT_AddConstraint {
		return false
	}
	if x := c.findBuiltIndex(t); x != nil && x.OID == id {
		return true
	}
	if c.Command == nil { // CREATE INDEX adds no constraint
		return false
	}
	con := c.addedConstraint()
	return con != nil && con.ID == id
}

// copyIndexes gives the new column the indexes and constraints that it has at the head.
func (w *replacement) copyIndexes(m *Steps) {
	t, r := w.head, w.c.Release
	alter := "ALTER TABLE " + tableName(w.t) + " "
	for _, x := range r.head.IndexesOf(t) {
		if !w.createsCounterpart(r.columnsOfIndex(x)) {
			continue
		}
		body, ok := r.counterpartIndexBody(t, x)
		if !ok {
			m.addMissing("index %s uses %s in a way that is not understood: build its counterpart on %s by hand", x.Name.Name, w.old.Name, w.newName)
			continue
		}
		con := t.Constraint(x.Index.Constraint)
		id := x.OID
		if con != nil {
			id = con.ID
		}
		if con != nil && con.Kind == catalog.Exclude {
			m.addMissing("exclusion constraint %s has %s: create it again by hand", con.Name, w.old.Name)
			continue
		}
		indexName := w.counterpartName(x.Name.Name, r.Deployed.Lookup(x.Name.Schema, x.Name.Name) != nil)
		m.addIndex(w.t, indexName, body, x.Index.Unique, w.counterpartPhase(id))
		switch {
		case con == nil && indexName != x.Name.Name:
			w.afterDrop = append(w.afterDrop, "ALTER INDEX "+qualifyInSchema(w.t, indexName)+" RENAME TO "+quoteIdent(x.Name.Name))
		case con != nil:
			w.afterDrop = append(w.afterDrop, alter+"ADD CONSTRAINT "+quoteIdent(con.Name)+" "+usingIndex(con, indexName))
		}
		if x.Index.Clustered {
			w.afterDrop = append(w.afterDrop, alter+"CLUSTER ON "+quoteIdent(x.Name.Name))
		}
		if t.ReplicaIdentity == "index "+x.Name.Name {
			w.afterDrop = append(w.afterDrop, alter+"REPLICA IDENTITY USING INDEX "+quoteIdent(x.Name.Name))
		}
		if x.Comment != "" {
			w.afterDrop = append(w.afterDrop, "COMMENT ON INDEX "+qualifyInSchema(w.t, x.Name.Name)+" IS "+pgparse.QuoteLiteral(x.Comment))
		}
	}
	w.copyConstraints(m)
}

// copyConstraints gives the new column its foreign keys and checks at the head.
func (w *replacement) copyConstraints(m *Steps) {
	t, r := w.head, w.c.Release
	base := r.Deployed.Relation(t.OID)
	for _, con := range t.Constraints {
		if con.Kind != catalog.ForeignKey && con.Kind != catalog.Check || !w.createsCounterpart(columnsOfConstraint(t, con)) {
			continue
		}
		var definition string
		switch con.Kind {
		case catalog.ForeignKey:
			ref := r.head.Relation(con.Ref)
			if ref == nil {
				m.addMissing("what foreign key %s refers to is not known", con.Name)
				continue
			}
			definition = foreignKey(r.withReplacements(t), r.withReplacements(ref), con)
			if target := w.c.Before.Relation(con.Ref); target != nil && target.Name != ref.Name {
				m.addMissing("foreign key %s refers to a table that gets another name in the same release", con.Name)
			}
		default:
			text, ok := r.headExpression(t, con.ExprText, con.Columns)
			if !ok {
				m.addMissing("constraint %s names %s in a way that is not followed", con.Name, w.old.Name)
				continue
			}
			definition = checkDefinition(text, con)
		}
		w.addCounterpart(m, w.t, con, definition, base != nil && base.Constraint(con.Name) != nil)
	}
}

// addCounterpart creates the counterpart of a constraint.
func (w *replacement) addCounterpart(m *Steps, t *catalog.Relation, con *catalog.Constraint, definition string, isTaken bool) {
	conName := w.counterpartName(con.Name, isTaken)
	m.addConstraintSteps(t, conName, definition, w.counterpartPhase(con.ID))
	if !con.Valid {
		m.Steps = m.Steps[:len(m.Steps)-1]
	}
	if conName != con.Name {
		w.afterDrop = append(w.afterDrop, "ALTER TABLE "+tableName(t)+" RENAME CONSTRAINT "+quoteIdent(conName)+" TO "+quoteIdent(con.Name))
	}
}

// copyReferences adds a second foreign key, to the new column, for each foreign key to the old one.
func (w *replacement) copyReferences(m *Steps) {
	r, t := w.c.Release, w.head
	done := map[catalog.OID]bool{}
	for _, oid := range slices.Concat(w.t.ReferencedBy, t.ReferencedBy) {
		other, base := r.head.Relation(oid), r.Deployed.Relation(oid)
		if done[oid] {
			continue
		}
		done[oid] = true
		if base != nil {
			for _, con := range base.Constraints {
				if con.Kind == catalog.ForeignKey && con.Ref == t.OID && !con.Parent && slices.Contains(con.RefColumns, w.old.Attnum) {
					w.beforeDrop = append(w.beforeDrop, "ALTER TABLE "+tableName(base)+" DROP CONSTRAINT IF EXISTS "+quoteIdent(con.Name))
					w.referring = append(w.referring, base)
				}
			}
		}
		if other == nil || oid == t.OID { // the table's own foreign keys are handled by conditions
			continue
		}
		for _, con := range other.Constraints {
			if con.Kind != catalog.ForeignKey || con.Parent || !w.createsCounterpart(columnsOfConstraint(other, con)) {
				continue
			}
			if other.Kind != catalog.Table || base == nil {
				m.addMissing("foreign key %s of %s refers to %s, and is not copied", con.Name, other.Name, w.old.Name)
				continue
			}
			w.addCounterpart(m, base, con, foreignKey(r.withReplacements(other), r.withReplacements(t), con), base.Constraint(con.Name) != nil)
		}
	}
}

// withReplacements returns a table at the head with the new columns replacing the old ones, as it is in the
// background phase and later.
func (r *Release) withReplacements(t *catalog.Relation) *catalog.Relation {
	out := *t
	out.Columns = slices.Clone(t.Columns)
	for i, col := range out.Columns {
		if colChange := r.columnChanges[columnID{t.OID, col.Attnum}]; colChange != nil && colChange.replacement != nil {
			twin := *col
			twin.Name = colChange.replacement.newName
			out.Columns[i] = &twin
		}
	}
	return &out
}

// headExpression returns an expression of a table at the head with the new columns replacing the old ones.
func (r *Release) headExpression(t *catalog.Relation, text string, columns []int16) (string, bool) {
	for _, n := range columns {
		colChange := r.columnChanges[columnID{t.OID, n}]
		if colChange == nil || colChange.replacement == nil || colChange.replacement.newName == colChange.newColumn.Name {
			continue
		}
		newText, ok := replaceColumn(text, colChange.newColumn.Name, colChange.replacement.newName)
		if !ok {
			return "", false
		}
		text = newText
	}
	return text, true
}

// counterpartIndexBody returns the definition of an index's counterpart, from USING on.
func (r *Release) counterpartIndexBody(t, relation *catalog.Relation) (body string, ok bool) {
	x := relation.Index
	like := *x
	like.Keys = slices.Clone(x.Keys)
	for i := range like.Keys {
		k := &like.Keys[i]
		if k.Column != 0 {
			continue
		}
		if k.ExprText, ok = r.headExpression(t, k.ExprText, k.Columns); !ok {
			return "", false
		}
	}
	if like.PredicateText, ok = r.headExpression(t, like.PredicateText, x.PredicateColumns); !ok {
		return "", false
	}
	return indexBody(r.withReplacements(t), &like, relation), true
}

// checkDefinition returns the definition of a CHECK with a condition.
func checkDefinition(condition string, con *catalog.Constraint) string {
	out := "CHECK (" + condition + ")"
	if con.NoInherit {
		out += " NO INHERIT"
	}
	return out
}

// foreignKey returns the definition of a foreign key.
func foreignKey(t, ref *catalog.Relation, con *catalog.Constraint) string {
	list := func(names []string) string {
		for i := range names {
			names[i] = quoteIdent(names[i])
			if con.Period && i > 0 && i == len(con.Columns)-1 {
				names[i] = "PERIOD " + names[i]
			}
		}
		return "(" + strings.Join(names, ", ") + ")"
	}
	out := "FOREIGN KEY " + list(t.ColumnNames(con.Columns)) + " REFERENCES " + tableName(ref) + " " + list(ref.ColumnNames(con.RefColumns))
	if con.MatchFull {
		out += " MATCH FULL"
	}
	if con.OnUpdate != "" {
		out += " ON UPDATE " + strings.ToUpper(con.OnUpdate)
	}
	if con.OnDelete != "" {
		out += " ON DELETE " + strings.ToUpper(con.OnDelete)
		if con.SetColumns != nil {
			out += " " + list(t.ColumnNames(con.SetColumns))
		}
	}
	if con.Deferrable {
		out += " DEFERRABLE"
		if con.InitiallyDeferred {
			out += " INITIALLY DEFERRED"
		}
	}
	return out
}

// replaceColumn replaces one column in a condition by another one.
func replaceColumn(text, column, instead string) (string, bool) {
	return pgparse.ReplaceColumns(text, func(name string) string {
		if name == column {
			return quoteIdent(instead)
		}
		return ""
	})
}
