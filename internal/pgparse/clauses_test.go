package pgparse

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClauses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sql  string
		want []string
	}{
		{"a, b", []string{"a", "b"}},
		{
			"ADD a numeric(1,2) DEFAULT 'x,y', -- one, two\n  ADD b int[] DEFAULT ARRAY[1,2] /* , */",
			[]string{"ADD a numeric(1,2) DEFAULT 'x,y'", "ADD b int[] DEFAULT ARRAY[1,2]"},
		},
		{`ADD "a,b" int, DROP c`, []string{`ADD "a,b" int`, "DROP c"}},
		{"a,,b", []string{"a", "", "b"}},
		{"", []string{""}},
	} {
		var got []string
		for _, s := range SplitClauses(tt.sql, 0) {
			got = append(got, tt.sql[s.Start:s.End])
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.sql, diff)
		}
	}
}

func TestNameEnd(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"t ADD":                "t",
		"app.users ADD":        "app.users",
		`"App" . "my ""t" ADD`: `"App" . "my ""t"`,
		"t* ADD":               "t",
		"t":                    "t",
	} {
		if got := in[:NameEnd(in, 0)]; got != want {
			t.Errorf("NameEnd(%q): %q, want %q", in, got, want)
		}
	}
}

func TestAfterWord(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"CREATE INDEX i ON t (a)":                       "CREATE INDEX",
		"create /* an INDEX */ unique index i ON t":     "create /* an INDEX */ unique index",
		"DROP -- INDEX\n INDEX i":                       "DROP -- INDEX\n INDEX",
		`REINDEX (VERBOSE) INDEX "INDEX"`:               "REINDEX (VERBOSE) INDEX",
		"SELECT 'INDEX', \"INDEX\", $$INDEX$$, indexes": "",
	} {
		got := ""
		if n := AfterWord(in, "INDEX"); n >= 0 {
			got = in[:n]
		}
		if got != want {
			t.Errorf("AfterWord(%q): %q, want %q", in, got, want)
		}
	}
}
