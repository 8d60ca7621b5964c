package catalog_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/internal/pgparse"
)

// TestFold runs testdata/*.txt: a command line ("state", "delta" or "fresh"),
// SQL, "----", and what comes out. State and problems are those after the SQL;
// "delta" gives what the SQL changed, in words; "fresh" begins with an empty
// catalog.
func TestFold(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel()
			golden.CompareFile(t, path, runFile(t, golden.ReadFile(t, path)))
		})
	}
}

// runFile gives the file with the expected parts as they came out.
func runFile(t *testing.T, data string) string {
	var out strings.Builder
	c := catalog.New()
	for _, block := range strings.Split(strings.TrimRight(data, "\n"), "\n\n") {
		head, _, _ := strings.Cut(block, "\n----")
		command, sql, _ := strings.Cut(head, "\n")
		if strings.HasPrefix(command, "#") {
			out.WriteString(block + "\n\n")
			continue
		}
		fmt.Fprintf(&out, "%s\n----\n", head)
		if strings.HasPrefix(command, "fresh") {
			c = catalog.New()
		}
		before := c
		var problems string
		c, problems = apply(t, c, sql)
		switch strings.Fields(command)[0] {
		case "state", "fresh":
			out.WriteString(c.String())
		case "delta":
			for _, d := range catalog.Diff(before, c) {
				w := d.Words()
				fmt.Fprintf(&out, "%s: %s\n", w.Object, w.Text)
			}
		default:
			t.Errorf("unknown command %q", command)
		}
		out.WriteString(problems + "\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

func apply(t testing.TB, c *catalog.Catalog, sql string) (*catalog.Catalog, string) {
	t.Helper()
	f, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	var problems strings.Builder
	for _, s := range f.Stmts {
		if s.Err != nil {
			t.Errorf("parse %s: %v", sql[s.Start:s.End], s.Err)
			continue
		}
		next, list := c.Apply(s.Node, sql[s.Start:s.End])
		if p := c.CheckNames(s.Node, false); p != nil && len(list) == 0 {
			next, list = c, []catalog.Problem{*p}
		}
		c = next
		for _, p := range list {
			sure := ""
			if !p.Certain {
				sure = " (not certain)"
			}
			fmt.Fprintf(&problems, "ERROR %s: %s%s\n", p.SQLSTATE, p.Message(), sure)
		}
	}
	return c, problems.String()
}
