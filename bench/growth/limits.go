//go:build unix

package main

// The limits of all shapes: what ten times the input may cost, the peak memory for up to 10 MB of anything, and how often a place of the
// program may run for four times the input.
const (
	mostTime, mostMemory = 15, 15 // times
	mostPeak             = 500    // MB
	mostWork             = 6      // times
)

// limit is the limit of one shape, which cannot keep the common one, and the reason.
type limit struct {
	figure, shape string
	most          float64
	reason        string
}

var limits = []limit{
	{"time", "do-ifs", 60, "the parser copies the text of a body for each IF; pgparse bounds that to two seconds"},
	{"time", "one-transaction-one-table", 20, "names are looked for among the columns of a table, at most 1,600"},
	{"time", "one-table-grant", 25, "each GRANT is looked up among the table's"},
	{"time", "plpgsql-called", 35, "the parser copies the text of a body for each statement; pgparse bounds that to two seconds"},
	{"time", "do-executes", 30, "the same"},
	{"time", "drop-owned", 25, "each DROP OWNED looks at all relations, whoever may own them"},
	{"peak", "partitions-altered", 600, "six statements change 20,000 partitions, and the catalog keeps each state"},
	{"peak", "million-selects", 300, "less than the common limit, as a part of the file is judged at a time"},
	{"peak", "million-selects-json", 600, "each statement is in the report"},
	{"peak", "31-mb-of-inserts", 300, "as million-selects"},
	{"peak", "500000-mixed-json", 600, "as million-selects-json, with a catalog for each ALTER"},
	{"peak", "100000-create-alter", 500, "each table is in the catalog and in the report"},
}

// findLimit returns the limit of a figure, time or peak, for one shape, or the limit of all.
func findLimit(figure, shape string) (l limit, isOwn bool) {
	for _, l := range limits {
		if l.figure == figure && l.shape == shape {
			return l, true
		}
	}
	return limit{most: map[string]float64{"time": mostTime, "peak": mostPeak}[figure]}, false
}
