package analysis_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

var leastVersion = lazyregexp.New(`(?m)^\d+: `)

// TestFired holds which triggers the statements of testdata/fired.txt fire. TestFiredTriggers runs the same statements on servers: "15: SQL" needs
// Postgres 15. With -update it writes the answers.
func TestFired(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	text := leastVersion.ReplaceAllString(golden.ReadFile(t, filepath.Join("testdata", "fired.txt")), "")
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		title, rest, _ := strings.Cut(paragraph, "\n")
		schema, statements, _ := strings.Cut(rest, "\n--\n")
		c := schemaOf(t, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n"+schema)
		fmt.Fprintf(&got, "%s\n", title)
		for sql := range strings.SplitSeq(statements, "\n") {
			fmt.Fprintf(&got, "%s\n", sql)
			node := parse(t, sql)[0]
			table, _ := c.Resolve(pgparse.WrittenRelation(node))
			for _, f := range analysis.ListFired(c, table, pgparse.Unwrap(node)) {
				fmt.Fprintf(&got, "  %s of %s: %s%s\n", f.Trigger.Name, f.Table.Name, strings.Join(f.Events, ", "), map[bool]string{true: ", direct"}[f.Direct])
			}
		}
		got.WriteString("\n")
	}
	compareFound(t, "fired.txt", got.String())
}
