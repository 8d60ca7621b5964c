//go:build unix

package main

// largestShapes are inputs of one size, each as large as one that exhausted a machine.
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
