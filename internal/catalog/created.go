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

// Created reports whether the catalog has given out an OID, to an object that
// may be gone by now.
func (c *Catalog) Created(oid OID) bool { return oid != 0 && oid < c.next }
