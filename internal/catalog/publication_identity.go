package catalog

import (
	"slices"
	"strings"
)

// IdentityReason is a kind of IdentityFault. The server reports the lowest one.
type IdentityReason int

// The reasons why a publication cannot say which row was changed. All but the last are 42P10 on the server.
const (
	FilterOutside   IdentityReason = iota + 1 // the row filter reads columns that the identity does not have
	IdentityUnsent                            // the list of columns leaves out columns of the identity, or the identity is FULL
	GeneratedUnsent                           // the identity has generated columns that are not sent
	IdentityMissing                           // 55000: there is no identity
)

// IdentityFault is why the server refuses an UPDATE or DELETE of a published table, even of no rows.
type IdentityFault struct {
	// Table is the table, or the partition, whose rows cannot be identified.
	Table       *Relation
	Publication *Object
	Reason      IdentityReason
	// Columns are those that the identity or the publication lacks; none if a list is beside FULL.
	Columns []string
}

// FindIdentityFault returns why the server refuses an action ("update" or "delete") on a table or on one of its partitions; nil if it
// does not. checksGenerated says that it looks at generated columns, as 18 does. The tests compare it with servers of all versions.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
func (c *Catalog) FindIdentityFault(t *Relation, action string, checksGenerated func() bool) *IdentityFault {
	if !c.published {
		return nil
	}
	for _, part := range c.RelationsByOID(t.Partitions) {
		if fault := c.FindIdentityFault(part, action, checksGenerated); fault != nil {
			return fault
		}
	}
	if len(t.Partitions) > 0 {
		return nil
	}
	identity, known := c.identityColumns(t)
	isFull := t.hasFullIdentity()
	var found *IdentityFault
	report := func(o *Object, reason IdentityReason, columns []string) {
		if found == nil || reason < found.Reason {
			found = &IdentityFault{t, o, reason, columns}
		}
	}
	for _, o := range c.ListPublications(t) {
		if !o.SendsAction(action) {
			continue
		}
		listed, filter := c.sentColumns(o, t)
		if outside := without(filter, identity); known && len(outside) > 0 {
			report(o, FilterOutside, outside)
		}
		switch unsent := without(identity, listed); {
		case listed != nil && isFull:
			report(o, IdentityUnsent, nil)
		case listed != nil && len(unsent) > 0:
			report(o, IdentityUnsent, unsent)
		case listed == nil:
			unsent = slices.DeleteFunc(unsent, func(name string) bool {
				generated := t.Column(name).Generated
				return generated == "" || generated == "stored" && o.SendsStored
			})
			if len(unsent) > 0 && checksGenerated() {
				report(o, GeneratedUnsent, unsent)
			}
		}
		if known && len(identity) == 0 {
			report(o, IdentityMissing, nil)
		}
	}
	return found
}

// WithReplicaIdentity returns the table with another replica identity: "full", or "" for the default.
func (r *Relation) WithReplicaIdentity(identity string) *Relation {
	next := *r
	next.copyRare().ReplicaIdentity = identity
	return &next
}

func (r *Relation) hasFullIdentity() bool {
	return r.Kind != PartitionedTable && r.ReplicaIdentity == "full"
}

// identityColumns returns the columns by which a table's changed rows are identified; known is false if not all of it was seen.
func (c *Catalog) identityColumns(t *Relation) (names []string, known bool) {
	index, isIndex := strings.CutPrefix(t.ReplicaIdentity, "index ")
	switch {
	case t.hasFullIdentity():
		for _, col := range t.Columns {
			names = append(names, col.Name)
		}
		return names, true // each column that anything names
	case t.Inferred || t.Partial:
		return nil, false
	case t.Kind != PartitionedTable && isIndex:
		i := c.IndexNamed(t, index)
		if i == nil || i.Index == nil {
			return nil, false
		}
		for _, k := range i.Index.Keys {
			names = append(names, t.ColumnNames([]int16{k.Column})...)
		}
		return names, true
	case t.Kind != PartitionedTable && t.ReplicaIdentity == "nothing":
		return nil, true
	}
	for _, con := range t.Constraints {
		if con.Kind == PrimaryKey && con.Inferred {
			return nil, false
		}
		if con.Kind == PrimaryKey && !con.Deferrable {
			return t.ColumnNames(con.Columns), true
		}
	}
	return nil, true
}

// sentColumns returns the list of columns that a publication sends of a table, nil for all, and the columns that its row filter reads.
// With publish_via_partition_root they belong to the topmost table that is published.
func (c *Catalog) sentColumns(o *Object, t *Relation) (listed, filter []string) {
	from := t
	for a, depth := t, 0; o.ViaRoot && a != nil && depth < maxDepth; a, depth = c.Relation(a.Parent), depth+1 {
		if slices.Contains(o.Tables, a.OID) || slices.Contains(o.Schemas, a.Name.Schema) {
			from = a
		}
	}
	l := o.ListFor(from.OID)
	if l == nil {
		return nil, nil
	}
	if l.Columns != nil {
		listed = from.ColumnNames(l.Columns)
	}
	return listed, from.ColumnNames(l.Filter)
}

// without returns the names that are not excluded.
func without(names, excluded []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(excluded, name) })
}
