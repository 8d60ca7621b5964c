package collect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/wire/collect"
	"github.com/onward-sql/onward/internal/workload"
)

// Values are kept if they were requested, in every protocol and format, and not otherwise.
func TestValues(t *testing.T) {
	t.Parallel()
	timestamp := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, asked := range []bool{false, true} {
		r := record(t, 17, collect.Config{Values: asked})
		c := r.connect()
		r.exec(c, `CREATE TABLE person (id bigint, name text, born timestamptz, tags text[])`)
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeExec} {
			r.exec(c, `INSERT INTO person VALUES ($1, $2, $3, $4)`, mode, int64(7), "Ada O'Neil", timestamp, []string{"a", "b"})
			r.exec(c, `INSERT INTO person VALUES ($1, $2, $3, $4)`, mode, int64(8), nil, nil, nil)
		}
		for id := range 5 {
			r.exec(c, `SELECT name FROM person WHERE id = $1 AND name <> 'it''s' AND id > -1`, int64(id))
		}
		r.exec(c, `SELECT name FROM person WHERE name = $1`, strings.Repeat("long", 100))
		simply := r.connect(simple)
		r.exec(simply, `SELECT name FROM person WHERE id = 42 AND name = 'it''s'`)
		w := r.done(c, simply).Workload
		got := map[string]string{}
		for _, q := range w.Queries {
			if q.Values != nil {
				got[q.SQL] = spelt(q.Values)
			}
		}
		if !asked {
			if len(got) > 0 || len(w.Notes) > 0 {
				t.Errorf("nobody asked: %v %q", got, w.Notes)
			}
			continue
		}
		want := map[string]string{
			"SELECT name FROM person WHERE id = $1 AND name <> $2 AND id > $3": "(0 it's -1) (1 it's -1) (2 it's -1)",
			"SELECT name FROM person WHERE id = $1 AND name = $2":              "(42 it's)",
		}
		for sql, values := range want {
			if got[sql] != values {
				t.Errorf("%s: %s, want %s", sql, got[sql], values)
			}
		}
		const insert = "INSERT INTO person VALUES ($1, $2, $3, $4)"
		if v := got[insert]; !strings.Contains(v, "(8 NULL NULL NULL)") || !strings.Contains(v, "(7 Ada O'Neil 2026-11-01") || !strings.Contains(v, "{a,b})") {
			t.Errorf("%s has example values %s, want those of all three INSERTs", insert, v)
		}
		if len(got) != 3 || len(w.Notes) != 1 || !strings.Contains(w.Notes[0], "which are data") {
			t.Errorf("the example values are %v, the notes %q, want 3 queries and one note", got, w.Notes)
		}
	}
}

func spelt(list [][]*string) string {
	var out []string
	for _, example := range list {
		var words []string
		for _, v := range example {
			if v == nil {
				words = append(words, "NULL")
			} else {
				words = append(words, *v)
			}
		}
		out = append(out, fmt.Sprintf("(%s)", strings.Join(words, " ")))
	}
	return strings.Join(out, " ")
}

// The values of a text are next to the parameters of its normal form.
func TestValuesOfText(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT 1 FROM t WHERE a = 'x' AND b IN (1, 2, 3) AND c = $2": "(1 x 1 NULL)",
		"INSERT INTO t VALUES (-5, 'a''b', E'a\\n'), (6, 'c', E'd')":  "(-5 a'b NULL)",
		"SELECT $1": "(NULL)",
		"not sql":   "()",
	} {
		if got := spelt([][]*string{workload.ParameterValues(sql)}); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}
