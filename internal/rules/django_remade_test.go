package rules

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Django drops and adds a foreign key around each change of its field. If the change
// itself needs neither, it is the fix. The waiting sessions are reported once.
func TestForeignKeyRemade(t *testing.T) {
	t.Parallel()
	const fk = `CONSTRAINT "shop_line_item_id_fkey"`
	drop, add := "ALTER TABLE shop_line DROP "+fk, "ALTER TABLE shop_line ADD "+fk+" FOREIGN KEY (item_id) REFERENCES shop_item (id)"
	for change, alone := range map[string]bool{
		"ALTER TABLE shop_line ALTER COLUMN item_id DROP NOT NULL": true,
		"ALTER TABLE shop_line ALTER COLUMN item_id SET DEFAULT 1": true,
		"ALTER TABLE shop_line ALTER COLUMN item_id TYPE integer":  false,
		"CREATE UNIQUE INDEX line_item ON shop_line (item_id)":     false,
	} {
		src := script.Source{Mode: onward.TransactionFile, LineComment: "#"}
		for _, sql := range []string{drop, change, add} {
			src.Parts = append(src.Parts, script.Part{
				SQL:       sql,
				Start:     -1,
				Line:      9,
				Column:    1,
				EndLine:   9,
				EndColumn: 1,
				Operation: script.Operation{Class: "AlterField", Model: "line", Field: "item"},
			})
		}
		reportCount := 0
		for _, f := range judgeSource(t, src, history.Runner{LockTimeout: 3000}) {
			switch f.Rule {
			case "transaction-long-work-under-lock":
				if strings.Contains(f.Fact, "scans") {
					t.Errorf("%s: told twice: %s", change, f.Fact)
				}
			case "constraint-foreign-key-validating":
				reportCount++
				if !strings.HasPrefix(f.Harm, "every query on shop_line and on shop_item waits") {
					t.Errorf("%s: the harm is %q, want the queries on both tables", change, f.Harm)
				}
				if got := strings.HasPrefix(f.Instead, "Django drops the foreign key") && strings.Contains(f.Instead, change); got != alone {
					t.Errorf("%s: alone %v: %s", change, got, f.Instead)
				}
			}
		}
		if reportCount != 1 {
			t.Errorf("%s: told %d times", change, reportCount)
		}
	}
}

// A default that Django takes away by itself is not dropped in a later release.
func TestDefaultDroppedByDjango(t *testing.T) {
	t.Parallel()
	src := script.Source{Mode: onward.TransactionNone, LineComment: "#"}
	for _, sql := range []string{"ALTER TABLE shop_item ADD COLUMN kind text DEFAULT '' NOT NULL", "ALTER TABLE shop_item ALTER COLUMN kind DROP DEFAULT"} {
		src.Parts = append(src.Parts, script.Part{
			SQL:       sql,
			Start:     -1,
			Line:      9,
			Column:    1,
			EndLine:   9,
			EndColumn: 1,
			Operation: script.Operation{Class: "AddField", Model: "item", Field: "kind"},
		})
	}
	for _, f := range judgeSource(t, src, history.Runner{LockTimeout: 3000}) {
		if f.Rule == "column-drop-default" {
			if !strings.Contains(f.Instead, "db_default=") {
				t.Errorf("the advice lacks db_default=:\n%s", f.Instead)
			}
			return
		}
	}
	t.Error("nothing is said")
}
