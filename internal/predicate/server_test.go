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
	pick := func(choices ...string) string { return choices[r.IntN(len(choices))] }
	number := func() string { return pick("-1", "0", "1", "2", "1.5", "3") }
	text := func() string { return pick("'x'", "'y'", "'zz'", "''") }
	list := func(element func() string) string {
		out := []string{element()}
		for range r.IntN(3) {
			out = append(out, element())
		}
		if r.IntN(10) == 0 {
			out = append(out, "NULL")
		}
		return strings.Join(out, ", ")
	}
	if depth > 0 && r.IntN(2) == 0 {
		left, right := conditions(r, depth-1), conditions(r, depth-1)
		return pick("("+left+" AND "+right+")", "("+left+" OR "+right+")", "NOT ("+left+")")
	}
	switch r.IntN(18) {
	case 0, 1, 2:
		return "a " + pick("=", "<>", "<", "<=", ">", ">=") + " " + number()
	case 3:
		return number() + " " + pick("=", "<>", "<", "<=", ">", ">=") + " a"
	case 4:
		return "a " + pick("", "NOT ") + "BETWEEN " + number() + " AND " + number()
	case 5, 6:
		return "a " + pick("", "NOT ") + "IN (" + list(number) + ")"
	case 7:
		return "s " + pick("=", "<>") + " " + text()
	case 8:
		return "s " + pick("", "NOT ") + "IN (" + list(text) + ")"
	case 9:
		return "s = ANY (ARRAY[" + list(text) + "])"
	case 10:
		return "s <> ALL (ARRAY[" + list(text) + "]::text[])"
	case 11:
		return pick("a", "s", "f") + " IS " + pick("", "NOT ") + "NULL"
	case 12:
		return "a IS " + pick("", "NOT ") + "DISTINCT FROM " + pick("1", "NULL")
	case 13:
		return pick("f", "f = true", "f = 'no'", "f <> false", "f IS TRUE", "f IS NOT TRUE", "f IS NOT FALSE", "f IS UNKNOWN", "f IS NOT UNKNOWN")
	case 14:
		return "length(s) " + pick("<", ">=") + " " + number()
	case 15:
		return pick("COALESCE(a, "+number()+") > "+number(), "COALESCE(f, false)", "COALESCE(NULL, 'x') <> "+text())
	case 16:
		return "(a IS NULL) " + pick("=", "<>") + " (s IS NULL)"
	}
	return pick("true", "false", "NULL::bool", "1 = 1", "'off'::bool", "NULL IS NULL")
}

// truths asks a server for the results of conditions, for each row.
func truths(ctx context.Context, conn *pgx.Conn, exprs ...string) ([][]Outcomes, error) {
	var values []string
	for _, r := range rows() {
		values = append(values, fmt.Sprintf("(%s::int, %s::text, %s::bool)", r.a, r.s, r.f))
	}
	got, err := conn.Query(ctx, "SELECT "+strings.Join(exprs, ", ")+" FROM (VALUES "+strings.Join(values, ", ")+") t (a, s, f)")
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
			outcomes, err := truths(ctx, conn, old, now)
			if err != nil {
				t.Fatalf("evaluate %s and %s on the server: %v", old, now, err)
			}
			evaluates(t, old, outcomes)
			concludes(t, old, now, outcomes, seen)
		}
		for _, conclusion := range []string{"implied", "disjoint", "excluded", "not null"} {
			if seen[conclusion] == 0 {
				t.Errorf("nothing was %s: the test proves nothing", conclusion)
			}
		}
		t.Logf("proven: %v", seen)
	})
}

// evaluates checks the result of a condition: it must be exact if the row is known, and
// possible if it is not.
func evaluates(t *testing.T, cond string, want [][]Outcomes) {
	n := expr(t, cond)
	for _, hidden := range []string{"", "a", "s", "f", "as", "asf"} {
		for i, r := range rows() {
			got := known(r, hidden).Evaluate(n)
			if !got.MayBe(want[i][0]) || hidden == "" && got != want[i][0] {
				t.Fatalf("%s for %v without %q: model %b, server %b", cond, r, hidden, got, want[i][0])
			}
		}
	}
}

// concludes checks what is concluded from conditions without a row.
func concludes(t *testing.T, old, now string, outcomes [][]Outcomes, seen map[string]int) {
	n, m := expr(t, old), expr(t, now)
	all := func(conclusion string, holds func(i int, r row) bool) {
		seen[conclusion]++
		for i, r := range rows() {
			if !holds(i, r) {
				t.Fatalf("%s: %s; %s: not for %v", conclusion, old, now, r)
			}
		}
	}
	if Implies(n, m) {
		all("implied", func(i int, _ row) bool {
			return (outcomes[i][0] != True || outcomes[i][1] == True) && (outcomes[i][0] == False || outcomes[i][1] != False)
		})
	}
	low, high := ParseDecimal("1"), ParseDecimal("3")
	if IsDisjoint(n, "a", Interval{Low: &low, High: &high}) {
		all("disjoint", func(i int, r row) bool { return !slices.Contains([]string{"1", "2"}, r.a) || outcomes[i][0] == False })
	}
	if ExcludesValue(n, "a", &low) {
		all("excluded", func(i int, r row) bool { return r.a != "1" || outcomes[i][0] == False })
	}
	if ProvesNotNull(n, "a") {
		all("not null", func(i int, r row) bool { return r.a != "NULL" || outcomes[i][0] == False })
	}
}
