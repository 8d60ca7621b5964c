package table

import (
	"fmt"
	"slices"
	"strings"
)

// Limit is a bound of one figure.
type Limit struct {
	Name    string // of the case and the figure: "check/cpu"
	Value   float64
	Unit    string
	AtLeast bool   // the figure must not be below it
	Bounds  string // what it bounds, for the README
}

// Limits are the limits of all benchmarks. README.md has them as a table.
var Limits = []Limit{
	// A statement is asked more than when the limits were 1.4 and 1.25: bodies of functions are parsed and DO blocks unrolled, and the catalog
	// tells what the server refuses. Of the CPU time the catalog has a quarter, the rules have a fifth, parser and collector a sixth each.
	{Name: "check/wall", Value: 2, Unit: "times", Bounds: "wall time of `onward check` on the generated corpus, and on `CORPUS`, beside squawk (aim: 0.8)"},
	{Name: "check/cpu", Value: 1.9, Unit: "times", Bounds: "CPU time (user and system, all threads) of the same (aim: 1)"},
	{Name: "check/memory", Value: 200, Unit: "MB", Bounds: "peak resident memory of the same"},
	{Name: "check/growth", Value: 14, Unit: "times", Bounds: "wall and CPU time of ten times the files (aim: 11)"},
	{Name: "check/start", Value: 20, Unit: "ms", Bounds: "`onward check` of one small file, from the start of the process to its end"},
	{Name: "server/start", Value: 500, Unit: "ms", Bounds: "a warm start of the throwaway Postgres (`internal/pgserver`)"},
	{Name: "server/database", Value: 100, Unit: "ms", Bounds: "a new database in it"},
	{Name: "changelog/cold", Value: 4.5, Unit: "times", Bounds: "CPU time of `onward changelog` with an empty cache, beside git grep"},
	{Name: "changelog/warm", Value: 2.4, Unit: "times", Bounds: "the same with the cache that the run before left (aim: 2)"},
	{Name: "changelog/memory", Value: 200, Unit: "MB", Bounds: "peak memory of both"},
	{Name: "adapters/cpu", Value: 1.6, Unit: "times", Bounds: "CPU time of `onward changelog` on a tool's files, beside the same as plain SQL files (aim: 1.2)"},
	{Name: "capture/added", Value: 1, Unit: "s", Bounds: "a capture, without the time of the command at base and head"},
	{Name: "capture/cached", Value: 1.3, Unit: "times", Bounds: "the same from the cache, beside `onward changelog` of the same plain files (aim: 1)"},
	{Name: "capture/render", Value: 0.5, Unit: "s", Bounds: "`changelog` with `render:`, without the time of the command at base and head"},
	{Name: "hook/grep", Value: 2.5, Unit: "times", Bounds: "95 of 100 edits of a migration under `onward hook`, beside git grep"},
	{Name: "hook/wait", Value: 500, Unit: "ms", Bounds: "the same as a time"},
	{Name: "lsp/2000", Value: 50, Unit: "ms", Bounds: "a keystroke in 2,000 lines, `onward lsp`: from the change to the diagnostics of its version, the median"},
	{Name: "lsp/10000", Value: 600, Unit: "ms", Bounds: "the same with 10,000 lines (aim: 50; a keystroke judges the release again)"},
	{Name: "install/first-finding", Value: 120, Unit: "s", Bounds: "the README's quick start, from its install line to the first finding, over 10 Mbit a second"},
	{Name: "plan/sketch", Value: 50, Unit: "ms", Bounds: "`onward plan --sketch`, in addition to `onward changelog` on the same release"},
	{Name: "plan/files", Value: 50, Unit: "ms", Bounds: "`onward changelog` of twenty findings, in addition to the same without their files"},
	{Name: "plan/proof", Value: 30, Unit: "s", Bounds: "the proof of a plan of ten statements"},
	{Name: "plan/one", Value: 2, Unit: "s", Bounds: "the proof of one statement, the median of three with a warm cache"},
	// The aim was 10 %. But even a trigger that does nothing costs a part of it, because the server locks and reads the row before the
	// call. A WHEN condition instead of the function costs more than the call.
	{Name: "plan/renamed", Value: 25, Unit: "%", Bounds: "UPDATEs in a second that a plan's triggers cost, of the renamed column (aim: 10 %)"},
	{Name: "plan/other", Value: 10, Unit: "%", Bounds: "the same for another column of the table"},
	{Name: "plan/column", Value: 100, Unit: "ms", Bounds: "a replaced column of a table with 1,000 partitions, from the lock to the end of the comparison"},
	{Name: "plan/exchange", Value: 150, Unit: "ms", Bounds: "a table that one with 1,000 partitions replaces, from the lock: comparison, exchange and record"},
	{Name: "rehearse/psql", Value: 1.1, Unit: "times", Bounds: "ten migrations on two tables of 300,000 rows, their statements only, watched, beside psql"},
	{Name: "rehearse/rows", Value: 200_000, Unit: "rows/s", AtLeast: true, Bounds: "rows of a ten-column table: generated, sent and analysed"},
	{Name: "rehearse/warm", Value: 3, Unit: "s", Bounds: "the same release on empty tables, warm, all of the command's work"},
	{Name: "rehearse/server", Value: 0.5, Unit: "s", Bounds: "the server in it, with the base schema"},
	{Name: "rehearse/cached", Value: 1, Unit: "s", Bounds: "the server with a base of 500 migrations, from the cache"},
	{Name: "rehearse/tables", Value: 10, Unit: "s", Bounds: "a release on ten tables of 20,000 rows, warm, all of the command's work"},
	{Name: "verify/queries", Value: 20, Unit: "s", Bounds: "5,000 distinct queries on 200 tables, verified at 30 commit points"},
	{Name: "verify/replay", Value: 60, Unit: "s", Bounds: "a recorded suite of a thousand tests, replayed on the deployed schema and at ten commit points"},
	{Name: "wire/latency", Value: 1.35, Unit: "times", Bounds: "average latency through the recording proxy, one client and sixteen, beside pgbouncer"},
	{Name: "wire/cpu", Value: 2, Unit: "times", Bounds: "processor time of a query there, beside pgbouncer"},
	{Name: "wire/clients", Value: 60, Unit: "MB", Bounds: "memory of the recording process, two hundred clients"},
	{Name: "wire/texts", Value: 300, Unit: "MB", Bounds: "the same after a million queries with a million texts"},
	{Name: "growth/time", Value: 15, Unit: "times", Bounds: "CPU time for ten times the input, the start of the process taken off"},
	{Name: "growth/memory", Value: 15, Unit: "times", Bounds: "peak memory for ten times the input"},
	{Name: "growth/peak", Value: 500, Unit: "MB", Bounds: "peak memory for up to 10 MB of anything; it grows with a larger input"},
	{Name: "growth/time do-ifs", Value: 60, Unit: "times", Bounds: "the parser copies the text of a body for each IF; pgparse bounds that to two seconds"},
	{Name: "growth/time one-transaction-one-table", Value: 20, Unit: "times", Bounds: "names are looked for among the columns of a table, at most 1,600"},
	{Name: "growth/time one-table-grant", Value: 25, Unit: "times", Bounds: "each GRANT is looked up among the table's"},
	{Name: "growth/time drop-tables", Value: 25, Unit: "times", Bounds: "the dependents of each table are looked for among all that goes"},
	{Name: "growth/time plpgsql-called", Value: 35, Unit: "times", Bounds: "the parser copies the text of a body for each statement; pgparse bounds that to two seconds"},
	{Name: "growth/time do-executes", Value: 30, Unit: "times", Bounds: "the same"},
	{Name: "growth/time drop-owned", Value: 25, Unit: "times", Bounds: "each DROP OWNED looks at all relations, whoever may own them"},
	{Name: "growth/peak partitions-altered", Value: 600, Unit: "MB", Bounds: "six statements change 20,000 partitions, and the catalog keeps each state"},
	{Name: "growth/peak million-selects", Value: 300, Unit: "MB", Bounds: "less than the common limit, as a part of the file is judged at a time"},
	{Name: "growth/peak million-selects-json", Value: 600, Unit: "MB", Bounds: "each statement is in the report"},
	{Name: "growth/peak 31-mb-of-inserts", Value: 300, Unit: "MB", Bounds: "as million-selects"},
	{Name: "growth/peak 500000-mixed-json", Value: 600, Unit: "MB", Bounds: "as million-selects-json, with a catalog for each ALTER"},
	{Name: "growth/peak 100000-create-alter", Value: 500, Unit: "MB", Bounds: "each table is in the catalog and in the report"},
	{Name: "growth/work", Value: 6, Unit: "times", Bounds: "runs of a place of the program for four times the input (`-work`)"},
	{Name: "stalls/worst", Value: 35, Unit: "ms", Bounds: "the worst stall of a load under `onward apply`, in addition to its worst without a migration"},
	{Name: "stalls/p99", Value: 2.5, Unit: "times", Bounds: "its p99, beside that without a migration (aim: 1.1)"},
	{Name: "stalls/refused", Value: 0, Unit: "queries", Bounds: "queries of the load that the server refused"},
	{Name: "backfill/rate", Value: 0.7, Unit: "times", AtLeast: true, Bounds: "rows in a second of a backfill with the defaults, beside a plain loop"},
	{Name: "backfill/two", Value: 1, Unit: "times", AtLeast: true, Bounds: "rows in a second of two workers, beside one"},
	{Name: "backfill/load", Value: 1.1, Unit: "times", Bounds: "p99 of a load during a backfill with the defaults, beside the p99 during the plain loop"},
	{Name: "backfill/pgroll", Value: 1, Unit: "times", AtLeast: true, Bounds: "rows in a second at batches of 1,000, beside pgroll"},
	{Name: "backfill/memory", Value: 60, Unit: "MB", Bounds: "memory of the process"},
	{Name: "fleet/guard", Value: 0.8, Unit: "times", AtLeast: true, Bounds: "targets in a second of a fleet, beside the guard alone (`make fleet`)"},
}

// FindLimit returns the limit of a name. A figure without a limit is a fault of the benchmark.
func FindLimit(name string) Limit {
	i := slices.IndexFunc(Limits, func(l Limit) bool { return l.Name == name })
	if i < 0 {
		panic("bench/table/limits.go has no limit " + name)
	}
	return Limits[i]
}

// FindOwnLimit returns the limit of a figure for one shape of input, or the limit of all.
func FindOwnLimit(name, shape string) (l Limit, isOwn bool) {
	i := slices.IndexFunc(Limits, func(l Limit) bool { return l.Name == name+" "+shape })
	if i < 0 {
		return FindLimit(name), false
	}
	return Limits[i], true
}

// Holds reports whether a figure keeps the limit.
func (l Limit) Holds(figure float64) bool {
	if l.AtLeast {
		return figure >= l.Value
	}
	return figure <= l.Value
}

func (l Limit) String() string {
	return map[bool]string{true: "at least ", false: "at most "}[l.AtLeast] + strings.Replace(l.format(l.Value), ".00", "", 1)
}

func (l Limit) format(figure float64) string {
	switch l.Unit {
	case "times", "s":
		return fmt.Sprintf("%.2f %s", figure, l.Unit)
	case "rows/s", "queries", "MB":
		return fmt.Sprintf("%.0f %s", figure, l.Unit)
	}
	return fmt.Sprintf("%.1f %s", figure, l.Unit)
}
