package read_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/code/read"
)

// TestStatements checks which statements are complete in code, and that each value in
// them is a separate parameter, unless the code says that two are the same.
func TestStatements(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, text, want string }{
		{"a.go", "package a\nconst q = `SELECT a FROM t WHERE b = $2 AND c = $1`\n", "2 SELECT a FROM t WHERE b = $2 AND c = $1"},
		{
			"a.go", "package a\n\nvar q = \"SELECT a FROM t WHERE b = ? AND c IN ?\" + \" ORDER BY a LIMIT ?\"\n",
			"3 SELECT a FROM t WHERE b = $1 AND c IN ($2) ORDER BY a LIMIT $3",
		},
		{"a.go", "package a\nvar q = \"UPDATE t SET a = @a, b = $1 WHERE a <> @a AND id = @id\"\n", "2 UPDATE t SET a = $2 , b = $1 WHERE a <> $2 AND id = $3"},
		{"a.go", "package a\nvar q = fmt.Sprintf(\"SELECT a FROM %s\", t)\n", "2 open"},
		{"a.go", "package a\nvar q = \"SELECT a FROM t WHERE \" + cond\n", "2 open"},
		{"a.go", "package a\nvar q = \"DELETE FROM t WHERE id = sqlc.arg(id) AND b = sqlc.narg('b')\"\n", "2 DELETE FROM t WHERE id = $1 AND b = $2"},
		{"a.py", "q = 'SELECT a FROM t WHERE b = %s AND c = %s'\n", "1 SELECT a FROM t WHERE b = $1 AND c = $2"},
		{"a.py", "cur.execute('''\n  SELECT a FROM t WHERE b = %(b)s AND c <> %(b)s''', x)\n", "2 SELECT a FROM t WHERE b = $1 AND c <> $1"},
		{"a.py", "q = 'SELECT a FROM t WHERE b = %s' % b\n", "1 open"},
		{"a.py", "q = 'SELECT a FROM %s'\n", "1 open"},
		{"a.py", "q = text('SELECT a FROM t WHERE b = :b AND c = ANY(:c)')\n", "1 SELECT a FROM t WHERE b = $1 AND c = ANY( $2 )"},
		{"a.ts", "const q = sql`SELECT a FROM t WHERE b = ${b} AND c = ${c}`\n", "1 SELECT a FROM t WHERE b = $1 AND c = $2"},
		{"a.ts", "const q = sql<Row>`SELECT a FROM ${t} WHERE b = ${b}`\n", "1 open"},
		{"a.ts", "const q = `SELECT a FROM t WHERE b = ${b}`\n", "1 open"},
		{"a.rb", "q = \"SELECT a FROM t WHERE b = #{b}\"\n", "1 open"},
		{"UserMapper.xml", "<mapper><select id=\"x\">SELECT a FROM t WHERE b = #{b} AND c &lt; #{c}</select></mapper>", "1 SELECT a FROM t WHERE b = $1 AND c < $2"},
		{"q.sql", "-- name: A :one\nSELECT a FROM t WHERE b = @b;\n\nUPDATE t SET a = $1;\n", "2 A: SELECT a FROM t WHERE b = $1\n4 UPDATE t SET a = $1"},
		{"q.sql.go", "package a\nconst a = `-- name: A :one\n-- more\nSELECT a FROM t WHERE b = $1\n`\n", "4 A: SELECT a FROM t WHERE b = $1"},
		{"q.sql", "CREATE TABLE t (a int);\nSELECT a FROM t;\n", ""},
		{"q.sql", "INSERT INTO t (a) VALUES (1), (2);\n", ""},
		{"q.sql", "INSERT INTO t (a) VALUES (:a);\nSET x.y = 1;", "1 INSERT INTO t (a) VALUES ( $1 )"},
	} {
		var got []string
		for _, s := range read.Statements(c.file, []byte(c.text)) {
			text := strings.Join(strings.Fields(s.SQL), " ")
			if s.Open {
				text += "open"
			}
			if s.Name != "" {
				text = s.Name + ": " + text
			}
			got = append(got, fmt.Sprintf("%d %s", s.Line, text))
		}
		if diff := cmp.Diff(c.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("statements of %s with %q (-want +got):\n%s", c.file, c.text, diff)
		}
	}
}
