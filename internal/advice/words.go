package advice

import (
	"strconv"
	"strings"
)

// Fails begins the harm of a statement that the server certainly refuses.
const Fails = "the migration fails"

// EnumerateNames lists names in a sentence: "a, b and c". A long list is shortened to the
// first three and the number of others.
func EnumerateNames(names []string) string {
	n := len(names)
	switch {
	case n < 2:
		return strings.Join(names, "")
	case n > 4:
		return strings.Join(names[:3], ", ") + " and " + strconv.Itoa(n-3) + " others"
	}
	return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
}

// OneLine returns a text with each run of white space replaced by one blank, cut if it is
// too long for a message.
func OneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return s
}

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
