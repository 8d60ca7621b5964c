package catalog

// Related relations: partitions and children, indexes, owned sequences, and foreign keys in
// both directions. A statement on one of them affects the others.

// RelationsByOID returns the relations with the given OIDs, without dropped ones.
func (c *Catalog) RelationsByOID(oids []OID) []*Relation {
	if len(oids) == 0 {
		return nil
	}
	out := make([]*Relation, 0, len(oids))
	for _, o := range oids {
		if rel := c.Relation(o); rel != nil {
			out = append(out, rel)
		}
	}
	return out
}

// IndexesOf are the indexes of a relation.
func (c *Catalog) IndexesOf(rel *Relation) []*Relation { return c.RelationsByOID(rel.Indexes) }

// IndexNamed returns the index of a table with a name; nil for none.
func (c *Catalog) IndexNamed(rel *Relation, name string) *Relation {
	for _, i := range c.IndexesOf(rel) {
		if i.Name.Name == name {
			return i
		}
	}
	return nil
}

// TableOf is the table of an index.
func (c *Catalog) TableOf(index *Relation) *Relation {
	if index.Index == nil {
		return nil
	}
	return c.Relation(index.Index.Table)
}

// ParentIndex is the partitioned index that an index is a part of.
func (c *Catalog) ParentIndex(index *Relation) *Relation {
	if index.Index == nil {
		return nil
	}
	return c.Relation(index.Index.Parent)
}

// IsExclusionIndex reports whether an index belongs to an exclusion constraint of its table.
func (r *Relation) IsExclusionIndex(index *Relation) bool {
	if index.Index == nil {
		return false
	}
	con := r.Constraint(index.Index.Constraint)
	return con != nil && con.Kind == Exclude
}

// HasKids reports whether something inherits from the table.
func (r *Relation) HasKids() bool { return len(r.Partitions)+len(r.Children) > 0 }

// ListChildren are the partitions and inheritance children, one level down.
func (c *Catalog) ListChildren(rel *Relation) []*Relation {
	if len(rel.Children) == 0 {
		return c.RelationsByOID(rel.Partitions)
	}
	return append(c.RelationsByOID(rel.Partitions), c.RelationsByOID(rel.Children)...)
}

// ListTree is a relation and, with all, everything below it, parents first, each
// once.
func (c *Catalog) ListTree(rel *Relation, all bool) []*Relation {
	out := []*Relation{rel}
	if !all || !rel.HasKids() {
		return out
	}
	seen := map[OID]bool{rel.OID: true}
	for i := 0; i < len(out); i++ {
		for _, k := range c.ListChildren(out[i]) {
			if !seen[k.OID] {
				seen[k.OID] = true
				out = append(out, k)
			}
		}
	}
	return out
}

// SequencesOf are those that the columns of a table own.
func (c *Catalog) SequencesOf(rel *Relation) []*Relation {
	var out []*Relation
	for _, col := range rel.Columns {
		if col.Sequence != 0 {
			if s := c.Relation(col.Sequence); s != nil {
				out = append(out, s)
			}
		}
	}
	return out
}

// SerialSequence returns the sequence that pg_get_serial_sequence() gives for a column, nil for none: of several that
// the column owns, as after a serial became an identity column, the oldest.
func (c *Catalog) SerialSequence(rel *Relation, attnum int16) (oldest *Relation) {
	c.EachRelation(func(r *Relation) bool {
		if r.Seq != nil && r.Seq.OwnerTable == rel.OID && r.Seq.OwnerColumn == attnum {
			oldest = r
		}
		return oldest == nil
	})
	return oldest
}

// Reference is a foreign key seen from the referenced table.
type Reference struct {
	From *Relation
	Con  *Constraint
}

// ListReferences are the foreign keys that point to a table and, with withAncestors, to the
// tables that it is a partition of: those bind it too.
func (c *Catalog) ListReferences(rel *Relation, withAncestors bool) []Reference {
	var out []Reference
	seen := func(con *Constraint) bool {
		for i := range out {
			if out[i].Con == con {
				return true
			}
		}
		return false
	}
	for ancestor, n := rel, 0; ancestor != nil && n < maxDepth; n++ {
		var last OID
		for _, oid := range ancestor.ReferencedBy {
			from := c.Relation(oid)
			if from == nil || oid == last {
				continue // once per table: its constraints are all looked at
			}
			last = oid
			for _, con := range from.Constraints {
				if con.Kind == ForeignKey && con.Ref == ancestor.OID && !seen(con) {
					out = append(out, Reference{from, con})
				}
			}
		}
		if !withAncestors || ancestor.Parent == 0 {
			break
		}
		ancestor = c.Relation(ancestor.Parent)
	}
	return out
}

// EachOfType calls f for each column of a type.
func (c *Catalog) EachOfType(oid OID, f func(*Relation, *Column)) {
	if oid == 0 {
		return
	}
	for _, rel := range c.TypedBy(oid) {
		for _, col := range rel.Columns {
			if col.Type.OID == oid {
				f(rel, col)
			}
		}
	}
}

// CompositeOf is the type of a composite type's relation.
func (c *Catalog) CompositeOf(rel *Relation) *UserType {
	if u := c.LookupType(rel.Name.Schema, rel.Name.Name); u != nil && u.Kind == Composite {
		return u
	}
	return nil
}

func oidsOf(relations []*Relation) []OID {
	out := make([]OID, len(relations))
	for i, r := range relations {
		out[i] = r.OID
	}
	return out
}
