package rule

// InBatches is a statement that works on ten thousand rows at a time, for
// advice: "UPDATE t SET c = 1", or a DELETE, of the rows that meet a condition,
// which may be "". It needs no key.
func InBatches(statement, table, where string) string {
	if where != "" {
		where = " WHERE " + where
	}
	return statement + " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " + table + where + " LIMIT 10000)); -- until no row is left, each in a transaction of its own"
}
