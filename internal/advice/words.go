package advice

import (
	"strconv"
	"strings"
)

// Fails is how the harm of what the server refuses for certain begins.
const Fails = "the migration fails"

// Enumerate names several things in a sentence: "a, b and c"; of many the first
// three, and how many others there are.
func Enumerate(names []string) string {
	n := len(names)
	switch {
	case n < 2:
		return strings.Join(names, "")
	case n > 4:
		return strings.Join(names[:3], ", ") + " and " + strconv.Itoa(n-3) + " others"
	}
	return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
}

// OneLine is a text with every run of white space as one blank, cut where it
// gets too long for a message.
func OneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 100 {
		return string(r[:99]) + "…"
	}
	return s
}

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
