package index_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/code/read"
)

// A query whose rows have all columns of a relation is a fact, with what a program of Go
// reads them into.
func TestStars(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"q(`SELECT * FROM users`)":                                                         "users:1+0",
		"q(`SELECT u.*, t.id FROM users u, teams t`)":                                      "users:1+1 u",
		"q(`\n\tSELECT *\n\tFROM users JOIN teams USING (id)`)":                            "users:2 teams:2",
		"q(`SELECT * FROM (SELECT * FROM users) s`)":                                       "users:1+0",
		"q(`SELECT * FROM (SELECT id, kind FROM users) s`)":                                "",
		"q(`SELECT * FROM users UNION ALL SELECT * FROM teams`)":                           "users:1 teams:1",
		"q(`WITH RECURSIVE x AS (SELECT * FROM users UNION SELECT x.* FROM x) TABLE x`)":   "users:1",
		"q(`SELECT count(*), count(u.*) FROM users u`)":                                    "",
		"q(`SELECT id FROM users WHERE EXISTS (SELECT * FROM teams)`)":                     "",
		"q(`UPDATE users SET id = 1\n\tRETURNING *`)":                                      "users:1+0",
		"q(`INSERT INTO users SELECT * FROM teams`)":                                       "",
		"q(`SELECT * FROM users`).Scan(&a, &b)":                                            "users:1+0 [2]",
		"q(`SELECT * FROM users`).Scan(&a,\n\tf(b, c),\n)":                                 "users:1+0 [2]",
		"q(`SELECT * FROM users`).Scan(&a,":                                                "users:1+0",
		"q(`SELECT * FROM users`).Scan(":                                                   "users:1+0",
		"q(`SELECT * FROM users`).Scan()":                                                  "users:1+0",
		"q(`SELECT * FROM users`).Scan(list...)":                                           "users:1+0",
		"const all = `SELECT * FROM users`\n\nfunc f() {\n\tq(all).Scan(&a)\n}\n":          "users:1+0 [1]",
		"const all = `SELECT * FROM users`\n\nfunc f() {\n\tq(other).Scan(&a)\n}\n":        "users:1+0",
		"\nfunc f() {\n\tall := `SELECT * FROM users`\n\tq(all, 1).Scan(&a)\n}\n":          "users:3+0 [1]",
		"const all = `SELECT * FROM users`\n\n// all\nfunc f() {\n\tlog(\"all\")\n}\n":     "users:1+0",
		"db.Get(&u, `SELECT * FROM users`)":                                                "users:1+0 sqlx",
		"pgxscan.Get(ctx, db, &u, `SELECT * FROM users`)":                                  "users:1+0 fitting sqlx",
		"rows := q(`SELECT * FROM users`)\npgx.CollectRows(rows, pgx.RowToStructByPos[U])": "users:1+0 exact",
	} {
		var got []string
		for _, s := range read.Read("a.go", []byte(code)).AllColumnsQueries {
			x := fmt.Sprintf("%s:%d", s.Name, s.Line)
			if s.Others > 0 {
				x += fmt.Sprintf("+%d", s.Others-1)
			}
			for word, isSet := range map[string]bool{" " + s.As: s.As != "", " exact": s.Exact, " fitting": s.Fitting} {
				if isSet {
					x += word
				}
			}
			if s.Sqlx {
				x += " sqlx"
			}
			if s.Scans != nil {
				x += fmt.Sprintf(" %v", s.Scans)
			}
			got = append(got, x)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, not %q", code, got, want)
		}
	}
}
