package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// namesOf lists the names of relations.
func namesOf(list []*catalog.Relation) string {
	var out []string
	for _, r := range list {
		out = append(out, r.Name.Name)
	}
	return strings.Join(out, " ")
}

// parseOne parses a statement.
func parseOne(t *testing.T, sql string) *pgparse.Node {
	t.Helper()
	file, err := pgparse.SplitText(sql)
	if err != nil || len(file.Stmts) != 1 || file.Stmts[0].Err != nil {
		t.Fatalf("parse %q as one statement: %v", sql, err)
	}
	return file.Stmts[0].Node
}

// TestPublicationsOfTable: which publications have a table, which leave it out, and whether it has a replica identity: without one, server 18
// refuses an UPDATE of a published table.
func TestPublicationsOfTable(t *testing.T) {
	t.Parallel()
	const schema = "CREATE TABLE t (id int PRIMARY KEY, x int NOT NULL UNIQUE); CREATE SCHEMA app; CREATE TABLE app.u (id int); " +
		"CREATE UNLOGGED TABLE quick (id int); " +
		"CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (1) TO (9); " +
		"CREATE VIEW v AS TABLE t; " +
		"CREATE TABLE late (id int PRIMARY KEY DEFERRABLE); CREATE TABLE full_rows (id int); ALTER TABLE full_rows REPLICA IDENTITY FULL; " +
		"CREATE TABLE by_index (id int PRIMARY KEY); ALTER TABLE by_index REPLICA IDENTITY NOTHING; ALTER TABLE t REPLICA IDENTITY USING INDEX t_x_key; " +
		"CREATE TABLE keyed (id int PRIMARY KEY); ALTER TABLE guessed ADD COLUMN a int; ALTER TABLE parts REPLICA IDENTITY FULL; "
	for publications, want := range map[string]string{
		"":                                 "",
		"CREATE PUBLICATION p FOR TABLE t": "t: p",
		"CREATE PUBLICATION p FOR TABLE parts; CREATE PUBLICATION o FOR TABLE part1": "part1: o p, parts: p",
		"CREATE PUBLICATION p FOR TABLES IN SCHEMA app":                              "u: p",
		"CREATE PUBLICATION p FOR TABLES IN SCHEMA app, CURRENT_SCHEMA": "" +
			"by_index: p, full_rows: p, guessed: p, keyed: p, late: p, part1: p, parts: p, t: p, u: p",
		"CREATE PUBLICATION p FOR TABLE t, app.u; ALTER PUBLICATION p DROP TABLE t":                             "u: p",
		"CREATE PUBLICATION p FOR TABLE t, TABLES IN SCHEMA app; ALTER PUBLICATION p DROP TABLES IN SCHEMA app": "t: p",
		"CREATE PUBLICATION p FOR TABLE t; ALTER PUBLICATION p SET TABLE app.u; DROP TABLE app.u":               "",
		"CREATE PUBLICATION p FOR ALL TABLES": "" +
			"by_index: p, full_rows: p, guessed: p, keyed: p, late: p, part1: p, parts: p, t: p, u: p",
		"CREATE PUBLICATION p FOR ALL TABLES EXCEPT (TABLE parts, guessed); CREATE PUBLICATION q FOR ALL TABLES EXCEPT (TABLE t)": "by_index: p q, " +
			"full_rows: p q, guessed: q not p, keyed: p q, late: p q, part1: q not p, parts: q not p, t: p not q, u: p q",
	} {
		c, problems := apply(t, catalog.New(), schema+publications)
		if problems != "" {
			t.Fatalf("apply %q: it has problems:\n%s", publications, problems)
		}
		var got []string
		c.EachRelation(func(r *catalog.Relation) bool {
			text := ""
			for _, o := range c.ListPublications(r) {
				text += " " + o.Name.Name
			}
			for _, o := range c.ListExceptions(r) {
				text += " not " + o.Name.Name
			}
			if text != "" {
				got = append(got, r.Name.Name+":"+text)
			}
			return true
		})
		slices.Sort(got)
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("publications by table after %q (-want +got):\n%s", publications, diff)
		}
		if c.HasPublications() != (publications != "") {
			t.Errorf("%s: there may be publications: %t", publications, c.HasPublications())
		}
	}
	c, _ := apply(t, catalog.New(), schema)
	for name, want := range map[string]bool{
		"t": true, "app.u": false, "parts": true, "part1": true, "late": false, "full_rows": true, "by_index": false, "keyed": true, "guessed": true,
	} {
		space, base, found := strings.Cut(name, ".")
		if !found {
			space, base = "public", name
		}
		if got := c.Lookup(space, base).HasReplicaIdentity(); got != want {
			t.Errorf("%s: it has a replica identity: %t", name, got)
		}
	}
	c, _ = apply(t, catalog.New(), "CREATE PUBLICATION a WITH (publish = 'insert, truncate'); CREATE PUBLICATION b; "+
		"CREATE PUBLICATION c WITH (publish = '')")
	for name, want := range map[string]string{"a": "insert truncate", "b": "insert update delete truncate", "c": ""} {
		var got []string
		for _, action := range []string{"insert", "update", "delete", "truncate"} {
			if c.Object("publication", catalog.Name{Name: name}).SendsAction(action) {
				got = append(got, action)
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("actions that publication %s sends (-want +got):\n%s", name, diff)
		}
	}
}

// TestRelatedRelations: what hangs on a table.
func TestRelatedRelations(t *testing.T) {
	t.Parallel()
	c, problems := apply(t, catalog.New(), `
		CREATE TYPE mood AS ENUM ('a'); CREATE TYPE pair AS (a int, m mood); CREATE DOMAIN small AS int CHECK (VALUE < 9); CREATE DOMAIN smaller AS small;
		CREATE TABLE base (id serial PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY, m mood, d smaller, EXCLUDE USING btree (n WITH =));
		CREATE UNIQUE INDEX base_n ON base (n); CREATE UNIQUE INDEX base_some ON base (m) WHERE n > 1; CREATE UNIQUE INDEX base_two ON base (n, m);
		CREATE INDEX base_d ON base (d);
		CREATE TABLE kid () INHERITS (base); CREATE TABLE grandkid () INHERITS (kid);
		CREATE TABLE parts (id int, a int, b int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
		CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (1) TO (9) PARTITION BY RANGE (id);
		CREATE TABLE part2 PARTITION OF part1 FOR VALUES FROM (1) TO (2);
		CREATE INDEX parts_a ON parts (a);
		ALTER TABLE parts ADD CONSTRAINT to_base FOREIGN KEY (a) REFERENCES base;
		CREATE TABLE refs (p int REFERENCES parts, q int REFERENCES parts (id), r int REFERENCES base);
		ALTER TABLE part2 ADD CONSTRAINT alone FOREIGN KEY (b) REFERENCES base`)
	if problems != "" {
		t.Fatalf("the test's schema has problems:\n%s", problems)
	}
	find := func(name string) *catalog.Relation { return c.Lookup("public", name) }
	base, parts, part1, part2 := find("base"), find("parts"), find("part1"), find("part2")
	check := func(label, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", label, got, want)
		}
	}
	check("indexes", namesOf(c.IndexesOf(base)), "base_pkey base_n_excl base_n base_some base_two base_d")
	check("children", namesOf(c.ListChildren(base)), "kid")
	check("tree", namesOf(c.ListTree(base, true)), "base kid grandkid")
	check("tree alone", namesOf(c.ListTree(base, false)), "base")
	check("partitions", namesOf(c.ListTree(parts, true)), "parts part1 part2")
	check("no children", namesOf(c.ListTree(part2, true)), "part2")
	check("sequences", namesOf(c.SequencesOf(base)), "base_id_seq base_n_seq")
	if !base.HasKids() || !parts.HasKids() || part2.HasKids() {
		t.Error("what has children")
	}
	if i := c.IndexNamed(base, "base_n"); i == nil || c.TableOf(i) != base || c.ParentIndex(i) != nil || base.IsExclusionIndex(i) {
		t.Errorf("index base_n: %v", i)
	}
	if c.IndexNamed(base, "parts_a") != nil || c.TableOf(base) != nil || c.ParentIndex(base) != nil || base.IsExclusionIndex(base) {
		t.Error("a table is no index")
	}
	if !base.IsExclusionIndex(find("base_n_excl")) || base.IsExclusionIndex(find("base_pkey")) {
		t.Error("the exclusion constraint's index")
	}
	if child := find("part1_a_idx"); child == nil || c.ParentIndex(child) != find("parts_a") {
		t.Errorf("the partition's index %v", child)
	}
	unique := ""
	for _, col := range base.Columns {
		if c.UniqueAlone(base, col.Attnum) {
			unique += " " + col.Name
		}
	}
	check("unique alone", unique, " id n")
	references := func(r *catalog.Relation, withAncestors bool) string {
		var out []string
		for _, x := range c.ListReferences(r, withAncestors) {
			out = append(out, x.From.Name.Name+"."+x.Con.Name)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	check("references", references(parts, true), "refs.refs_p_fkey refs.refs_q_fkey")
	check("references of a partition", references(part2, false), "")
	check("references above a partition", references(part2, true), "refs.refs_p_fkey refs.refs_q_fkey")
	check("references to base", references(base, false), "part1.to_base part2.alone part2.to_base parts.to_base refs.refs_r_fkey")
	for _, r := range []*catalog.Relation{part1, part2} {
		if table, key := c.ClonedKey(r, r.Constraint("to_base")); table != parts || key != parts.Constraint("to_base") {
			t.Errorf("%s: the key is cloned from %v", r.Name, table)
		}
	}
	if table, key := c.ClonedKey(part2, part2.Constraint("alone")); table != nil || key != nil {
		t.Errorf("a key of its own is cloned from %v", table)
	}
	typed := func(name string) string {
		var out []string
		c.EachOfType(c.LookupType("public", name).OID, func(r *catalog.Relation, col *catalog.Column) { out = append(out, r.Name.Name+"."+col.Name) })
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	check("columns of mood", typed("mood"), "base.m grandkid.m kid.m pair.m")
	check("columns of smaller", typed("smaller"), "base.d grandkid.d kid.d")
	c.EachOfType(0, func(r *catalog.Relation, col *catalog.Column) { t.Errorf("type 0: %s.%s", r.Name, col.Name) })
	if c.CompositeOf(find("pair")) != c.LookupType("public", "pair") || c.CompositeOf(base) != nil {
		t.Error("the composite type")
	}
	check("the type that clients see", c.WireType(base.Column("d").Type).String(), "integer")
	check("the type that clients see of an enum", c.WireType(base.Column("m").Type).String(), "mood")
	text := c.DescribeRelation(parts)
	check("columns", strings.Join(text.Columns, "; "), "id integer, not null; a integer, nullable; b integer, nullable")
	check("constraints", strings.Join(text.Constraints, "; "), "primary key parts_pkey on (id); foreign key to_base: a → base (id)")
	check("index texts", strings.Join(c.DescribeRelation(base).Indexes, "; "),
		"unique base_n on (n); unique base_some on (m) where n > 1; unique base_two on (n, m); base_d on (d)")
}

// TestReplacedColumns: of a column whose name another one has taken, the new column is compared with the old one.
func TestReplacedColumns(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"ALTER TABLE t ADD COLUMN z int": "t: adds column z integer, nullable",
		"ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN a bigint NOT NULL DEFAULT 1": "" +
			"t: drops column a integer; t: column a becomes bigint (was integer) (replaced); t: column a is now NOT NULL (replaced); " +
			"t: column a has default 1 (replaced); t: adds column a bigint, default 1, not null",
		"ALTER TABLE t RENAME COLUMN a TO old_a; ALTER TABLE t RENAME COLUMN b TO a": "" +
			"t: column a is now old_a; t: column a becomes text (was integer) (replaced); " +
			"t: column a has default 'x' (replaced); t: column b is now a",
		"ALTER TABLE t RENAME COLUMN a TO tmp; ALTER TABLE t RENAME COLUMN b TO a; ALTER TABLE t RENAME COLUMN tmp TO b": "" +
			"t: column a is now b; t: column a becomes text (was integer) (replaced); " +
			"t: column a has default 'x' (replaced); t: column b is now a; " +
			"t: column b becomes integer (was text) (replaced); t: column b has no default any more (was 'x') (replaced)",
		"ALTER TABLE t RENAME COLUMN a TO old_a; ALTER TABLE t ADD COLUMN a int; ALTER TABLE t ALTER COLUMN c TYPE bigint": "" +
			"t: column a is now old_a; t: column c becomes bigint (was integer); t: adds column a integer, nullable",
		"CREATE OR REPLACE VIEW v AS SELECT b AS a FROM t; DROP TABLE u": "v: replaces the query of the view; u: drops table u",
	} {
		before, _ := apply(t, catalog.New(), "CREATE TABLE t (a int, b text DEFAULT 'x', c int); CREATE TABLE u (a int); CREATE VIEW v AS SELECT b AS a FROM t")
		after, problems := apply(t, before, sql)
		var got []string
		list := catalog.ByName(catalog.Diff(before, after))
		for i := range list {
			w := list[i].Words()
			text := w.Object + ": " + w.Text
			if list[i].IsColumnReplaced() {
				text += " (replaced)"
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(want, strings.Join(got, "; ")+problems); diff != "" {
			t.Errorf("Diff after %q (-want +got):\n%s", sql, diff)
		}
	}
}

// TestOuterColumn: a sub-query of IN that takes a column of the statement's own table, as the server does.
func TestOuterColumn(t *testing.T) {
	t.Parallel()
	c, _ := apply(t, catalog.New(), "CREATE TABLE t (id int, user_id int); CREATE TABLE users (id int, name text)")
	for sql, want := range map[string]string{
		"DELETE FROM t WHERE user_id IN (SELECT user_id FROM users)":                                     "user_id of users",
		"UPDATE t SET id = 1 WHERE NOT user_id IN (SELECT user_id FROM users)":                           "user_id of users, not in",
		"DELETE FROM t WHERE id > 1 AND user_id NOT IN (SELECT user_id FROM users)":                      "user_id of users, not in",
		"DELETE FROM t WHERE user_id = ANY (SELECT user_id FROM users u)":                                "user_id of users",
		"DELETE FROM t WHERE user_id IN (SELECT id FROM users)":                                          "",
		"DELETE FROM t WHERE user_id IN (SELECT t.user_id FROM users)":                                   "",
		"DELETE FROM t WHERE user_id IN (SELECT nobody FROM users)":                                      "",
		"DELETE FROM t WHERE user_id IN (SELECT user_id FROM nowhere)":                                   "",
		"DELETE FROM t WHERE user_id IN (SELECT user_id FROM users, t x)":                                "",
		"DELETE FROM t WHERE user_id IN (SELECT user_id FROM users u (user_id))":                         "",
		"DELETE FROM t WHERE user_id IN (SELECT user_id FROM users UNION SELECT 1)":                      "",
		"DELETE FROM t WHERE user_id IN (WITH users AS (SELECT 1 AS user_id) SELECT user_id FROM users)": "",
		"DELETE FROM t WHERE EXISTS (SELECT user_id FROM users)":                                         "",
		"DELETE FROM t USING users x WHERE user_id IN (SELECT user_id FROM users)":                       "",
		"UPDATE t SET id = 1": "",
	} {
		column, inner, negated := c.OuterColumn(pgparse.Unwrap(parseOne(t, sql)), c.Lookup("", "t"))
		got := column
		if inner != nil {
			got += " of " + inner.Name.Name
		}
		if negated {
			got += ", not in"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}
