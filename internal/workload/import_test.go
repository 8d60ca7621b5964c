package workload

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gathered is a line for each query of the application, and fails where a value is among them.
func gathered(t *testing.T, im *Import) string {
	t.Helper()
	load := im.Workload()
	var text bytes.Buffer
	if err := Write(&text, load, false); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"secret", "7654321", "11111", "1999", "77 days"} {
		if strings.Contains(text.String(), value) {
			t.Errorf("the value %q is in the workload:\n%s", value, text.String())
		}
	}
	var out []string
	for _, q := range load.Queries {
		if q.Role == "app" || q.Role == "" && strings.Contains(q.SQL, "users") && q.IsCode() {
			senders := ""
			for _, s := range q.Senders {
				senders += " " + s.Database + "/" + s.Application
			}
			out = append(out, fmt.Sprintf("%d calls, %d rows, named %v, %v%s: %s", q.Calls, q.Rows, q.Named, q.Errors, senders, q.SQL))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n") + "\n"
}

// TestReadLog reads what servers 13 and 18 logged of the session that make.sh is.
func TestReadLog(t *testing.T) {
	t.Parallel()
	const statements = `0 calls, 0 rows, named false, map[42601:1]: SELECT email FROM users WHERE id = $1 AND email <> … \bind … \g
1 calls, 0 rows, named false, map[42703:5] shop/web: SELECT nonsense FROM users WHERE email = $1
2 calls, 0 rows, named false, map[] shop/web: INSERT INTO users (email) VALUES ($1)
2 calls, 0 rows, named false, map[] shop/web: SELECT count(*) FROM users WHERE email = $1
2 calls, 0 rows, named false, map[] shop/web: SELECT id FROM users WHERE id IN ($1) AND born > $2::date - $3::interval
3 calls, 0 rows, named true, map[] shop/web: SELECT email FROM users WHERE id = $1 AND email <> $2
`
	const plans = `2 calls, 0 rows, named false, map[] shop/web: INSERT INTO users (email) VALUES ($1)
2 calls, 0 rows, named false, map[] shop/web: SELECT id FROM users WHERE id IN ($1) AND born > $2::date - $3::interval
2 calls, 2 rows, named false, map[] shop/web: SELECT count(*) FROM users WHERE email = $1
`
	for _, c := range []struct {
		file string
		of   Log
		want string
	}{
		{"13.csv", CSVLog, statements}, {"18.csv", CSVLog, statements}, {"18.json", JSONLog, statements},
		{"13.csv", Plans, plans}, {"18.csv", Plans, plans}, {"18.json", Plans, plans}, {"18.log", Plans, plans},
	} {
		t.Run(c.file+" "+string(c.of), func(t *testing.T) {
			t.Parallel()
			f, err := os.Open("testdata/log/" + c.file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			im := NewImport(string(c.of))
			if err := im.ReadLog(f, c.of); err != nil {
				t.Fatal(err)
			}
			got := gathered(t, im)
			want := c.want
			if c.file == "18.log" { // who sent it is not in it
				want = strings.ReplaceAll(want, " shop/web", "")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadStatements(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"13.statements.csv", "18.statements.csv", "18.statements.txt"} {
		data, err := os.ReadFile("testdata/log/" + file)
		if err != nil {
			t.Fatal(err)
		}
		im := NewImport("pg_stat_statements")
		if err := im.ReadStatements(string(data)); err != nil {
			t.Fatal(err)
		}
		got := gathered(t, im)
		if diff := cmp.Diff(`3 calls, 0 rows, named false, map[]: SELECT email FROM users WHERE id = $1 AND email <> $2
5 calls, 0 rows, named false, map[]: SELECT id FROM users WHERE id IN ($1) AND born > $2::date - $3::interval
5 calls, 10 rows, named false, map[]: INSERT INTO users (email) VALUES ($1)
5 calls, 5 rows, named false, map[]: SELECT count(*) FROM users WHERE email = $1
`, got); diff != "" {
			t.Errorf("%s: imported statements (-want +got):\n%s", file, diff)
		}
	}
	if err := NewImport("").ReadStatements("a,b\n1,2\n"); err == nil || !strings.Contains(err.Error(), "no export") {
		t.Error(err)
	}
}

// TestMended holds that texts as pg_stat_statements has them come out as one might send them.
func TestMended(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT interval $1, $2::date - $3, interval $4 day":                   "SELECT $1::interval, $2::date - $3, $4::interval day",
		"SELECT a FROM t WHERE b IN ($1 /*, ... */) LIMIT $2":                  "SELECT a FROM t WHERE b IN ($1) LIMIT $2",
		"SELECT date_trunc($1, a), count(*) FROM t GROUP BY date_trunc($2, a)": "SELECT date_trunc($1, a), count(*) FROM t GROUP BY date_trunc($1, a)",
		"SELECT extract($1 from a) FROM t":                                     "SELECT extract(year from a) FROM t",
		"SELECT timestamp with time zone $1":                                   "SELECT $1::timestamp with time zone",
	} {
		if got := Normalize(restoreStatement(sql)); got.SQL != want || got.Unread != "" {
			t.Errorf("%s\n%s %s\nwant %s", sql, got.SQL, got.Unread, want)
		}
	}
}

func TestReadNamedQueries(t *testing.T) {
	t.Parallel()
	im := NewImport("sqlc")
	if err := im.ReadNamedQueries("db/users.sql", `-- name: GetUser :one
SELECT sqlc.embed(u), o.* FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = @id AND u.doc @> $1 AND (@id::int) > 0;

-- name: Names :many
/* a comment */
SELECT name FROM users WHERE id = ANY(sqlc.slice('ids')::int[]) AND nick = coalesce(sqlc.narg(nick), nick) AND kind = 'x' LIMIT $1;
`); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, q := range im.Workload().Queries {
		got = append(got, q.Senders[0].Place+" "+q.SQL+q.Unread)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{
		"db/users.sql:1 GetUser SELECT u.*, o.* FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = $1 AND u.doc @> $2 AND ($1::int) > $3",
		"db/users.sql:4 Names SELECT name FROM users WHERE id = ANY($1::int[]) AND nick = coalesce($2, nick) AND kind = $3 LIMIT $4",
	}, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadLog(f *testing.F) {
	for _, name := range []string{"13.csv", "18.json", "18.log"} {
		data, err := os.ReadFile("testdata/log/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data[:2000]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, format := range []Log{CSVLog, JSONLog, Plans} {
			im := NewImport(string(format))
			if im.ReadLog(strings.NewReader(text), format) != nil {
				continue
			}
			if _, err := MergeAll(im.Workload()); err != nil {
				t.Fatal(err)
			}
		}
		_ = NewImport("").ReadStatements(text)
	})
}
