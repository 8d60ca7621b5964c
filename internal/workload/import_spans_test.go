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

// listImported is a line for each query: its calls, rows, milliseconds, errors and senders. It fails if a value is in the recording.
func listImported(t *testing.T, im *Import) []string {
	t.Helper()
	load := im.Workload()
	var text bytes.Buffer
	if err := Write(&text, load, false); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"secret", "4711", "00-0af7"} {
		if strings.Contains(text.String(), value) {
			t.Errorf("the value %q is in the workload:\n%s", value, text.String())
		}
	}
	var out []string
	for _, q := range load.Queries {
		line := fmt.Sprintf("%s | %d calls, %d rows, %.1f ms, %v, role %q", q.SQL+q.Unread, q.Calls, q.Rows, q.MS, q.Errors, q.Role)
		for _, s := range q.Senders {
			line += fmt.Sprintf(" | %s %s %s ×%d", s.Database, s.Application, s.Place, s.Calls)
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return append(out, load.Notes...)
}

// TestReadSpans reads spans of both generations of attributes, as one object and as one per line.
func TestReadSpans(t *testing.T) {
	t.Parallel()
	want := []string{
		"DELETE FROM carts WHERE id = $1 | 0 calls, 0 rows, 0.0 ms, map[23503:1], role \"\"",
		"INSERT INTO orders (sku, qty) VALUES ($1, $2) | 1 calls, 0 rows, 2.0 ms, map[], role \"app\" | shop worker app/jobs.py:12 ×1",
		"SELECT id, sku FROM orders WHERE owner = $1 | 3 calls, 6 rows, 4.5 ms, map[], role \"\" | shop web GET /orders/{id} ×2 | shop web orders#index ×1",
		"database spans without the text of a query were left out: 1",
		"spans of other database systems were left out: 1",
	}
	whole, err := os.ReadFile("testdata/spans/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile("testdata/spans/shop.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"one object": whole, "one per line": lines} {
		im := NewImport("otel")
		if err := im.ReadSpans(bytes.NewReader(data)); err != nil {
			t.Fatalf("%s: ReadSpans: %v", name, err)
		}
		if diff := cmp.Diff(want, listImported(t, im)); diff != "" {
			t.Errorf("%s: imported queries (-want +got):\n%s", name, diff)
		}
	}
	for text, wrong := range map[string]string{
		"":                         "it has no span",
		`{"resourceMetrics":[]}`:   "it has no span",
		`{"resourceSpans":[`:       "object 1 is no OTLP JSON",
		`{"resourceSpans":"none"}`: "object 1 is no OTLP JSON",
	} {
		if err := NewImport("").ReadSpans(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("ReadSpans(%q): %v, want an error with %q", text, err, wrong)
		}
	}
}

// TestNumberPlaceholders: the placeholders of drivers, and operators of Postgres that look the same.
func TestNumberPlaceholders(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT a FROM t WHERE b = ? AND c IN (?, ?) LIMIT ?":        "SELECT a FROM t WHERE b = $1 AND c IN ($2, $3) LIMIT $4",
		"SELECT a FROM t WHERE b = %s AND c LIKE 'x%s'":              "SELECT a FROM t WHERE b = $1 AND c LIKE 'x%s'",
		"SELECT a FROM t WHERE b = %(b)s AND d = %(d)s OR e = %(b)s": "SELECT a FROM t WHERE b = $1 AND d = $2 OR e = $1",
		"SELECT a::text FROM t WHERE b = :b AND c = :c::int":         "SELECT a::text FROM t WHERE b = $1 AND c = $2::int",
		"SELECT a FROM t WHERE b = @b AND doc @> @doc":               "SELECT a FROM t WHERE b = $1 AND doc @> $2",
		"SELECT a FROM t WHERE b = ?1 AND c = ?2 AND d = ?1":         "SELECT a FROM t WHERE b = $1 AND c = $2 AND d = $1",
		"SELECT a FROM t WHERE doc ? 'key'":                          "SELECT a FROM t WHERE doc ? 'key'",
		"SELECT a FROM t WHERE doc ?| array['a'] AND doc @? '$.a'":   "SELECT a FROM t WHERE doc ?| array['a'] AND doc @? '$.a'",
		"SELECT a % 2, tags[1:2], v @@ q FROM t":                     "SELECT a % 2, tags[1:2], v @@ q FROM t",
		"SELECT a FROM t WHERE b = $1 AND doc ? 'key'":               "SELECT a FROM t WHERE b = $1 AND doc ? 'key'",
		"INSERT INTO t VALUES (?, ?), (?, ?)":                        "INSERT INTO t VALUES ($1, $2), ($3, $4)",
		"SELECT a FROM t WHERE cut off = ? …":                        "SELECT a FROM t WHERE cut off = ? …",
	} {
		if got := numberPlaceholders(sql); got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
}

// TestReadServices reads what two services export of the same queries.
func TestReadServices(t *testing.T) {
	t.Parallel()
	im := NewImport("pganalyze")
	if err := im.ReadPganalyze(`{"data":{"getQueryStats":[
		{"id":1,"normalizedQuery":"SELECT id FROM users WHERE email = $1 AND born > interval $2","queryComment":"/*controller='users',action='show',traceparent='00-0af7-b7ad-01'*/","totalCalls":40,"avgTime":0.5},
		{"id":2,"normalizedQuery":"UPDATE users SET seen = now()","queryComment":"application:web","totalCalls":2,"avgTime":3}]}}`); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		`SELECT id FROM users WHERE email = $1 AND born > $2::interval | 40 calls, 0 rows, 20.0 ms, map[], role "" |   users#show ×40`,
		`UPDATE users SET seen = now() | 2 calls, 0 rows, 6.0 ms, map[], role "" |  web  ×2`,
	}, listImported(t, im)); diff != "" {
		t.Error(diff)
	}
	im = NewImport("planetscale")
	page := `{"type":"list","current_page":1,"next_page":%s,"data":[{"id":"a","normalized_sql":"select id from users where email = %s","query_count":7,"error_count":0,"sum_rows_returned":6,"sum_rows_affected":0,"sum_total_duration_millis":3.5,"keyspace":"shop"}]}`
	if err := im.ReadPlanetScale(fmt.Sprintf(page, "2", "$1") + "\n" + fmt.Sprintf(page, "3", "?")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		`select id from users where email = $1 | 14 calls, 12 rows, 7.0 ms, map[], role "" | shop   ×14`,
		"the list of queries has further pages, which are not in the file",
	}, listImported(t, im)); diff != "" {
		t.Error(diff)
	}
	for message, err := range map[string]error{
		"no answer of pganalyze's": NewImport("").ReadPganalyze(`{"data":{}}`),
		"ask for both fields":      NewImport("").ReadPganalyze(`{"data":{"getQueryStats":[{"truncatedQuery":"SELECT 1","totalCalls":1}]}}`),
		"object 1 is no JSON":      NewImport("").ReadPganalyze(`query,calls`),
		"from PlanetScale's API":   NewImport("").ReadPlanetScale(`{"data":[]}`),
		"no query_count":           NewImport("").ReadPlanetScale(`[{"normalized_sql":"select 1"}]`),
	} {
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("want an error with %q, got %v", message, err)
		}
	}
}

// TestOwnStatements: onward's own statements are in no import; the application's on a table of that name are.
func TestOwnStatements(t *testing.T) {
	t.Parallel()
	im := NewImport("pg_stat_statements")
	for _, sql := range []string{
		"UPDATE onward_ledger.lease SET seen = clock_timestamp() WHERE epoch = $1",
		`WITH batch AS MATERIALIZED (SELECT t.id AS onward_key1 FROM users AS t WHERE t.id > (SELECT "id" FROM onward.users_id_cursor)) UPDATE users SET a = $1`,
		`CREATE SCHEMA IF NOT EXISTS "onward_ledger"`,
	} {
		im.Statement(sql, "app", "shop", 5, 0, 0)
	}
	im.Add(Seen{SQL: "SELECT id FROM users", Sender: Sender{Application: "onward apply on db1, process 7"}, Calls: 1})
	im.Add(Seen{SQL: "SELECT id FROM users", Sender: Sender{Application: "onward"}, Calls: 1})
	im.Statement("SELECT onward FROM tickets WHERE a = 'onward_ledger'", "app", "shop", 1, 0, 0)
	im.Add(Seen{SQL: "SELECT t FROM onward_tickets t", Sender: Sender{Application: "onwards"}, Calls: 1})
	if diff := cmp.Diff([]string{
		`SELECT onward FROM tickets WHERE a = $1 | 1 calls, 0 rows, 0.0 ms, map[], role "app" | shop   ×1`,
		`SELECT t FROM onward_tickets t | 1 calls, 0 rows, 0.0 ms, map[], role "" |  onwards  ×1`,
	}, listImported(t, im)); diff != "" {
		t.Error(diff)
	}
}

// TestImportedTags: comments of sqlcommenter name the senders of imported statements.
func TestImportedTags(t *testing.T) {
	t.Parallel()
	im := NewImport("csvlog")
	im.Add(Seen{
		SQL:    "SELECT id FROM users /*action='index',controller='users',framework='rails',traceparent='00-0af7-b7ad-01'*/",
		Sender: Sender{Application: "web"},
		Calls:  1,
	})
	im.Add(Seen{SQL: "SELECT id FROM users /*route='^orders/%28%3FP%3Cid%3E4711%29',db_driver='django'*/", Calls: 2, Sender: Sender{Place: "known"}})
	im.Statement("SELECT id FROM users /*job='Mail'*/", "", "shop", 3, 0, 0)
	if diff := cmp.Diff([]string{`SELECT id FROM users | 6 calls, 0 rows, 0.0 ms, map[], role "" |   known ×2 |  web users#index ×1 | shop  Mail ×3`},
		listImported(t, im)); diff != "" {
		t.Error(diff)
	}
}

func FuzzReadSpans(f *testing.F) {
	data, err := os.ReadFile("testdata/spans/shop.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add("SELECT ? %s %(a)s :a @a ?1")
	f.Fuzz(func(t *testing.T, text string) {
		im := NewImport("otel")
		if im.ReadSpans(strings.NewReader(text)) == nil {
			if _, err := MergeAll(im.Workload()); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = NewImport("").ReadPganalyze(text), NewImport("").ReadPlanetScale(text)
		numberPlaceholders(text)
	})
}
