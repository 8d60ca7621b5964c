package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// The additional index for LIKE on a text column is reported together with the column's
// own index.
func TestTwins(t *testing.T) {
	t.Parallel()
	like := `CREATE INDEX "order_code_like" ON "shop_order" ("code" varchar_pattern_ops)`
	for name, tc := range map[string]struct {
		first   script.Operation
		sql     string
		want    []string
		instead string
	}{
		"a constraint": {
			script.Operation{Class: "AlterField", Model: "order", Field: "code"},
			`ALTER TABLE "shop_order" ADD CONSTRAINT "order_code_uniq" UNIQUE ("code")`,
			[]string{"constraint-unique-blocking"}, "CREATE INDEX CONCURRENTLY \"order_code_like\"",
		},
		"an index": {
			script.Operation{Class: "AlterField", Model: "order", Field: "code"},
			`CREATE INDEX "order_code_idx" ON "shop_order" ("code")`, []string{"index-create-blocking"}, "db_index=False",
		},
		"of another column": {
			script.Operation{Class: "AlterField", Model: "order", Field: "code"},
			`CREATE INDEX "order_country" ON "shop_order" ("country")`,
			[]string{"index-create-blocking", "index-create-blocking"}, "",
		},
		"of another operation": {
			script.Operation{Class: "AddIndex", Model: "order"}, `CREATE INDEX "order_code_idx" ON "shop_order" ("code")`,
			[]string{"index-create-blocking", "index-create-blocking"}, "",
		},
		"of a function's author": {
			script.Operation{}, `CREATE INDEX "order_code_idx" ON "shop_order" ("code")`,
			[]string{"index-create-blocking", "index-create-blocking"}, "",
		},
	} {
		second := script.Operation{Class: "AlterField", Model: "order", Field: "code"}
		if name == "of a function's author" {
			second = tc.first
		}
		var parts []script.Part
		for i, sql := range []string{tc.sql, like} {
			parts = append(parts, script.Part{SQL: sql, Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1, Operation: []script.Operation{tc.first, second}[i]})
		}
		var got []string
		findings := judgeSource(t, script.Source{Parts: parts, Mode: onward.TransactionFile, LineComment: "#"}, history.Runner{LockTimeout: 3000})
		for i := range findings {
			if f := &findings[i]; strings.HasSuffix(f.Rule, "-blocking") {
				if got = append(got, f.Rule); !strings.Contains(f.Instead, tc.instead) {
					t.Errorf("%s: the advice is %q, want it to contain %q", name, f.Instead, tc.instead)
				}
			}
		}
		if strings.Join(got, " ") != strings.Join(tc.want, " ") {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// An index that unique_fields of bulk_create cannot name is no arbiter of Django's
// upserts.
func TestArbitersThatDjangoNames(t *testing.T) {
	t.Parallel()
	for index, want := range map[string]bool{
		"ON shop_order (code)":                           true,
		"ON shop_order (code, country)":                  true,
		"ON shop_order (lower(code))":                    false,
		"ON shop_order (code) WHERE country IS NOT NULL": false,
	} {
		parts := []script.Part{{SQL: "DROP INDEX deployed", Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}}
		findings := judgeSourceBehind(t, "CREATE UNIQUE INDEX deployed "+index+";", script.Source{
			Parts:       parts,
			Mode:        onward.TransactionFile,
			LineComment: "#",
		}, history.Runner{LockTimeout: 3000}, nil, 16)
		if got := slices.ContainsFunc(findings, func(f onward.Finding) bool { return f.Rule == "constraint-drop-on-conflict" }); got != want {
			t.Errorf("%s: %v, want %v", index, got, want)
		}
	}
}
