package catalog

// CreatedSince reports whether an object was created between base and c, which
// was derived from base. An inferred relation was not created: it existed before
// a statement named it.
func (c *Catalog) CreatedSince(base *Catalog, oid OID) bool {
	if oid < base.next {
		return false
	}
	r := c.Relation(oid)
	return r == nil || !r.Inferred
}

// HasIssued reports whether an object of the catalog got this OID. The object may
// be dropped by now.
func (c *Catalog) HasIssued(oid OID) bool { return oid != 0 && oid < c.next }

// IsBlank reports whether no table of a schema is known, or of any schema if schema is "":
// the catalog was not read from a dump or a server, and no statement created a table.
func (c *Catalog) IsBlank(schema string) bool {
	found := c.Complete
	c.EachRelation(func(r *Relation) bool {
		found = found || r.Kind.IsTable() && !r.Inferred && (schema == "" || r.Name.Schema == schema)
		return !found
	})
	return !found
}
