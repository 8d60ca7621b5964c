package deprecation_test

import (
	"fmt"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/workload/deprecation"
)

func TestMarked(t *testing.T) {
	t.Parallel()
	table := catalog.Name{Schema: "public", Name: "users"}
	for text, want := range map[string]string{
		"When. Onward: Soft  Delete.\nMore":          "&{gone  false false}",
		"onward: soft delete, View \"Live Users\"":   "&{gone Live Users false false}",
		"onward: soft delete, no view":               "&{gone  true false}",
		"onward: soft delete, view a.b":              `"view a.b" names no view`,
		"onward: soft delete, view a b":              `"view a b" names no view`,
		"onward: soft delete, view a, no view":       "it says view a, and no view",
		"onward: soft delete, soft delete":           `"soft delete" is none of soft delete, view NAME, no view`,
		"onward: soft deleted":                       `"soft deleted" is none of deprecated [DATE]`,
		"onward: deprecated, renamed to soft_delete": "<nil>",
		"soft delete": "<nil>",
	} {
		col := catalog.NewColumn("gone", catalog.Type{})
		col.Comment = text
		got := fmt.Sprint(deprecation.ColumnMark(table, col, map[string]string{"shop.users": "gone", "users": "other"}))
		if _, _, err := deprecation.ParseComment(text); err != nil {
			got = err.Error()[:min(len(want), len(err.Error()))]
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	if m := deprecation.ColumnMark(table, catalog.NewColumn("gone", catalog.Type{}), map[string]string{"users": "gone"}); m == nil || !m.Configured {
		t.Errorf("onward.yaml is not heard: %v", m)
	}
}
