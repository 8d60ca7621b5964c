package query_test

import (
	"os"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// FuzzUses binds everything that parses. Nothing may panic, each place must lie in the
// statement, and each use of a relation must have its name.
func FuzzUses(f *testing.F) {
	data, err := os.ReadFile("testdata/uses.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(data), "\n\n") {
		sql, _, _ := strings.Cut(block, "\n")
		f.Add(sql)
	}
	f.Add("WITH a AS (SELECT * FROM a), b AS (SELECT * FROM a, b) SELECT a, b.*, (c).d, e.f.g FROM a NATURAL JOIN b JOIN x USING (y) AS z ORDER BY 1, a")
	f.Add("WITH RECURSIVE a AS (SELECT 1 UNION (SELECT * FROM b)), b (x) AS (TABLE a) SEARCH DEPTH FIRST BY x SET y SELECT * FROM b WHERE EXISTS (TABLE a)")
	f.Fuzz(func(t *testing.T, sql string) {
		file, err := pgparse.SplitText(sql)
		if err != nil {
			return
		}
		c := catalog.New()
		for _, s := range file.Stmts {
			if s.Node == nil {
				continue
			}
			for _, u := range query.ListUses(s.Node, c) {
				if u.At < -1 || u.At > s.End-s.Start {
					t.Errorf("%q: %+v stands outside", sql, u)
				}
				if u.How <= query.Gives && u.Name == "" {
					t.Errorf("%q: %+v names no relation", sql, u)
				}
			}
			c, _ = c.Apply(s.Node, sql[s.Start:s.End])
		}
	})
}
