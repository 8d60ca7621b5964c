//go:build unix

package main

// limits are the limits of a shape that exceeds the common ones, or must stay below them; 0 is the common limit.
type limits struct {
	times float64 // the time for ten times the input
	peak  int64   // bytes
	why   string
}

// limitsOf has what keeps a shape from growing as its input does, or from the
// memory that is aimed at. Each is bounded, or lacks what the README says.
var limitsOf = map[string]limits{
	"do-ifs":                    {times: 60, why: "the parser copies what it has read of a body for each IF; pgparse bounds that to some two seconds a body"},
	"one-transaction-one-table": {times: 20, why: "names are looked for among the columns of a table, of which there are 1,600 at most"},
	"one-table-grant":           {times: 25, why: "each GRANT is looked up among the table's"},
	"drop-tables":               {times: 25, why: "what each table takes along is looked for among all that goes"},
	"million-selects":           {peak: 300 << 20, why: "less than the common limit, as a part of the file is judged at a time"},
	"million-selects-json":      {peak: 600 << 20, why: "each statement is in the report"},
	"31-mb-of-inserts":          {peak: 300 << 20, why: "as million-selects"},
	"500000-mixed-json":         {peak: 600 << 20, why: "as million-selects-json, with a catalog for each ALTER"},
	"100000-create-alter":       {peak: 500 << 20, why: "each table is in the catalog and in the report"},
}

// largestShapes are inputs of one size: what strangers were seen to stop the machine with.
func largestShapes() []shape {
	const createAlter = "CREATE TABLE t#: (id bigint);\nALTER TABLE t#: ADD COLUMN a integer;\n"
	return []shape{
		manyStatements("million-selects", 1_000_000, "", "SELECT 1;\n"),
		manyStatements("million-selects-json", 1_000_000, "", "SELECT 1;\n", "--format", "json"),
		manyStatements("500000-mixed-json", 100_000, "CREATE TABLE t (id bigint PRIMARY KEY, a integer, b text);\nCREATE TABLE u (a integer);\n",
			"INSERT INTO t (id, a) VALUES (#:, 1);\nUPDATE t SET a = #: WHERE id = #:;\nINSERT INTO t (id, b) VALUES (-#:, 'some text');\n"+
				"UPDATE t SET b = 'x' WHERE id = -#:;\nALTER TABLE u ALTER a SET DEFAULT #:;\n",
			"--format", "json"),
		manyStatements("31-mb-of-inserts", 430_000, "CREATE TABLE t (id bigint PRIMARY KEY, a integer, b text);\n",
			"INSERT INTO t (id, a, b) VALUES (#:, 1, 'some text that is stored');\n"),
		manyStatements("20000-create-alter", 20_000, "", createAlter),
		manyStatements("100000-create-alter", 100_000, "", createAlter),
		manyParts("100000-adds", 100_000, "ALTER TABLE t ", "ADD c#: integer", ", ", ";\n"),
		manyParts("100000-columns", 100_000, "CREATE TABLE t (", "c#: integer", ", ", ");\n"),
	}
}
