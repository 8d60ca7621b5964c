package predicate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// row is a row of the table on which conditions are tried, with its columns in SQL.
type row struct{ a, s, f string }

// rows returns the table: all combinations of the columns' values.
func rows() []row {
	var out []row
	for _, a := range []string{"NULL", "-1", "0", "1", "2", "5"} {
		for _, s := range []string{"NULL", "''", "'x'", "'y'", "'zz'"} {
			for _, f := range []string{"NULL", "true", "false"} {
				out = append(out, row{a, s, f})
			}
		}
	}
	return out
}

// conditions generates a condition on the table, from the given random numbers.
func conditions(r *rand.Rand, depth int) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	number := func() string { return one("-1", "0", "1", "2", "1.5", "3") }
	text := func() string { return one("'x'", "'y'", "'zz'", "''") }
	list := func(of func() string) string {
		out := []string{of()}
		for range r.IntN(3) {
			out = append(out, of())
		}
		if r.IntN(10) == 0 {
			out = append(out, "NULL")
		}
		return strings.Join(out, ", ")
	}
	if depth > 0 && r.IntN(2) == 0 {
		left, right := conditions(r, depth-1), conditions(r, depth-1)
		return one("("+left+" AND "+right+")", "("+left+" OR "+right+")", "NOT ("+left+")")
	}
	switch r.IntN(18) {
	case 0, 1, 2:
		return "a " + one("=", "<>", "<", "<=", ">", ">=") + " " + number()
	case 3:
		return number() + " " + one("=", "<>", "<", "<=", ">", ">=") + " a"
	case 4:
		return "a " + one("", "NOT ") + "BETWEEN " + number() + " AND " + number()
	case 5, 6:
		return "a " + one("", "NOT ") + "IN (" + list(number) + ")"
	case 7:
		return "s " + one("=", "<>") + " " + text()
	case 8:
		return "s " + one("", "NOT ") + "IN (" + list(text) + ")"
	case 9:
		return "s = ANY (ARRAY[" + list(text) + "])"
	case 10:
		return "s <> ALL (ARRAY[" + list(text) + "]::text[])"
	case 11:
		return one("a", "s", "f") + " IS " + one("", "NOT ") + "NULL"
	case 12:
		return "a IS " + one("", "NOT ") + "DISTINCT FROM " + one("1", "NULL")
	case 13:
		return one("f", "f = true", "f = 'no'", "f <> false", "f IS TRUE", "f IS NOT TRUE", "f IS NOT FALSE", "f IS UNKNOWN", "f IS NOT UNKNOWN")
	case 14:
		return "length(s) " + one("<", ">=") + " " + number()
	case 15:
		return one("COALESCE(a, "+number()+") > "+number(), "COALESCE(f, false)", "COALESCE(NULL, 'x') <> "+text())
	case 16:
		return "(a IS NULL) " + one("=", "<>") + " (s IS NULL)"
	}
	return one("true", "false", "NULL::bool", "1 = 1", "'off'::bool", "NULL IS NULL")
}

// truths asks a server for the results of conditions, for each row.
func truths(ctx context.Context, conn *pgx.Conn, of ...string) ([][]Outcomes, error) {
	var values []string
	for _, r := range rows() {
		values = append(values, fmt.Sprintf("(%s::int, %s::text, %s::bool)", r.a, r.s, r.f))
	}
	got, err := conn.Query(ctx, "SELECT "+strings.Join(of, ", ")+" FROM (VALUES "+strings.Join(values, ", ")+") t (a, s, f)")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(got, func(r pgx.CollectableRow) ([]Outcomes, error) {
		list, err := r.Values()
		out := make([]Outcomes, len(list))
		for i, v := range list {
			switch v {
			case nil:
				out[i] = Nothing
			case true:
				out[i] = True
			default:
				out[i] = False
			}
		}
		return out, err
	})
}

// known returns the row for the model, without the columns in hidden.
func known(r row, hidden string) *Row {
	return &Row{
		Replaced: func(string) bool { return false },
		Cast: func(to *pgparse.TypeName, v Value) Value {
			if pgparse.LastText(to.GetNames()) == "bool" && v.Kind == Text {
				return ParseBoolean(v.Text)
			}
			return v
		},
		Column: func(ref *pgparse.ColumnRef) Value {
			name := pgparse.LastText(ref.GetFields())
			if strings.Contains(hidden, name) {
				return Value{}
			}
			text := map[string]string{"a": r.a, "s": r.s, "f": r.f}[name]
			switch {
			case text == "NULL":
				return Value{Kind: Null}
			case name == "a":
				return ParseDecimal(text)
			case name == "f":
				return ParseBoolean(text)
			}
			return TextOf(strings.Trim(text, "'"))
		},
	}
}

// TestServer compares the model's results with those of servers.
func TestServer(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		ctx := context.Background()
		conn := pgservertest.Connect(t, pgservertest.Database(t, major))
		seen := map[string]int{}
		r := rand.New(rand.NewPCG(uint64(major), 1))
		for range 400 {
			old, now := conditions(r, 2), conditions(r, 2)
			switch r.IntN(4) {
			case 0:
				now = "(" + old + " OR " + now + ")"
			case 1:
				old = "(" + now + " AND " + old + ")"
			}
			is, err := truths(ctx, conn, old, now)
			if err != nil {
				t.Fatalf("%s, %s: %v", old, now, err)
			}
			evaluates(t, old, is)
			concludes(t, old, now, is, seen)
		}
		for _, what := range []string{"implied", "disjoint", "excluded", "not null"} {
			if seen[what] == 0 {
				t.Errorf("nothing was %s: the test proves nothing", what)
			}
		}
		t.Logf("proven: %v", seen)
	})
}

// evaluates checks the result of a condition: it must be exact if the row is known, and
// possible if it is not.
func evaluates(t *testing.T, cond string, is [][]Outcomes) {
	n := expr(t, cond)
	for _, hidden := range []string{"", "a", "s", "f", "as", "asf"} {
		for i, r := range rows() {
			got := known(r, hidden).Evaluate(n)
			if !got.MayBe(is[i][0]) || hidden == "" && got != is[i][0] {
				t.Fatalf("%s for %v without %q: model %b, server %b", cond, r, hidden, got, is[i][0])
			}
		}
	}
}

// concludes checks what is concluded from conditions without a row.
func concludes(t *testing.T, old, now string, is [][]Outcomes, seen map[string]int) {
	n, m := expr(t, old), expr(t, now)
	all := func(what string, holds func(i int, r row) bool) {
		seen[what]++
		for i, r := range rows() {
			if !holds(i, r) {
				t.Fatalf("%s: %s; %s: not for %v", what, old, now, r)
			}
		}
	}
	if Implies(n, m) {
		all("implied", func(i int, _ row) bool {
			return (is[i][0] != True || is[i][1] == True) && (is[i][0] == False || is[i][1] != False)
		})
	}
	low, high := ParseDecimal("1"), ParseDecimal("3")
	if IsDisjoint(n, "a", Interval{Low: &low, High: &high}) {
		all("disjoint", func(i int, r row) bool { return !slices.Contains([]string{"1", "2"}, r.a) || is[i][0] == False })
	}
	if ExcludesValue(n, "a", &low) {
		all("excluded", func(i int, r row) bool { return r.a != "1" || is[i][0] == False })
	}
	if ProvesNotNull(n, "a") {
		all("not null", func(i int, r row) bool { return r.a != "NULL" || is[i][0] == False })
	}
}
