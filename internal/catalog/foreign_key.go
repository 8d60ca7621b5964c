package catalog

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// addForeignKey adds a foreign key to a table and its partitions.
func (f *fold) addForeignKey(t *Relation, s constraintSpec, created bool) {
	con := s.node
	names := s.columns
	if len(names) == 0 {
		names = pgparse.StringTexts(con.GetFkAttrs())
	}
	ref := f.requireRelation(con.GetPktable(), Table, false)
	if ref == nil {
		return
	}
	if !f.requireRowRelation(ref, pgerror.ForeignKeyTable.NewRefusal(ref.Name.Name)) {
		return
	}
	ref = f.editRelation(ref.OID)
	c := &Constraint{
		Kind: ForeignKey, Name: clipName(con.GetConname()), Named: con.GetConname() != "", Ref: ref.OID,
		Enforced: con.GetIsEnforced() && !s.notEnforced, Deferrable: con.GetDeferrable() || s.deferrable,
		InitiallyDeferred: con.GetInitdeferred() || s.deferred,
		OnDelete:          ForeignKeyAction(con.GetFkDelAction()), OnUpdate: ForeignKeyAction(con.GetFkUpdAction()),
		MatchFull: con.GetFkMatchtype() == "f", Period: con.GetFkWithPeriod(),
	}
	c.Valid = c.Enforced && (created || !con.GetSkipValidation())
	for _, n := range names {
		if col := f.requireRelationColumn(t, n, &pgerror.ColumnMissingFK); col != nil {
			c.Columns = append(c.Columns, col.Attnum)
		}
	}
	for _, n := range pgparse.StringTexts(con.GetFkDelSetCols()) {
		if col := f.requireRelationColumn(t, n, &pgerror.ColumnMissingFK); col != nil {
			c.SetColumns = append(c.SetColumns, col.Attnum)
			if !slices.Contains(names, n) {
				f.addProblem(true, pgerror.ForeignKeySetColumn, n)
			}
		}
	}
	targets := pgparse.StringTexts(con.GetPkAttrs())
	f.resolveReferencedKey(c, ref, targets)
	number := cmp.Or(len(targets), len(c.RefColumns)) // none if the primary key is not known
	if number > 0 && number != len(names) {
		f.addConflict(true, pgerror.ForeignKeyNumber)
		return
	}
	if c.Name == "" {
		c.Name = f.chooseConstraintName(t.Name.Schema, t.Name.Name, joinNames(names), "fkey", t.Constraints)
	} else if f.refuseDuplicateConstraint(t, c.Name) {
		return
	}
	f.attachConstraint(t, c)
	ref.ReferencedBy = appendShared(f, ref.ReferencedBy, t.OID)
	for _, oid := range t.Partitions {
		f.cloneForeignKey(t, f.editRelation(oid), c)
	}
}

// resolveReferencedKey finds the key that a foreign key points at.
func (f *fold) resolveReferencedKey(c *Constraint, ref *Relation, names []string) {
	whole := !ref.Inferred && !ref.Partial
	if len(names) == 0 {
		for _, pk := range ref.Constraints {
			if pk.Kind == PrimaryKey {
				c.RefColumns = pk.Columns
				return
			}
		}
		if whole {
			f.addProblem(f.isHistoryComplete(), pgerror.ForeignKeyNoPrimary, ref.Name.Name)
		}
		return
	}
	for _, n := range names {
		if col := f.requireRelationColumn(ref, n, &pgerror.ColumnMissingFK); col != nil {
			c.RefColumns = append(c.RefColumns, col.Attnum)
		}
	}
	if !whole || len(c.RefColumns) != len(names) {
		return
	}
	for _, oid := range ref.Indexes {
		if i := f.Relation(oid); i != nil && i.Index.Unique && i.Index.Predicate == nil && sameColumns(i.Index.Keys, c.RefColumns) {
			return
		}
	}
	f.addProblem(f.isHistoryComplete(), pgerror.ForeignKeyNoKey, ref.Name.Name)
}

// sameColumns reports whether index keys are exactly these columns, in any
// order.
func sameColumns(keys []IndexKey, attnums []int16) bool {
	if len(keys) != len(attnums) {
		return false
	}
	for _, k := range keys {
		if k.Column == 0 || !slices.Contains(attnums, k.Column) {
			return false
		}
	}
	return true
}

func (f *fold) cloneForeignKey(parent, part *Relation, c *Constraint) {
	if part == nil {
		return
	}
	next := *c
	next.Parent = true
	next.Columns = mapAttnums(parent, part, c.Columns)
	// SetColumns keep the parent's numbers: the server gives a partition the same numbers, whatever its columns are there
	// (measured on 15 to 18).
	// A foreign key that says the same is adopted.
	for _, have := range part.Constraints {
		if have.Kind == ForeignKey && have.Ref == c.Ref && slices.Equal(have.Columns, next.Columns) && slices.Equal(have.RefColumns, c.RefColumns) &&
			have.SameActions(c) && have.Deferrable == c.Deferrable && have.Enforced == c.Enforced {
			if !have.Parent {
				part.editConstraint(have.ID).Parent = true
			}
			return
		}
	}
	if part.Constraint(next.Name) != nil {
		next.Name = f.chooseConstraintName(part.Name.Schema, part.Name.Name, joinNames(part.ColumnNames(next.Columns)), "fkey", part.Constraints)
	}
	f.attachConstraint(part, &next)
	if ref := f.editRelation(c.Ref); ref != nil {
		ref.ReferencedBy = appendShared(f, ref.ReferencedBy, part.OID)
	}
	for _, oid := range part.Partitions {
		f.cloneForeignKey(part, f.editRelation(oid), &next)
	}
}

// ClonedKey finds the foreign key that a partition's foreign key is a clone of, with the table that declares it: the
// topmost one. It returns nil if the table has no parent with such a key.
func (c *Catalog) ClonedKey(part *Relation, con *Constraint) (*Relation, *Constraint) {
	var table *Relation
	var key *Constraint
	columns := part.ColumnNames(con.Columns)
	for parent := c.Relation(part.Parent); parent != nil; parent = c.Relation(parent.Parent) {
		i := slices.IndexFunc(parent.Constraints, func(k *Constraint) bool {
			return k.Kind == ForeignKey && k.Ref == con.Ref && slices.Equal(k.RefColumns, con.RefColumns) && slices.Equal(parent.ColumnNames(k.Columns), columns)
		})
		if i < 0 {
			break
		}
		table, key = parent, parent.Constraints[i]
	}
	return table, key
}

// ForeignKeyAction is the word for what pg_constraint and the parser write as one
// letter: "cascade" for c, "" for a, no action.
func ForeignKeyAction(a string) string {
	switch a {
	case "c":
		return "cascade"
	case "n":
		return "set null"
	case "d":
		return "set default"
	case "r":
		return "restrict"
	}
	return ""
}

// SameActions reports whether two foreign keys do the same to their rows, and match the same ones: ON DELETE, ON UPDATE
// and MATCH are equal. The columns of SET NULL and SET DEFAULT are not compared.
func (c *Constraint) SameActions(other *Constraint) bool {
	return c.OnDelete == other.OnDelete && c.OnUpdate == other.OnUpdate && c.MatchFull == other.MatchFull
}
