package catalog_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgparse/collide"
	"github.com/onward-sql/onward/internal/rotation"
)

// sources are the SQL of all test files, one string for each "fresh" span.
func sources(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test files: %v", err)
	}
	var out []string
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			head, _, _ := strings.Cut(block, "\n----")
			command, sql, _ := strings.Cut(head, "\n")
			if strings.HasPrefix(command, "fresh") {
				out = append(out, "")
			}
			if len(out) > 0 && !strings.HasPrefix(command, "#") {
				out[len(out)-1] += sql + ";\n"
			}
		}
	}
	return out
}

// numbers are the numbers below an end.
func numbers(end uint64) (out []uint64) {
	for n := range end {
		out = append(out, n)
	}
	return out
}

type step struct {
	node *pgparse.Node
	sql  string
}

func steps(t testing.TB, sql string) []step {
	t.Helper()
	f, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	var out []step
	for _, s := range f.Stmts {
		if s.Node != nil {
			out = append(out, step{s.Node, sql[s.Start:s.End]})
		}
	}
	return out
}

// TestImmutable proves that no statement changes the catalogs before it, that
// a catalog does not differ from itself, and that each delta of a span has its
// like in the diff of one of its statements or is made of several.
func TestImmutable(t *testing.T) {
	t.Parallel()
	for i, sql := range sources(t) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			c := catalog.New()
			catalogs := []*catalog.Catalog{c}
			prints := []string{c.String()}
			seen := map[string]bool{}
			for _, s := range steps(t, sql) {
				next, _ := c.Apply(s.node, s.sql)
				for _, d := range catalog.Diff(c, next) {
					seen[fmt.Sprint(d.Kind, d.Key)] = true
				}
				c = next
				catalogs = append(catalogs, c)
				prints = append(prints, c.String())
			}
			for j, c := range catalogs {
				if c.String() != prints[j] {
					t.Fatalf("statement %d was changed by a later one:\n%s\nbecame\n%s", j, prints[j], c)
				}
				if d := catalog.Diff(c, c); len(d) != 0 {
					t.Errorf("statement %d: Diff(c, c) has %d deltas", j, len(d))
				}
				sane(t, c)
			}
			for _, d := range catalog.Diff(catalogs[0], c) {
				if d.After != nil && d.After.Kind == catalog.Sequence {
					continue // came with its table, which then disowned it
				}
				if !seen[fmt.Sprint(d.Kind, d.Key)] {
					t.Errorf("%s %s: no statement of the span tells of it: %s", d.Key, d.Words().Object, d.Words().Text)
				}
			}
		})
	}
}

// sane checks what must hold in every catalog: what is referred to is there,
// and what points at each other agrees.
func sane(t testing.TB, c *catalog.Catalog) {
	t.Helper()
	require := func(ok bool, format string, args ...any) {
		if !ok {
			t.Errorf(format, args...)
		}
	}
	for _, problem := range c.Astray() {
		require(false, "%s", problem)
	}
	keys := map[[2]catalog.OID]int{}
	c.EachRelation(func(r *catalog.Relation) bool {
		for _, k := range r.Constraints {
			if k.Kind == catalog.ForeignKey {
				keys[[2]catalog.OID{r.OID, k.Ref}]++
			}
		}
		for _, oid := range r.ReferencedBy {
			keys[[2]catalog.OID{oid, r.OID}]--
		}
		return true
	})
	for pair, n := range keys {
		require(n == 0, "relation %d has %d foreign keys more to %d than that one knows", pair[0], n, pair[1])
	}
	callers := map[string][]*catalog.Relation{}
	calledBy := func(name string, r *catalog.Relation) {
		if callers[name] == nil {
			callers[name] = c.CalledBy(name)
		}
		require(slices.Contains(callers[name], r), "%s calls %s(), which the catalog does not know", r.Name.Qualified(), name)
	}
	calls := func(expr *pgparse.Node, r *catalog.Relation) {
		if expr == nil {
			return
		}
		pgparse.Walk(expr, func(m any) bool {
			if call, ok := m.(*pgparse.FuncCall); ok && len(call.GetArgs()) > 0 { // none: a serial column
				calledBy(call.GetFuncname()[len(call.GetFuncname())-1].GetString_().GetSval(), r)
			}
			return true
		})
	}
	c.EachRelation(func(r *catalog.Relation) bool {
		for _, tr := range r.Triggers {
			if !tr.Inferred {
				calledBy(tr.Function.Name, r)
			}
		}
		require(r.OfType == 0 || slices.Contains(c.TypedBy(r.OfType), r), "%s has a type that the catalog does not know of", r.Name.Qualified())
		for _, col := range r.Columns {
			require(col.Type.OID == 0 || slices.Contains(c.TypedBy(col.Type.OID), r),
				"%s.%s has a type that the catalog does not know of", r.Name.Qualified(), col.Name)
			calls(col.Default, r)
			calls(col.GeneratedExpr, r)
		}
		for _, k := range r.Constraints {
			if k.Kind == catalog.Check {
				calls(k.Expr, r)
			}
		}
		if r.View != nil {
			for _, fn := range r.View.Functions {
				calledBy(fn.Name, r)
			}
		}
		require(c.Lookup(r.Name.Schema, r.Name.Name) == r, "%s %d is not found by its name: %+v", r.Name.Qualified(), r.OID, c.Lookup(r.Name.Schema, r.Name.Name))
		numbers := map[int16]bool{}
		names := map[string]bool{}
		for _, col := range r.Columns {
			require(!numbers[col.Attnum] && col.Attnum > 0 && col.Attnum < r.NextAttnum, "%s.%s has number %d of %d", r.Name, col.Name, col.Attnum, r.NextAttnum)
			require(!names[col.Name], "%s.%s is there twice", r.Name, col.Name)
			numbers[col.Attnum], names[col.Name] = true, true
			require(col.Sequence == 0 || c.Relation(col.Sequence) != nil, "%s.%s has a sequence that is gone", r.Name, col.Name)
			for _, a := range col.GeneratedFrom {
				require(r.Attr(a) != nil, "%s.%s is generated from a column that is gone", r.Name, col.Name)
			}
		}
		for _, k := range r.Constraints {
			for _, a := range k.Columns {
				require(numbers[a], "constraint %s of %s has a column that is gone", k.Name, r.Name)
			}
			require(k.ID != 0, "constraint %s of %s has no ID", k.Name, r.Name)
			require(k.Ref == 0 || c.Relation(k.Ref) != nil, "constraint %s of %s points at a table that is gone", k.Name, r.Name)
			if k.Index != 0 {
				i := c.Relation(k.Index)
				require(i != nil && i.Index != nil && i.Index.Constraint == k.Name && i.Name.Name == k.Name, "constraint %s of %s and its index disagree", k.Name, r.Name)
			}
		}
		for _, oid := range r.Indexes {
			i := c.Relation(oid)
			require(i != nil && i.Index != nil && i.Index.Table == r.OID, "%s has an index that is gone", r.Name)
			if i != nil && i.Index != nil {
				for _, k := range i.Index.Keys {
					for _, a := range k.Columns {
						require(numbers[a], "index %s has a column that is gone", i.Name)
					}
				}
			}
		}
		for listName, list := range map[string][]catalog.OID{
			"partition": r.Partitions, "child": r.Children, "referencing table": r.ReferencedBy, "dependent": r.Dependents, "parent": r.Inherits,
		} {
			for _, oid := range list {
				require(c.Relation(oid) != nil, "%s has a %s that is gone: %d", r.Name, listName, oid)
			}
		}
		for _, oid := range r.Partitions {
			if p := c.Relation(oid); p != nil && r.Index == nil {
				require(p.Parent == r.OID, "partition %s does not know its parent %s", p.Name, r.Name)
			}
		}
		require(r.Parent == 0 || c.Relation(r.Parent) != nil, "%s has a parent that is gone", r.Name)
		return true
	})
}

// TestWide folds the widest table that Postgres allows, and one statement more
// for each column.
func TestWide(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("CREATE TABLE wide (id int")
	for i := range 1599 {
		fmt.Fprintf(&b, ", column_%d int DEFAULT %d NOT NULL", i, i)
	}
	b.WriteString(");\n")
	for i := range 1599 {
		fmt.Fprintf(&b, "ALTER TABLE wide ALTER column_%d DROP NOT NULL;\n", i)
	}
	c := catalog.New()
	for _, s := range steps(t, b.String()) {
		var problems []catalog.Problem
		if c, problems = c.Apply(s.node, s.sql); len(problems) > 0 {
			t.Fatalf("apply %.60q: problems %v", s.sql, problems)
		}
	}
	if n := len(c.Lookup("", "wide").Columns); n != 1600 {
		t.Errorf("%d columns", n)
	}
	for _, s := range steps(t, "ALTER TABLE wide DROP column_7;\nALTER TABLE wide ADD more int;\n") {
		next, problems := c.Apply(s.node, s.sql)
		if refused := len(problems) > 0; refused != strings.Contains(s.sql, "ADD") {
			t.Errorf("apply %q: problems %v, want some only for ADD: dropped columns count towards the limit of 1600", s.sql, problems)
		}
		c = next
	}
}

// TestTooWide folds what the server has no room for: it is refused, and costs
// no more than its text is long.
func TestTooWide(t *testing.T) {
	t.Parallel()
	const many = 20_000
	list := func(part string) string {
		var b strings.Builder
		for i := range many {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, part, i)
		}
		return b.String()
	}
	for _, test := range []struct{ sql, message string }{
		{"CREATE TABLE w (" + list("c%d int") + ")", "tables can have at most 1600 columns"},
		{"CREATE TYPE w AS (" + list("c%d int") + ")", "tables can have at most 1600 columns"},
		{"ALTER TABLE t " + list("ADD c%d int"), "tables can have at most 1600 columns"},
		{"ALTER TABLE unknown " + list("ADD c%d int"), "tables can have at most 1600 columns"},
		{"CREATE VIEW w AS SELECT " + list("1 AS c%d"), "target lists can have at most 1664 entries"},
		{"CREATE TABLE w AS SELECT " + list("1 AS c%d"), "target lists can have at most 1664 entries"},
		{"CREATE INDEX ON t (" + list("(id + %d)") + ")", "cannot use more than 32 columns in an index"},
	} {
		c := catalog.New()
		for _, s := range steps(t, "CREATE TABLE t (id int);\n"+test.sql+";\n") {
			next, problems := c.Apply(s.node, s.sql)
			if strings.HasPrefix(s.sql, "CREATE TABLE t ") {
				c = next
				continue
			}
			if len(problems) != 1 || !problems[0].Certain || problems[0].SQLSTATE != "54011" || problems[0].Message() != test.message {
				t.Errorf("apply %.30s…: problems %v, want one, certain, 54011: %s", s.sql, problems, test.message)
			}
			if next != c {
				t.Errorf("%.30s… changed the catalog", s.sql)
			}
		}
	}
}

// TestShuffled folds the statements of all files in random orders: whatever
// comes when, the catalog stays sane.
func TestShuffled(t *testing.T) {
	t.Parallel()
	var all []step
	for _, sql := range sources(t) {
		all = append(all, steps(t, sql)...)
	}
	for _, seed := range rotation.Pick(t, 4, numbers(100)) {
		random := rand.New(rand.NewPCG(seed, 1))
		c := catalog.New()
		for range 400 {
			s := all[random.IntN(len(all))]
			before := c
			c, _ = c.Apply(s.node, s.sql)
			for _, d := range catalog.Diff(before, c) {
				d.Words()
			}
			if sane(t, c); t.Failed() {
				t.Fatalf("seed %d, after %s\n%s", seed, s.sql, before)
			}
		}
		_ = c.String()
	}
}

// TestCollisions folds the statements of all files in random orders where nearly everything has one of four names: the catalog stays sane.
func TestCollisions(t *testing.T) {
	t.Parallel()
	var all []string
	for _, sql := range sources(t) {
		for _, s := range steps(t, sql) {
			all = append(all, s.sql)
		}
	}
	renamed := collide.Statements(rand.New(rand.NewPCG(7, 7)), all, 4)
	if len(renamed) < 1000 {
		t.Fatalf("only %d statements", len(renamed))
	}
	for _, seed := range rotation.Pick(t, 4, numbers(3000)) {
		random := rand.New(rand.NewPCG(seed, 11))
		c := catalog.New()
		var done []string
		for range 60 {
			s := renamed[random.IntN(len(renamed))]
			before := c
			done = append(done, s.SQL)
			func() {
				defer func() {
					if r := recover(); r != nil {
						t.Fatalf("seed %d: %v\n%s\n%s", seed, r, strings.Join(done, "\n"), debug.Stack())
					}
				}()
				c, _ = c.Apply(s.Node, s.SQL)
				for _, d := range catalog.Diff(before, c) {
					d.Words()
				}
			}()
			if sane(t, c); t.Failed() {
				t.Fatalf("seed %d, after %s\n%s", seed, strings.Join(done, "\n"), before)
			}
		}
	}
}

// FuzzApply folds whatever parses: it must not panic, and leave a sane catalog.
func FuzzApply(f *testing.F) {
	for _, sql := range sources(f) {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 20_000 {
			return
		}
		file, err := pgparse.SplitText(sql)
		if err != nil {
			return
		}
		c := catalog.New()
		for _, s := range file.Stmts {
			if s.Node == nil {
				continue
			}
			before := c
			c, _ = c.Apply(s.Node, sql[s.Start:s.End])
			for _, d := range catalog.Diff(before, c) {
				d.Words()
			}
		}
		sane(t, c)
		_ = c.String()
	})
}
