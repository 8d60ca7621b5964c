package analysis_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// TestFunctions holds what testdata/functions.txt answers about the bodies of functions. A line is a statement of the release or a question. A statement
// that writes rows is answered with the triggers that it fires, and what their functions miss. With -update it writes the answers.
func TestFunctions(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, b := range readBlocks(t, "functions.txt") {
		fmt.Fprintf(&got, "%s\n", b.title)
		b.deployed.Complete = true
		r := functionRelease{deployed: b.deployed, now: b.deployed, last: b.deployed}
		for _, line := range b.lines {
			if !isQuestion(line) {
				r.last = applyLine(t, r.last, line)
			}
		}
		r.bodies = analysis.NewBodies(b.deployed, func(q analysis.Question) analysis.Usage {
			if name, known := strings.CutPrefix(r.code, "code uses "); known && q.Kind == analysis.AskName && q.Name.Name == name {
				return analysis.Usage{Known: true, Used: true, Evidence: []onward.Evidence{{Kind: "code", Path: "shop.go", Line: 7}}}
			}
			return analysis.Usage{Known: r.code != "code unknown"}
		})
		r.bodies.MoveTo(r.now, nil)
		for _, line := range b.lines {
			fmt.Fprintf(&got, "%s\n", line)
			r.followLine(t, &got, line)
		}
		got.WriteString("\n")
	}
	compareFound(t, "functions.txt", got.String())
}

// isQuestion reports whether a line is no statement: "naming t.a", "calling f", "copying t", "stored f", "triggers t", "code uses f",
// "code unknown".
func isQuestion(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return slices.Contains([]string{"naming", "calling", "copying", "stored", "code", "triggers"}, word)
}

func applyLine(t *testing.T, c *catalog.Catalog, line string) *catalog.Catalog {
	t.Helper()
	for _, node := range parse(t, line) {
		c, _ = c.Apply(node, line)
	}
	return c
}

type functionRelease struct {
	deployed, now, last *catalog.Catalog
	bodies              *analysis.Bodies
	code                string
}

func (r *functionRelease) followLine(t *testing.T, out *strings.Builder, line string) {
	t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case !isQuestion(line):
		r.followStatement(t, out, line)
	case word == "code":
		r.code = line
	case word == "naming":
		name, column, _ := strings.Cut(rest, ".")
		relation := r.deployed.Lookup("public", name)
		writeUses(out, r.bodies.FindNaming(analysis.TakenObject{
			Relation: relation, Column: column, After: r.now.Relation(relation.OID), Before: r.deployed, Last: r.last,
		}))
	case word == "calling":
		writeUses(out, r.bodies.FindCalling(catalog.Name{Schema: "public", Name: rest}, r.last, nil))
	case word == "copying":
		for _, from := range r.bodies.CopyingInto(r.now.Lookup("public", rest)) {
			fmt.Fprintf(out, "  %s\n", from.Name)
		}
	case word == "triggers":
		writeSetters(out, r.now, r.now.Lookup("public", rest))
	case word == "stored":
		r.now.EachRelation(func(relation *catalog.Relation) bool {
			if stored := analysis.StoredObject(relation, catalog.Name{Schema: "public", Name: rest}); stored != "" {
				fmt.Fprintf(out, "  %s\n", stored)
			}
			return true
		})
	}
}

func (r *functionRelease) followStatement(t *testing.T, out *strings.Builder, line string) {
	t.Helper()
	for _, node := range parse(t, line) {
		if rv := pgparse.WrittenRelation(node); rv != nil {
			table, _ := r.now.Resolve(rv)
			for _, w := range analysis.ListWritten(r.now, table, analysis.ReadWrite(pgparse.Unwrap(node))) {
				fmt.Fprintf(out, "  writes %s: %s%s\n", w.Name, strings.Join(w.Events, ", "), map[bool]string{true: ", direct"}[w.Direct])
			}
			for _, f := range analysis.ListFired(r.now, table, pgparse.Unwrap(node)) {
				fmt.Fprintf(out, "  fires %s of %s: %s\n", f.Trigger.Name, f.Table.Name, strings.Join(f.Events, ", "))
				if u := analysis.FindOutdated(f, r.deployed, r.now); u != nil {
					fmt.Fprintf(out, "    %s in %s: %s, maybe %v\n", u.Error, u.Signature(), u.Text, u.Maybe)
					if u.Table != nil {
						fmt.Fprintf(out, "      was in %s: %s\n", u.Table.Name, u.Names)
					}
				}
			}
		}
		before := r.now
		r.now, _ = before.Apply(node, line)
		var createdFunctions []*catalog.Function
		r.now.EachFunction(func(fn *catalog.Function) bool {
			if !slices.Contains(before.Functions(fn.Name.Schema, fn.Name.Name), fn) {
				createdFunctions = append(createdFunctions, fn)
			}
			return true
		})
		r.bodies.MoveTo(r.now, createdFunctions)
	}
}

// writeUses writes the uses of a thing by functions, and what a finding says of all of them.
func writeUses(out *strings.Builder, list []analysis.FunctionUse) {
	for _, use := range list {
		u := analysis.Usage{Known: true, Functions: []analysis.FunctionUse{use}}
		fmt.Fprintf(out, "  %s: %s\n    %s%s\n", u.FunctionSeverity(), u.DescribeBreak("it"), use.Evidence().Text, map[bool]string{true: ", mended later"}[use.Later])
	}
	if len(list) > 1 {
		fmt.Fprintf(out, "  all: %s\n", analysis.Usage{Known: true, Functions: list}.DescribeBreak("it"))
	}
}

// writeSetters writes which columns of new and changed rows triggers set.
func writeSetters(out *strings.Builder, c *catalog.Catalog, table *catalog.Relation) {
	for _, column := range table.Columns {
		fmt.Fprintf(out, "  %s: set %v, set again %v", column.Name, analysis.IsSetByTrigger(c, table, column.Name), analysis.IsResetByTrigger(c, table, column.Name))
		if filler := analysis.FindFiller(c, table, []string{column.Name}); filler != nil {
			fmt.Fprintf(out, ", filled by %s", filler.Name)
		}
		for _, trigger := range table.Triggers {
			if analysis.MaySetColumn(c, trigger, column.Name) {
				fmt.Fprintf(out, ", perhaps by %s", trigger.Name)
			}
		}
		out.WriteString("\n")
	}
}
