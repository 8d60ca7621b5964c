package prove

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// recordFired is the function of the triggers in the file: on a server, it writes down which trigger fires.
const recordFired = `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO fired VALUES (TG_NAME || ': ' || lower(TG_OP)); IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$`

// TestFiredTriggers runs the statements of analysis/testdata/fired.txt, and compares the triggers that fire with those that the model lists.
func TestFiredTriggers(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../analysis/testdata/fired.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i, paragraph := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		_, rest, _ := strings.Cut(paragraph, "\n")
		schema, statements, _ := strings.Cut(rest, "\n--\n")
		for _, major := range pgservertest.ProofMajors() {
			t.Run(fmt.Sprint(i, " on ", major), func(t *testing.T) {
				t.Parallel()
				conn := pgservertest.Connect(t, pgservertest.Database(t, major))
				pgservertest.Exec(t, conn, "CREATE TABLE fired (line text)", recordFired)
				model := applyText(t, catalog.New(), recordFired)
				for _, sql := range listFor(major, schema) {
					pgservertest.Exec(t, conn, sql)
					model = applyText(t, model, sql)
				}
				for _, sql := range listFor(major, statements) {
					pgservertest.Exec(t, conn, "BEGIN", "TRUNCATE fired", sql)
					got := pgservertest.ReadTexts(t, conn, "SELECT DISTINCT line FROM fired")
					pgservertest.Exec(t, conn, "ROLLBACK")
					compareFired(t, sql, got, listFired(t, model, sql))
				}
			})
		}
	}
}

// listFired lists what the model says.
func listFired(t *testing.T, model *catalog.Catalog, sql string) (out []string) {
	t.Helper()
	node := pgparse.ParseStatement(sql)
	table, known := model.Resolve(pgparse.WrittenRelation(node))
	if !known {
		t.Fatalf("the model does not know the table of %q", sql)
	}
	for _, f := range analysis.ListFired(model, table, pgparse.Unwrap(node)) {
		for _, event := range f.Events {
			if f.Function.Name.Name == "f" {
				out = append(out, f.Trigger.Name+": "+event)
			}
		}
	}
	return out
}

func compareFired(t *testing.T, sql string, server, model []string) {
	t.Helper()
	subtract := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
	}
	if missed, extra := subtract(server, model), subtract(model, server); len(missed)+len(extra) > 0 {
		t.Errorf("%s\nthe model misses %q\nonly the model has %q", sql, missed, extra)
	}
}

// listFor returns the lines of a text that a version takes: "15: SQL" is for 15 and newer.
func listFor(major int, text string) (out []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if least, sql, found := strings.Cut(line, ": "); found {
			if n, err := strconv.Atoi(least); err == nil {
				if n > major {
					continue
				}
				line = sql
			}
		}
		out = append(out, line)
	}
	return out
}

func applyText(t *testing.T, c *catalog.Catalog, sql string) *catalog.Catalog {
	t.Helper()
	node := pgparse.ParseStatement(strings.TrimSuffix(sql, ";"))
	if node == nil {
		t.Fatalf("parse %q: no statement", sql)
	}
	after, problems := c.Apply(node, sql)
	if len(problems) > 0 {
		t.Fatalf("apply %q to the catalog: %v", sql, problems)
	}
	return after
}
