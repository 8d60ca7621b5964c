package rules

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// A NOT NULL column without a default is refused if the table has rows. Later statements
// therefore work on an empty table.
func TestWhatDemandsAnEmptyTable(t *testing.T) {
	t.Parallel()
	const build = "CREATE INDEX by_code ON shop_order (code)"
	for name, tc := range map[string]struct {
		statements []string
		blocks     bool
	}{
		"without a default": {[]string{"ALTER TABLE shop_order ADD COLUMN size int NOT NULL", build}, false},
		"with one":          {[]string{"ALTER TABLE shop_order ADD COLUMN size int NOT NULL DEFAULT 0", build}, true},
		"an identity":       {[]string{"ALTER TABLE shop_order ADD COLUMN size int GENERATED ALWAYS AS IDENTITY", build}, true},
		"a serial":          {[]string{"ALTER TABLE shop_order ADD COLUMN size serial NOT NULL", build}, true},
		"a domain's":        {[]string{"CREATE DOMAIN sized AS int DEFAULT 1", "ALTER TABLE shop_order ADD COLUMN size sized NOT NULL", build}, true},
		"perhaps there":     {[]string{"ALTER TABLE shop_order ADD COLUMN IF NOT EXISTS size int NOT NULL", build}, true},
		"nullable":          {[]string{"ALTER TABLE shop_order ADD COLUMN size int", build}, true},
		"of another table":  {[]string{"ALTER TABLE shop_item ADD COLUMN size int NOT NULL", build}, true},
		"behind it":         {[]string{build, "ALTER TABLE shop_order ADD COLUMN size int NOT NULL"}, true},
		"filled again": {
			[]string{"ALTER TABLE shop_order ADD COLUMN size int NOT NULL", "INSERT INTO shop_order SELECT id, 'x', NULL, 1 FROM shop_item", build},
			true,
		},
		"a row is put there": {[]string{"ALTER TABLE shop_order ADD COLUMN size int NOT NULL", "INSERT INTO shop_order VALUES (1, 'x', NULL, 1)", build}, false},
		"by its new name, too": {
			[]string{
				"ALTER TABLE shop_order ADD COLUMN size int NOT NULL", "ALTER TABLE shop_order RENAME TO shop_orders",
				"CREATE INDEX by_code ON shop_orders (code)",
			},
			false,
		},
	} {
		var parts []script.Part
		for i, sql := range tc.statements {
			parts = append(parts, script.Part{SQL: sql, Start: -1, Line: i + 1, Column: 1, EndLine: i + 1, EndColumn: 1})
		}
		findings := judgeSource(t, script.Source{Parts: parts, Mode: onward.TransactionFile, LineComment: "#"}, history.Runner{LockTimeout: 3000})
		got := slices.ContainsFunc(findings, func(f onward.Finding) bool { return f.Rule == "index-create-blocking" })
		if got != tc.blocks {
			t.Errorf("%s: %v, want %v: %v", name, got, tc.blocks, findings)
		}
		if tc.statements[0] == "ALTER TABLE shop_order ADD COLUMN size int NOT NULL" &&
			!slices.ContainsFunc(findings, func(f onward.Finding) bool { return f.Rule == "column-add-required" }) {
			t.Errorf("%s: nothing is said of the column: %v", name, findings)
		}
	}
}

// The statement that demands an empty table does no long work on it either.
func TestDemandInTheStatementItself(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]bool{
		"ALTER TABLE shop_order ADD COLUMN item int NOT NULL, ADD FOREIGN KEY (item) REFERENCES shop_item (id)":           false,
		"ALTER TABLE shop_order ADD COLUMN item int NOT NULL DEFAULT 1, ADD FOREIGN KEY (item) REFERENCES shop_item (id)": true,
	} {
		parts := []script.Part{{SQL: statement, Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1}}
		findings := judgeSource(t, script.Source{Parts: parts, Mode: onward.TransactionFile, LineComment: "#"}, history.Runner{LockTimeout: 3000})
		hasFinding := func(rule string) bool {
			return slices.ContainsFunc(findings, func(f onward.Finding) bool { return f.Rule == rule })
		}
		if hasFinding("constraint-foreign-key-validating") != want || hasFinding("column-add-required") == want {
			t.Errorf("%s has findings %v, want a validating foreign key: %t, a required column: %t", statement, findings, want, !want)
		}
	}
}
