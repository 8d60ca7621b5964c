package recipe

// InBatches returns a statement that works on ten thousand rows at a time, for advice:
// "UPDATE t SET c = 1", or a DELETE. where is a condition on the rows, which may be "".
// It needs no key. The condition is repeated outside the sub-query, because rows of
// several partitions may have the same ctid, and because rows that another session has
// changed in between must be left alone.
func InBatches(statement, table, where string) string {
	inner, outer := "", ""
	if where != "" {
		inner = " WHERE " + where
	}
	if where != "" && where != "…" {
		outer = where + " AND "
	}
	return statement + " WHERE " + outer + "ctid = ANY (ARRAY(SELECT ctid FROM " + table + inner +
		" LIMIT 10000)); -- until no row is left, each in a transaction of its own"
}
