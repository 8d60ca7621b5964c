package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Stars of stars double the columns. The server refuses more than 1,664 in any query (54011, measured on 18.6), and so does the model, which
// makes no more of them: each of these texts would make more than a million.
func TestStarsOfStars(t *testing.T) {
	t.Parallel()
	chain := "WITH c0 AS (SELECT * FROM shelf)"
	for i := range 40 {
		chain += fmt.Sprintf(", c%d AS (SELECT x.*, y.* FROM c%d x, c%d y)", i+1, i, i)
	}
	dir := gittest.Commits(t, map[string]string{"m/1_shelf.sql": "CREATE TABLE shelf (id int, code text);"}, map[string]string{
		"m/2_with.sql":       chain + " SELECT 1 FROM c40;",
		"m/3_subqueries.sql": "SELECT * FROM " + strings.Repeat("(SELECT a.*, a.*, a.* FROM ", 20) + "shelf a" + strings.Repeat(") a", 20) + ";",
		"m/4_view.sql":       "CREATE VIEW wide AS " + chain + " SELECT 1 AS n FROM c40;",
		"m/5_insert.sql":     "INSERT INTO shelf (id) " + chain + " SELECT 1 FROM c40;",
		"m/6_fits.sql":       "SELECT a.*, b.* FROM shelf a, shelf b;",
	})
	r, err := auditLast(t, dir, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var refused []string
	for _, f := range r.Findings {
		if f.Rule == "release-statement-fails" && strings.Contains(f.Fact, "at most 1664 entries") {
			refused = append(refused, f.Path)
		}
	}
	if got, want := strings.Join(refused, " "), "m/2_with.sql m/3_subqueries.sql m/4_view.sql m/5_insert.sql"; got != want {
		t.Errorf("refused are %s, want %s; opaque %v", got, want, r.Opaque)
	}
}
