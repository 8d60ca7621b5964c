package prove

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// TestProve runs each "fresh" span of catalog's test files in a database of
// its own, on every version that the span is for ("fresh 18": from 18 on).
func TestProve(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	for _, major := range majors(t) {
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for i, span := range spans(string(data)) {
				if span.min > major {
					continue
				}
				t.Run(fmt.Sprintf("%d/%s/%d", major, strings.TrimSuffix(filepath.Base(path), ".txt"), i+1), func(t *testing.T) {
					t.Parallel()
					prove(t, major, span.sql, false)
				})
			}
		}
	}
}

// majors are the versions to run on: the oldest, the newest, and one between them in turn. ONWARD_MAJORS=15,18 chooses.
func majors(t *testing.T) []int {
	t.Helper()
	env := os.Getenv("ONWARD_MAJORS")
	if env == "" {
		all := pgservertest.Majors()
		last := len(all) - 1
		return slices.Concat(all[:1], rotation.Pick(t, last-1, all[1:last]), all[last:])
	}
	var out []int
	for _, s := range strings.Split(env, ",") {
		n, _ := strconv.Atoi(s)
		out = append(out, n)
	}
	return out
}

type span struct {
	min int
	sql string
}

// spans are the SQL from one "fresh" to the next. Those marked "unproven" use
// what a server of its own does not have: other tables than were created.
func spans(data string) []span {
	var out []span
	skip := false
	for _, block := range strings.Split(data, "\n\n") {
		head, _, _ := strings.Cut(block, "\n----")
		command, sql, _ := strings.Cut(head, "\n")
		words := strings.Fields(command)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		if words[0] == "fresh" {
			skip = len(words) > 1 && words[1] == "unproven"
			s := span{}
			if len(words) > 1 && !skip {
				s.min, _ = strconv.Atoi(words[1])
			}
			if !skip {
				out = append(out, s)
			}
		}
		if !skip && len(out) > 0 {
			out[len(out)-1].sql += sql + ";\n"
		}
	}
	return out
}

// prove runs SQL on a server and through the fold, statement by statement. What
// fails on the server is not folded. lenient overlooks what no fold can foresee.
func prove(t *testing.T, major int, sql string, lenient bool) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, pgservertest.Database(t, major))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	file, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New()
	for _, s := range file.Stmts {
		text := sql[s.Start:s.End]
		if s.Err != nil {
			t.Errorf("parse %s: %v", text, s.Err)
			continue
		}
		next, problems := c.Apply(s.Node, text)
		// A statement that fails for a row of a query does not fail if the query has no rows.
		if p := c.CheckNames(s.Node, false); p != nil && !p.Query && len(problems) == 0 {
			problems = []catalog.Problem{*p}
		}
		model := effect.EffectOf(s.Node, c, effect.NewVersion(major), effect.Inputs{})
		want := ""
		if _, err := conn.Exec(ctx, text); err != nil {
			var pe *pgconn.PgError
			if !errors.As(err, &pe) {
				t.Fatal(err)
			}
			want = pe.Code + " " + pe.Message
		} else {
			c = next
			if model.Refused != nil {
				t.Errorf("%s\n  the server runs what the model refuses: %s", text, model.Refused.Message())
			}
		}
		got := ""
		if len(problems) > 0 {
			got = problems[0].SQLSTATE + " " + problems[0].Message()
		}
		if got != want && want != "" && got != "" {
			t.Logf("%s\n  server:  %q\n  catalog: %q", text, want, got)
		}
		if got != want && !(lenient && (notOurs(want) || want != "" && isQuery(s.Node))) {
			t.Errorf("%s\n  server:  %q\n  catalog: %q", text, want, got)
		}
	}
	// The search path of the session must not shorten names.
	if _, err := conn.Exec(ctx, "SET search_path = public"); err != nil {
		t.Fatal(err)
	}
	server, catalogFacts := fromServer(ctx, t, conn), fromCatalog(c)
	if d := lacking("server", server, catalogFacts) + lacking("catalog", catalogFacts, server); d != "" {
		t.Errorf("only one side has:\n%s", d)
	}
}

// notOurs are failures that no fold can foresee: of queries, data, extensions
// and functions.
func notOurs(want string) bool {
	if want == "" {
		return false
	}
	switch want[:2] {
	case "42", "2B":
		code := want[:5]
		return code == "42883" || code == "42601" || code == "42804" || code == "42501" || code == "42P18" || code == "42803"
	}
	return true
}

// isQuery reports a statement that reads or writes rows.
func isQuery(n *pgparse.Node) bool {
	switch pgparse.Unwrap(n).(type) {
	case *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.SelectStmt, *pgparse.DoStmt, *pgparse.TruncateStmt, *pgparse.LockStmt:
		return true
	}
	return false
}

// lacking are the lines of a that b does not have.
func lacking(side string, a, b facts) string {
	var out strings.Builder
	for _, l := range a {
		if !slices.Contains(b, l) {
			fmt.Fprintf(&out, "%s: %s\n", side, l)
		}
	}
	return out.String()
}
