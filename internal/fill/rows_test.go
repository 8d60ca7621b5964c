package fill_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/onward"
)

func TestParseRows(t *testing.T) {
	t.Parallel()
	type rows = map[string]int64
	for in, want := range map[string]struct {
		rows         rows
		all, touched int64
	}{
		"10000":                     {rows{}, 0, 10_000},
		"users=1e6,orders=5e6":      {rows{"users": 1_000_000, "orders": 5_000_000}, 0, 0},
		"all=1k, public.users = 2M": {rows{"public.users": 2_000_000}, 1000, 0},
		"1_000,a=1.5k,b=0,all=7":    {rows{"a": 1500, "b": 0}, 7, 1000},
	} {
		got, err := fill.ParseRows(in)
		if err != nil || got.All != want.all || got.Touched != want.touched || !cmp.Equal(got.Rows, want.rows) {
			t.Errorf("ParseRows(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for in, say := range map[string]string{
		"": "write a number", "users": `"users" is not a number`, "users=": "is not a number", "=5": "write a number", "users=-1": "not a number", "users=1.5": "not a whole number",
		"users=1e30": "more than", "users=1,users=2": "twice", "5,6": "twice", "users=inf": "not a number", "users=0x10": "not a number", "a=1,": "write a number", "k": "not a number",
	} {
		if _, err := fill.ParseRows(in); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %v, want %q", in, err, say)
		}
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	stats := &onward.Stats{Relations: []onward.RelationStats{
		{Name: "public.users", Kind: "table", Rows: 1000}, {Name: "public.big", Kind: "table", Rows: 5_000_000_000}, {Name: "public.one", Kind: "table", Rows: 1},
		{Name: "public.unknown", Kind: "table", Rows: -1}, {Name: "public.empty", Kind: "table"}, {Name: "public.view", Kind: "materialized view", Rows: 7},
		{Name: "public.parent", Kind: "partitioned table"}, {Name: "public.part", Kind: "table", Parent: "public.parent", Rows: 100},
	}}
	want := map[string]int64{"public.users": 10, "public.big": 1_000_000, "public.one": 1, "public.empty": 0, "public.part": 1}
	if d := cmp.Diff(want, fill.ScaleCounts(stats, 0.01, 1_000_000)); d != "" {
		t.Errorf("ScaleCounts(stats, 0.01, 1_000_000) (-want +got):\n%s", d)
	}
	if got := fill.ScaleCounts(nil, 1, 0); len(got) != 0 {
		t.Errorf("ScaleCounts(nil, 1, 0) = %v, want no counts", got)
	}
}
