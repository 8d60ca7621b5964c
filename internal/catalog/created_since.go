package catalog

// CreatedSince reports whether c was derived from base and the object was
// created in between. An inferred relation was not created: it was there
// before anything named it.
func (c *Catalog) CreatedSince(base *Catalog, oid OID) bool {
	if oid < base.next {
		return false
	}
	r := c.Relation(oid)
	return r == nil || !r.Inferred
}

// HasIssued reports whether the catalog has given out an OID, to an object that
// may be gone by now.
func (c *Catalog) HasIssued(oid OID) bool { return oid != 0 && oid < c.next }

// IsBlank reports whether nothing is known of the tables of a schema, or of all when
// schema is "": the catalog is of no dump, and no statement created one.
func (c *Catalog) IsBlank(schema string) bool {
	found := c.Complete
	c.EachRelation(func(r *Relation) bool {
		found = found || r.Kind.IsTable() && !r.Inferred && (schema == "" || r.Name.Schema == schema)
		return !found
	})
	return !found
}
