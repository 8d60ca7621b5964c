package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/verify"
)

// handmade is a release of one migration and a query that is recorded before it.
type handmade struct {
	name    string
	base    string // the deployed schema, and rows
	sql     string
	args    []any  // with them the query is prepared under a name, as drivers do
	role    string // who logs in; "" is the owner
	release string
	after   string // what somebody else writes after the release
	want    string // verify's verdict: ok, not judged, or a severity and a SQLSTATE or kind
	// truth is what the server does after the release: a SQLSTATE, "shape" if the result has other columns, "rows"
	// if it has another number of rows, "ok". The test runs the query, and compares.
	truth string
}

// ran is what a server does with a query.
type ran struct {
	state, shape string
	rows         int
}

func runHandmade(ctx context.Context, c *pgx.Conn, h *handmade) ran {
	var out ran
	var rows pgx.Rows
	var err error
	if len(h.args) > 0 {
		rows, err = c.Query(ctx, h.sql, h.args...)
	} else {
		rows, err = c.Query(ctx, h.sql, pgx.QueryExecModeSimpleProtocol)
	}
	if err == nil {
		for rows.Next() {
			out.rows++
		}
		for _, f := range rows.FieldDescriptions() {
			out.shape += fmt.Sprint(f.Name, f.DataTypeOID, f.TypeModifier, " ")
		}
		err = rows.Err()
	}
	if err == nil {
		out.shape += rowShape(ctx, c, rows.FieldDescriptions())
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		out.state = pg.Code
	} else if err != nil {
		out.state = err.Error()
	}
	return out
}

// rowShape lists the columns of each field that is a row, or an array of rows.
func rowShape(ctx context.Context, c *pgx.Conn, fields []pgconn.FieldDescription) string {
	var out strings.Builder
	for _, f := range fields {
		var text string
		if err := c.QueryRow(ctx, `SELECT coalesce(string_agg(concat_ws(' ', a.attname, a.atttypid), ',' ORDER BY a.attnum), '')
			FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem
			JOIN pg_attribute a ON a.attrelid IN (t.typrelid, e.typrelid) AND a.attnum > 0 AND NOT a.attisdropped WHERE t.oid = $1 AND a.attrelid >= 16384`,
			pgx.QueryExecModeSimpleProtocol, f.DataTypeOID).Scan(&text); err != nil {
			return err.Error()
		}
		out.WriteString(text)
	}
	return out.String()
}

// compare is what changed for who sends a query.
func compare(before, after ran) string {
	switch {
	case after.state != "":
		return after.state
	case before.shape != after.shape:
		return "shape"
	case before.rows != after.rows:
		return "rows"
	}
	return "ok"
}

// handmadeRole is the role that logs in.
const handmadeRole = "handmade_app"

// TestTruth: for each hand-made break the query is recorded by the proxy, judged by verify, and run on a server
// after the release. No query that fails there is proven untouched or passes as checked.
func TestTruth(t *testing.T) {
	t.Parallel()
	const major = 17
	address := pgservertest.Database(t, major)
	admin := pgservertest.Connect(t, address)
	script(t, admin, "DO $$ BEGIN CREATE ROLE "+handmadeRole+" LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
	var base strings.Builder
	base.WriteString("GRANT USAGE ON SCHEMA public TO " + handmadeRole + ";\n")
	for _, h := range handmades {
		base.WriteString(h.base + ";\n")
	}
	script(t, admin, base.String())
	connections, before := make([]*pgx.Conn, len(handmades)), make([]ran, len(handmades))
	for i := range handmades {
		h := &handmades[i]
		connections[i] = pgservertest.Connect(t, addressFor(t, address, h.role, ""))
		if before[i] = runHandmade(t.Context(), connections[i], h); before[i].state != "" {
			t.Fatalf("%s: before the release: %s", h.name, before[i].state)
		}
	}
	load := recordHandmades(t, address)
	got := verdictsOf(t, base.String(), load)
	for i := range handmades {
		h := &handmades[i]
		script(t, admin, h.release)
		if h.after != "" {
			script(t, admin, h.after)
		}
		truth := compare(before[i], runHandmade(t.Context(), connections[i], h))
		if truth != h.truth {
			t.Errorf("%s: the server says %q, the table %q", h.name, truth, h.truth)
		}
		verdict := got[i]
		if verdict != h.want {
			t.Errorf("%s: verify says %q, the table %q", h.name, verdict, h.want)
		}
		_, state, _ := strings.Cut(verdict, " ")
		switch {
		case verdict == "not judged":
		case truth != "shape" && truth != "rows" && truth != "ok" && state != truth:
			t.Errorf("%s: it fails with %s, and verify says %q", h.name, truth, verdict)
		case truth == "shape" && state != string(onward.VerdictResultShape) || truth == "rows" && verdict == "ok":
			t.Errorf("%s: its %s changed, and verify says %q", h.name, truth, verdict)
		case truth == "ok" && strings.HasPrefix(verdict, "error"):
			t.Errorf("%s: it works, and verify says %q", h.name, verdict)
		}
	}
}

// addressFor is an address for another role, or by way of a proxy.
func addressFor(t testing.TB, address, role, proxy string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if role != "" {
		u.User = url.User(role)
	}
	if proxy != "" {
		u.Host = proxy
		u.RawQuery = "sslmode=disable"
	}
	return u.String()
}

// recordHandmades sends every query through the proxy.
func recordHandmades(t *testing.T, address string) *record.Workload {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, err := record.Run(ctx, record.Config{Server: address, Listen: "127.0.0.1:0", Ready: func(proxy string) {
		defer stop()
		for i := range handmades {
			h := &handmades[i]
			c, err := pgx.Connect(t.Context(), addressFor(t, address, h.role, proxy))
			if err != nil {
				t.Error(err)
				return
			}
			if got := runHandmade(t.Context(), c, h); got.state != "" {
				t.Errorf("%s: through the proxy: %s", h.name, got.state)
			}
			if err := c.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Workload
}

// verdictsOf are verify's words on each query.
func verdictsOf(t *testing.T, base string, load *record.Workload) []string {
	t.Helper()
	files := map[string]string{}
	for i, h := range handmades {
		files[fmt.Sprintf("migrations/%05d_step.sql", i+2)] = "-- +goose Up\n-- +goose StatementBegin\n" +
			strings.ReplaceAll(h.release, ";\n", ";\n-- +goose StatementEnd\n-- +goose StatementBegin\n") + "\n-- +goose StatementEnd\n"
	}
	cfg := on(gittest.Commits(t, map[string]string{"migrations/00001_base.sql": "-- +goose Up\nSELECT 1;\n"}, files), 17)
	cfg.Schema = filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(cfg.Schema, []byte(base), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Old = []*verify.Workload{load}
	r, err := verify.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verification.Stopped != nil {
		t.Fatalf("the release ends at %+v", r.Verification.Stopped)
	}
	out := make([]string, len(handmades))
	for i := range handmades {
		out[i] = verdictOf(t, r, load, &handmades[i])
	}
	return out
}

// verdictOf is the worst word on a query.
func verdictOf(t *testing.T, r *onward.Report, load *record.Workload, h *handmade) string {
	t.Helper()
	table := handmadeTable(h)
	var ids []string
	for _, q := range load.Queries {
		if q.IsCode() && strings.Contains(q.SQL+fmt.Sprint(q.Names), table) {
			ids = append(ids, q.ID)
		}
	}
	if len(ids) != 1 {
		t.Errorf("%s: %d recorded queries have %q", h.name, len(ids), table)
		return ""
	}
	out := "ok"
	for _, n := range r.Verification.NotJudged {
		if n.ID == ids[0] {
			out = "not judged"
		}
	}
	worst := onward.Severity(0)
	for _, v := range r.Verdicts {
		if v.ID != ids[0] || v.Severity <= worst {
			continue
		}
		worst = v.Severity
		if out = v.Severity.String() + " " + v.SQLState; v.SQLState == "" {
			out = v.Severity.String() + " " + string(v.Kind)
		}
	}
	return out
}

// handmadeTable is the word that the names of a case begin with: "h07_".
func handmadeTable(h *handmade) string {
	i := slices.IndexFunc(handmades, func(o handmade) bool { return o.name == h.name })
	return fmt.Sprintf("h%02d_", i+1)
}
