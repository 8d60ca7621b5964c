package query_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

var update = flag.Bool("update", false, "rewrite testdata/uses.txt")

var verbs = [...]string{
	query.Reads: "reads", query.Inserts: "inserts", query.Updates: "updates", query.Deletes: "deletes", query.Empties: "empties",
	query.Locks: "locks", query.Refreshes: "refreshes", query.ReadsColumn: "column", query.InsertsColumn: "inserts column",
	query.UpdatesColumn: "updates column", query.Stars: "star", query.Compares: "compares", query.Gives: "gives",
	query.Arbitrates: "arbiter", query.ArbitratesName: "arbiter", query.Calls: "calls", query.Runs: "runs", query.Casts: "casts",
	query.Numbers: "numbers", query.Sets: "sets", query.Shows: "shows",
	query.Defers: "defers", query.Strays: "strays",
}

// line formats a use as in testdata/uses.txt, with the word of the statement at its
// place.
func line(u query.Use, sql string) string {
	var b strings.Builder
	b.WriteString(verbs[u.How] + " ")
	name := strings.TrimPrefix(u.Schema+"."+u.Name, ".")
	if u.Column != "" {
		name += "." + u.Column
	}
	b.WriteString(name)
	if len(u.Columns) > 0 || u.How == query.Inserts {
		fmt.Fprintf(&b, " %v", u.Columns)
	}
	if u.Width > 0 {
		fmt.Fprintf(&b, " width %d", u.Width)
	}
	if u.Partial {
		b.WriteString(" where")
	}
	if u.How == query.Compares || u.How == query.Gives {
		fmt.Fprintf(&b, " %s %q", u.Operator, u.Value)
	}
	if u.Table == nil && u.How < query.Calls {
		b.WriteString(" unknown")
	}
	if !u.Sure {
		b.WriteString(" perhaps")
	}
	if u.At >= 0 {
		end := strings.IndexAny(sql[u.At:]+" ", " ,;()=")
		fmt.Fprintf(&b, " at %d:%s", u.At, sql[u.At:u.At+max(end, 1)])
	}
	return b.String()
}

func split(t *testing.T, sql string) *pgparse.Stmt {
	t.Helper()
	file, err := pgparse.SplitText(sql)
	if err != nil || len(file.Stmts) != 1 || file.Stmts[0].Node == nil {
		t.Fatalf("SplitText(%q): %v, or not one statement with a tree", sql, err)
	}
	return &file.Stmts[0]
}

func fold(t *testing.T, sql string) *catalog.Catalog {
	t.Helper()
	file, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	c := catalog.New()
	for _, s := range file.Stmts {
		next, problems := c.Apply(s.Node, sql[s.Start:s.End])
		if len(problems) > 0 {
			t.Fatalf("apply %s: %v", sql[s.Start:s.End], problems)
		}
		c = next
	}
	return c
}

// TestUses compares the uses of statements with testdata/uses.txt: a schema, then one
// block per statement with its sorted uses.
func TestUses(t *testing.T) {
	t.Parallel()
	const path = "testdata/uses.txt"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(data)), "\n\n")
	c := fold(t, blocks[0])
	got := blocks[0] + "\n"
	for _, block := range blocks[1:] {
		sql, _, _ := strings.Cut(block, "\n")
		var lines []string
		for _, u := range query.ListUses(split(t, sql).Node, c) {
			lines = append(lines, "  "+line(u, sql))
		}
		slices.Sort(lines)
		got += "\n" + strings.Join(append([]string{sql}, lines...), "\n") + "\n"
	}
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(data), got); diff != "" && !*update {
		t.Error(diff)
	}
}
