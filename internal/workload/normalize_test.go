package workload

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNormalise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql, want string
		kind      Kind
		params    string // type or, for the client's, its number
	}{
		{"SELECT 10 + 5", "SELECT $1 + $2", Select, "integer integer"},
		{"SELECT a FROM t WHERE b = 'x' AND c = $1;", "SELECT a FROM t WHERE b = $1 AND c = $2", Select, "unknown 1"},
		{"SELECT $2, $1, $2", "SELECT $1, $2, $1", Select, "2 1"},
		{"SELECT  a -- note 'x'\n FROM /* y */ t", "SELECT a FROM t", Select, ""},
		{"SELECT a FROM t WHERE a IN (1,2, 3)", "SELECT a FROM t WHERE a IN ($1)", Select, "integer"},
		{"SELECT a FROM t WHERE a IN ($1,$2) AND b = $3", "SELECT a FROM t WHERE a IN ($1) AND b = $2", Select, "1 3"},
		{"SELECT a FROM t WHERE a IN (1, 2.5, b, -3)", "SELECT a FROM t WHERE a IN ($1, b)", Select, "numeric"},
		{"SELECT a FROM t WHERE a IN (SELECT 1, 2)", "SELECT a FROM t WHERE a IN (SELECT $1, $2)", Select, "integer integer"},
		{"SELECT a FROM t WHERE a = ANY(ARRAY[1,2,3])", "SELECT a FROM t WHERE a = ANY(ARRAY[$1])", Select, "integer"},
		{"SELECT ARRAY[1,2]", "SELECT ARRAY[$1, $2]", Select, "integer integer"},
		{"INSERT INTO t VALUES (1, NULL), (2, 'x'), (3, 'y')", "INSERT INTO t VALUES ($1, $2)", Insert, "integer unknown"},
		{"INSERT INTO t VALUES ($1, DEFAULT), ($2, DEFAULT), (DEFAULT, 5)", "INSERT INTO t VALUES ($1, DEFAULT), (DEFAULT, $2)", Insert, "1 integer"},
		{
			"SELECT interval '1 day', DATE '2020-01-01', timestamp(3) with time zone 'x', '1'::int",
			"SELECT $1::interval, $2::DATE, $3::timestamp(3) with time zone, $4::int", Select,
			"unknown unknown unknown unknown",
		},
		{"SELECT INTERVAL '1' DAY, interval '2' second(3)", "SELECT $1::INTERVAL DAY, $2::interval second(3)", Select, "unknown unknown"},
		{
			"SELECT N'abc', char 'abc', varchar(20) 'x', bit '101', B'01', X'1F'",
			`SELECT $1::pg_catalog.bpchar, $2::pg_catalog.bpchar, $3::varchar(20), $4::pg_catalog."bit", $5, $6`, Select,
			"unknown unknown unknown unknown bit bit",
		},
		{"SELECT E'a\\'b', U&'d!0061' UESCAPE '!', $$x$$, $y$ $$ $y$, 'a'\n 'b'", "SELECT $1, $2, $3, $4, $5", Select, "unknown unknown unknown unknown unknown"},
		{
			"SELECT -5, a -5, a - -5, 2147483648, -2147483648, 1e3, 9223372036854775808",
			"SELECT $1, a -$2, a - $3, $4, $5, $6, $7", Select, "integer integer integer bigint integer numeric numeric",
		},
		{
			"SELECT a::numeric(10,2), b::varchar(20), c::float(24), d::int[3], current_timestamp(3) FROM t LIMIT 10",
			"SELECT a::numeric(10, 2), b::varchar(20), c::float(24), d::int[3], current_timestamp(3) FROM t LIMIT $1", Select,
			"integer",
		},
		{"SELECT a, 5 FROM t GROUP BY 1, 2 ORDER BY 2 DESC, 1 LIMIT 3", "SELECT a, $1 FROM t GROUP BY 1, 2 ORDER BY 2 DESC, 1 LIMIT $2", Select, "integer integer"},
		{
			"SELECT date_trunc('day', a) FROM t WHERE b = 'day' GROUP BY date_trunc('day', a)",
			"SELECT date_trunc($1, a) FROM t WHERE b = $2 GROUP BY date_trunc($1, a)", Select, "unknown unknown",
		},
		{
			"INSERT INTO t (a) VALUES (1) ON CONFLICT (a) WHERE b = 'x' DO UPDATE SET a = 2",
			"INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) WHERE b = 'x' DO UPDATE SET a = $2", Insert, "integer integer",
		},
		{"SELECT NULL, TRUE, extract('year' from a) FROM t", "SELECT NULL, TRUE, extract(year from a) FROM t", Select, ""},
		{"SELECT'x'AS y", "SELECT $1 AS y", Select, "unknown"},
		{"DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT a FROM t WHERE b = 5 FOR UPDATE", "SELECT a FROM t WHERE b = $1 FOR UPDATE", Select, "integer"},
		{"PREPARE p (int, text) AS SELECT $2, $1, 7", "SELECT $1, $2, $3", Select, "text int integer"},
		{"EXPLAIN (ANALYZE, COSTS off) SELECT 'x' FROM t", "EXPLAIN (ANALYZE, COSTS off) SELECT $1 FROM t", Other, "unknown"},
		{"COPY t (a, b) FROM STDIN WITH (FORMAT csv, DELIMITER ';')", "COPY t (a, b) FROM STDIN WITH (FORMAT csv, DELIMITER …)", Copy, ""},
		{"COPY (SELECT a FROM t WHERE b = 5) TO STDOUT", "COPY (SELECT a FROM t WHERE b = $1) TO STDOUT", Copy, "integer"},
		{"CALL p(1, 'x')", "CALL p($1, $2)", Call, "integer unknown"},
		{"SET app.token = s3cret", "SET app.token = …", Other, ""},
		{"SET LOCAL app.token TO 'x', 'y'", "SET LOCAL app.token TO …", Other, ""},
		{"SET search_path = a, 'b'", "SET search_path = a, …", Other, ""},
		{"ALTER ROLE x PASSWORD 'secret'", "ALTER ROLE x PASSWORD …", DDL, ""},
		{"ALTER ROLE x SET app.token = abc", "ALTER ROLE x SET app.token = …", DDL, ""},
		{"NOTIFY c, 'payload'", "NOTIFY c, …", Other, ""},
		{"DO $$ BEGIN PERFORM 'x'; END $$", "DO …", DDL, ""},
		{"COMMENT ON TABLE t IS 'x'", "COMMENT ON TABLE t IS …", DDL, ""},
		{"CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'a', password 'b')", "CREATE USER MAPPING FOR u SERVER s OPTIONS (user …, password …)", DDL, ""},
		{"EXECUTE p('x', 5)", "EXECUTE p", Other, ""},
		{"SELEC 'x', $3 FROM t WHERE a IN (1,2)", "SELEC …, $1 FROM t WHERE a IN (…)", Broken, ""},
		{"BEGIN", "BEGIN", Other, ""},
		{" -- nothing", "", Other, ""},
	} {
		n := Normalize(c.sql)
		var params []string
		for i, p := range n.Params {
			if n.From[i] > 0 && p == "" {
				p = string(rune('0' + n.From[i]))
			}
			params = append(params, p)
		}
		if n.SQL != c.want || n.Kind != c.kind || strings.Join(params, " ") != c.params {
			t.Errorf("%s\n got %s (%s) %v %s\nwant %s (%s) [%s]", c.sql, n.SQL, n.Kind, params, n.Unread, c.want, c.kind, c.params)
		}
		if renormalized := Normalize(n.SQL); renormalized.SQL != n.SQL {
			t.Errorf("%s\nagain: %s", n.SQL, renormalized.SQL)
		}
	}
}

func TestNormaliseComments(t *testing.T) {
	t.Parallel()
	n := Normalize("/* a='b' */ SELECT '-- no' -- c\n FROM t JOIN u ON true, (SELECT 1 FROM v) x")
	if diff := cmp.Diff([]string{"a='b'", "c"}, n.Comments); diff != "" || n.Tables != 3 {
		t.Errorf("comments (-want +got):\n%s\n%d tables, want 3", diff, n.Tables)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	got, err := SplitMessage("SELECT 1; SELECT ';' ;\n-- x\nINSERT INTO t VALUES (2)")
	if diff := cmp.Diff([]string{"SELECT 1", "SELECT ';'", "INSERT INTO t VALUES (2)"}, got); err != nil || diff != "" {
		t.Errorf("SplitMessage: error %v, statements (-want +got):\n%s", err, diff)
	}
}

func TestLexical(t *testing.T) {
	t.Parallel()
	for _, equivalents := range [][]string{
		{"SELECT a FROM t WHERE b = 'x'", "SELECT  a FROM t /* x */ WHERE b = 5;", "SELECT a FROM t WHERE b = -5"},
		{"SELECT a IN ($1, $2), $3", "SELECT a IN ($1), $2"},
		{"INSERT INTO t VALUES ($1, NULL), ($2, $3)", "INSERT INTO t VALUES ($1, $2)"},
	} {
		for _, sql := range equivalents[1:] {
			if a, b := AppendLexicalKey(nil, equivalents[0]), AppendLexicalKey(nil, sql); string(a) != string(b) {
				t.Errorf("equivalent statements have two keys:\n%s\n%s", a, b)
			}
		}
	}
	for _, other := range [][2]string{
		{"SELECT a, b FROM t ORDER BY 1", "SELECT a, b FROM t ORDER BY 2"},
		{"SELECT $1, $2", "SELECT $1, $1"},
		{"SELECT ARRAY[1, 2]", "SELECT ARRAY[1]"},
	} {
		if a, b := AppendLexicalKey(nil, other[0]), AppendLexicalKey(nil, other[1]); string(a) == string(b) {
			t.Errorf("one key: %s", a)
		}
	}
}

func BenchmarkLexical(b *testing.B) {
	const sql = "SELECT u.id, u.email, u.created_at FROM users u JOIN orders o ON o.user_id = u.id WHERE u.tenant_id = $1 AND o.state IN ('open', " +
		"'paid') AND o.total > 100 ORDER BY u.created_at DESC LIMIT 50"
	b.SetBytes(int64(len(sql)))
	b.ReportAllocs()
	var dst []byte
	for b.Loop() {
		dst = AppendLexicalKey(dst[:0], sql)
	}
}

func BenchmarkNormalise(b *testing.B) {
	const sql = "SELECT u.id, u.email, u.created_at FROM users u JOIN orders o ON o.user_id = u.id WHERE u.tenant_id = $1 AND o.state IN ('open', " +
		"'paid') AND o.total > 100 ORDER BY u.created_at DESC LIMIT 50"
	b.ReportAllocs()
	for b.Loop() {
		Normalize(sql)
	}
}
