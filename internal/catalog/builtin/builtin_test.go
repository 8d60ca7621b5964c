package builtin

import (
	"slices"
	"strings"
	"testing"
)

func TestVolatility(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		nargs int
		major int
		want  Vol
		known bool
	}{
		{"now", 0, 13, Stable, true},
		{"clock_timestamp", 0, 18, Volatile, true},
		{"gen_random_uuid", 0, 13, Volatile, true},
		{"uuidv7", 0, 17, 0, false},
		{"uuidv7", 0, 18, Volatile, true},
		{"uuidv7", 1, 18, Volatile, true},
		{"random", 0, 13, Volatile, true},
		{"random", 2, 16, 0, false},
		{"random", 2, 17, Volatile, true},
		{"nextval", 1, 15, Volatile, true},
		{"lower", 1, 15, Immutable, true},
		{"date_trunc", 2, 15, Stable, true}, // for timestamptz
		{"date_trunc", 3, 15, Stable, true},
		{"date_trunc", 3, 16, Immutable, true},
		{"timezone", 2, 13, Immutable, true}, // volatile for timetz only
		{"jsonb_set", 2, 15, 0, false},
		{"jsonb_set", 3, 15, Immutable, true}, // the fourth argument has a default
		{"jsonb_set", 4, 15, Immutable, true},
		{"jsonb_set", 5, 15, 0, false},
		{"concat", 0, 15, 0, false},
		{"concat", 1, 15, Stable, true},
		{"concat", 90, 15, Stable, true}, // VARIADIC
		{"make_interval", 0, 15, Immutable, true},
		{"count", 0, 15, Immutable, true},
		{"nextval", -1, 15, Volatile, true},
		{"nextval", 0, 15, 0, false},
		{"now", 0, 12, 0, false},
		{"now", 0, 20, 0, false},
		{"error_on_null", 1, 18, 0, false},
		{"error_on_null", 1, 19, Immutable, true},
		{"nextva", 1, 15, 0, false},
		{"nextval 1", 1, 15, 0, false},
		{"", 0, 15, 0, false},
		{"NOW", 0, 15, 0, false},
		{"zzzz", 0, 15, 0, false},
		{"AAAA", 0, 15, 0, false},
		{"my_function", 1, 15, 0, false},
	} {
		got, known := Volatility(test.name, test.nargs, test.major)
		if got != test.want || known != test.known {
			t.Errorf("Volatility(%q, %d, %d) = %v, %v, want %v, %v", test.name, test.nargs, test.major, got, known, test.want, test.known)
		}
	}
}

func TestVolatilityOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		types []string
		major int
		want  Vol
	}{
		{"timezone", []string{"text", "timestamptz"}, 13, Immutable},
		{"timezone", []string{"text", "timetz"}, 13, Volatile},
		{"timezone", []string{"text", "timetz"}, 15, Stable},
		{"timezone", []string{"", ""}, 13, Immutable},
		{"timezone", []string{"", "timetz"}, 13, Volatile}, // timezone(interval, timetz) is immutable: half is no minority
		{"date_trunc", []string{"", "timestamp"}, 15, Immutable},
		{"date_trunc", []string{"", "timestamptz"}, 15, Stable},
		{"date_trunc", []string{"", "date"}, 15, Stable}, // needs a cast: any may be meant
		{"now", nil, 15, Stable},
		{"lower", []string{"varchar"}, 15, Immutable},
	} {
		if got, known := VolatilityOf(test.name, test.types, test.major); got != test.want || !known {
			t.Errorf("VolatilityOf(%q, %q, %d) = %v, %v, want %v", test.name, test.types, test.major, got, known, test.want)
		}
	}
}

func TestType(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"int4": "int4", "integer": "int4", "character varying": "varchar", "timestamp with time zone": "timestamptz",
		"double precision": "float8", "_int4": "_int4", "jsonb": "jsonb", "int4multirange": "int4multirange",
		"anyelement": "anyelement", "character": "bpchar", "char": "char", "citext": "", "": "", "pg_class": "", "int": "", "zz": "",
	} {
		if got, ok := Type(name); got != want || ok != (want != "") {
			t.Errorf("Type(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
}

// Every line of the tables is well formed, in order, and found by the search.
func TestTables(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{"functions": functions, "types": types} {
		lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
		if !slices.IsSortedFunc(lines, func(a, b string) int {
			first, _, _ := strings.Cut(a, " ")
			second, _, _ := strings.Cut(b, " ")
			return strings.Compare(first, second)
		}) {
			t.Errorf("%s: not sorted", name)
		}
		for _, line := range lines {
			key, rest, _ := strings.Cut(line, " ")
			if !slices.Contains(slices.Collect(lookUpEntries(table, key)), rest) {
				t.Errorf("%s: not found: %q", name, line)
			}
			if name != "functions" {
				continue
			}
			signature, letters, _ := splitFields(rest)
			if strings.Trim(letters, "isv-") != "" || len(letters) != 1 && len(letters) != newest-oldest+1 {
				t.Errorf("volatility in %q", line)
			}
			if !acceptsArgCount(signature, parseNumber(strings.FieldsFunc(signature, func(c rune) bool { return c == '-' || c == '+' })[0])) {
				t.Errorf("signature in %q", line)
			}
		}
	}
}

func BenchmarkVolatility(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, known := Volatility("timezone", 2, 15); !known {
			b.Fatal("unknown")
		}
	}
}

func TestMutable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		types []string
		want  bool
	}{
		{"now", nil, true},
		{"concat", []string{"text", ""}, true},
		{"to_tsvector", []string{""}, true},
		{"to_tsvector", []string{"", ""}, false},
		{"date_trunc", []string{"", "timestamptz"}, true},
		{"date_trunc", []string{"", "timestamp"}, false},
		{"date_trunc", []string{"", "date"}, false}, // by an implicit cast
		{"date_trunc", []string{"", ""}, false},
		{"date_trunc", []string{"", "", ""}, false}, // immutable since 16
		{"extract", []string{"", "timestamptz"}, true},
		{"extract", []string{"", "date"}, false},
		{"lower", []string{"text"}, false},
		{"lower", nil, false},
		{"my_function", nil, false},
	} {
		if got := Mutable(test.name, test.types); got != test.want {
			t.Errorf("Mutable(%q, %q) = %v", test.name, test.types, got)
		}
	}
}

func TestSince(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		nargs int
		want  int
	}{
		{"uuidv7", 0, 18},
		{"random", 0, 0},
		{"random", 2, 17},
		{"any_value", 1, 16},
		{"date_bin", 3, 14},
		{"gen_random_uuid", 0, 0},
		{"jsonb_strip_nulls", 1, 0},
		{"jsonb_strip_nulls", 2, 18},
		{"date_trunc", 3, 0},
		{"my_function", 1, 0},
	} {
		if got := Since(test.name, test.nargs); got != test.want {
			t.Errorf("Since(%q, %d) = %d, want %d", test.name, test.nargs, got, test.want)
		}
	}
}

func TestShapes(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]bool{ // aggregate, set, one value
		"count":                    {true, false, false},
		"rank":                     {true, false, false},
		"lag":                      {},
		"unnest":                   {false, true, false},
		"pg_ls_dir":                {false, true, false},
		"pg_stat_get_subscription": {false, true, true},
		"lower":                    {false, false, true},
		"no_such":                  {},
	} {
		if got := [3]bool{IsAggregate(name), ReturnsSet(name), GivesOneValue(name)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
