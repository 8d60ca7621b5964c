package rule

// InBatches is a statement that works on ten thousand rows at a time, for
// advice: "UPDATE t SET c = 1", or a DELETE, of the rows that meet a condition,
// which may be "". It needs no key. The condition stands outside too: partitions
// have rows of the same ctid, and what another session has written since is left
// alone.
func InBatches(statement, table, where string) string {
	inner, outer := "", ""
	if where != "" {
		inner = " WHERE " + where
	}
	if where != "" && where != "…" {
		outer = where + " AND "
	}
	return statement + " WHERE " + outer + "ctid = ANY (ARRAY(SELECT ctid FROM " + table + inner + " LIMIT 10000)); -- until no row is left, each in a transaction of its own"
}
