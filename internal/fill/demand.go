package fill

import (
	"context"
	"slices"
	"strings"
)

// Demand is a condition that a release makes on existing rows, and that the schema
// under which they were written does not make.
type Demand struct {
	Kind DemandKind
	// Table and Columns are their names in the base; Table is qualified.
	Table   string
	Columns []string
	// Name is the name of the constraint or the index. For a column that becomes NOT
	// NULL or changes its type, it is the column's name after the release.
	Name string
	// Condition must be true for every row. It uses the columns of the base, and comes
	// from a CHECK, a domain, or the bounds of a partition.
	Condition string
	// Keys are columns and expressions that must be unique among the rows for which
	// Where is true; an empty Where means all rows.
	Keys  []string
	Where string
	// Nullable are the keys that can be NULL. NULLs are never equal.
	Nullable []string
	// Refers and Target are the table and the columns that a foreign key refers to.
	Refers string
	Target []string
	// Type is the column's new type, Most the maximum length of its texts (0: none),
	// Labels its only values.
	Type   string
	Most   int
	Labels []string
	// Low and High are the bounds of a narrower integer type; both are 0 for none.
	Low, High int64
	// Now is the name of the table after the release.
	Now string

	plain   string // the condition in the server's form
	value   bool   // it belongs to a domain: VALUE means the column
	exclude bool
	partial bool
	pairs   [][2]string // tsrange(a, b) in an exclusion
	full    bool        // MATCH FULL
	as      *typ        // the new type and its modifier
	typmod  int32
}

// DemandKind is the kind of a demand.
type DemandKind int

// The kinds of demands.
const (
	// Required is a column that becomes NOT NULL.
	Required DemandKind = iota
	// Holds is a condition on each row.
	Holds
	// Differs is a unique key.
	Differs
	// Refers is a foreign key.
	Refers
	// Becomes is a new type that cannot hold every value of the old one.
	Becomes
)

// Shape holds the constraints that a database has on its rows.
type Shape struct{ schema *schema }

// Read reads the constraints of a database. url connects as the owner of the tables.
func Read(ctx context.Context, url string) (*Shape, error) {
	conn, err := openSession(ctx, url)
	if err != nil {
		return nil, err
	}
	defer closeSession(ctx, conn)
	s, err := readSchema(ctx, conn)
	if err != nil {
		return nil, err
	}
	return &Shape{s}, nil
}

// ListDemands returns what head requires of rows of base that base does not require. Both
// are the same database, before and after a release, so that tables and columns keep
// their OIDs and attribute numbers when they are renamed.
func (base *Shape) ListDemands(head *Shape) []*Demand {
	var out []*Demand
	for _, t := range base.schema.tables {
		if now := head.schema.byOID[t.oid]; now != nil {
			c := comparison{base: base.schema, head: head.schema, was: t, now: now}
			out = append(out, c.listDemands()...)
			continue
		}
		root := head.schema.leafOf[t.oid]
		if root == nil {
			continue
		}
		for _, l := range root.leaves { // it was attached
			if l.oid == t.oid && l.constraint != "" {
				d := &Demand{Kind: Holds, Table: t.name(), Now: l.schema + "." + l.rel, Name: l.rel, Condition: l.constraint, plain: l.constraint}
				for _, c := range t.columns {
					if strings.Contains(l.constraint, c.name) {
						d.Columns = append(d.Columns, c.name)
					}
				}
				out = append(out, d)
			}
		}
	}
	return out
}

// comparison finds what a table requires that it did not require before.
type comparison struct {
	base, head *schema
	was, now   *table
	out        []*Demand
}

func (c *comparison) listDemands() []*Demand {
	for _, n := range c.now.columns {
		if w := c.oldColumn(n.index); w != nil {
			c.compareColumn(w, n)
		}
	}
	for _, k := range c.now.checks {
		columns, known := c.oldColumnNames(k.columns)
		if known && len(columns) > 0 && !slices.ContainsFunc(c.was.checks, func(o *check) bool { return o.sql == k.sql }) {
			c.addDemand(&Demand{Kind: Holds, Name: k.name, Columns: columns, Condition: c.rewriteCondition(k.columns, k.sql), plain: k.sql})
		}
	}
	for _, k := range c.now.keys {
		columns, known := c.oldColumnNames(k.columns)
		if !known || len(columns) == 0 && !k.exclude || slices.ContainsFunc(c.was.keys, func(o *key) bool {
			return o.exclude == k.exclude && slices.Equal(o.texts, k.texts) && o.where == k.where && slices.Equal(o.columns, k.columns)
		}) {
			continue
		}
		d := &Demand{Kind: Differs, Name: k.name, Columns: columns, Keys: k.texts, Where: k.where, exclude: k.exclude, partial: k.partial, pairs: k.pairs}
		for _, i := range k.columns {
			if !c.oldColumn(i).notNull {
				d.Nullable = append(d.Nullable, c.oldColumn(i).name)
			}
		}
		c.addDemand(d)
	}
	for _, r := range c.now.refs {
		c.addReferenceDemand(r)
	}
	return c.out
}

func (c *comparison) addDemand(d *Demand) {
	d.Table, d.Now = c.was.name(), c.now.name()
	c.out = append(c.out, d)
}

// oldColumn returns a column of the table as it was before the release; nil if the release
// has added it.
func (c *comparison) oldColumn(i int) *column {
	return c.was.findColumnByNumber(c.now.columns[i].num)
}

func (t *table) findColumnByNumber(num int16) *column {
	for _, o := range t.columns {
		if o.num == num {
			return o
		}
	}
	return nil
}

// oldColumnNames returns the old names of columns; known: they existed before.
func (c *comparison) oldColumnNames(list []int) (names []string, known bool) {
	for _, i := range list {
		if i < 0 || c.oldColumn(i) == nil {
			return nil, false
		}
		names = append(names, c.oldColumn(i).name)
	}
	return names, true
}

// rewriteCondition rewrites a condition on the current columns for the old names and types.
func (c *comparison) rewriteCondition(columns []int, sql string) string {
	isUnchanged := true
	var list []string
	for _, i := range columns {
		w, n := c.oldColumn(i), c.now.columns[i]
		text := quoteIdent(w.name)
		if w.typeText != n.typeText {
			isUnchanged, text = false, text+"::"+n.typeText
		}
		isUnchanged = isUnchanged && w.name == n.name
		list = append(list, text+" AS "+quoteIdent(n.name))
	}
	if isUnchanged {
		return sql
	}
	return "(SELECT " + sql + " FROM (SELECT " + strings.Join(list, ", ") + ") AS v)"
}

func (c *comparison) addReferenceDemand(r *ref) {
	columns, known := c.oldColumnNames(r.columns)
	to := c.base.byOID[r.table.oid]
	if !known || to == nil || slices.Contains(r.target, -1) {
		return
	}
	d := &Demand{Kind: Refers, Name: r.name, Columns: columns, Refers: to.name(), full: r.full}
	for _, i := range r.target {
		o := to.findColumnByNumber(r.table.columns[i].num)
		if o == nil {
			return
		}
		d.Target = append(d.Target, o.name)
	}
	if !slices.ContainsFunc(c.was.refs, func(o *ref) bool {
		names := c.was.columnNames(o.columns)
		targets := o.table.columnNames(o.target)
		return o.table == to && slices.Equal(names, columns) && slices.Equal(targets, d.Target)
	}) {
		c.addDemand(d)
	}
}

// columnNames returns the names of columns; nil if one has none.
func (t *table) columnNames(list []int) (out []string) {
	for _, i := range list {
		if i < 0 {
			return nil
		}
		out = append(out, t.columns[i].name)
	}
	return out
}

// compareColumn finds what a column newly requires: a value in every row, another type, the
// conditions of a domain.
func (c *comparison) compareColumn(w, n *column) {
	if n.notNull && !w.notNull {
		c.addDemand(&Demand{Kind: Required, Name: n.name, Columns: []string{w.name}})
	}
	old := map[string]bool{}
	for d := c.base.types[w.typ]; d != nil && d.kind == 'd'; d = c.base.types[d.base] {
		for _, def := range d.checks {
			old[unwrapCheck(def)] = true
		}
	}
	for d := c.head.types[n.typ]; d != nil && d.kind == 'd'; d = c.head.types[d.base] {
		if d.notNull && !c.base.isNotNullDomain(w.typ) && !w.notNull {
			c.addDemand(&Demand{Kind: Required, Name: n.name, Columns: []string{w.name}})
		}
		for _, def := range d.checks {
			if sql := unwrapCheck(def); !old[sql] {
				base, typmod := c.head.resolveDomain(n.typ, n.typmod)
				c.addDemand(&Demand{Kind: Holds, Name: d.name, Columns: []string{w.name}, plain: sql, value: true,
					Condition: "(SELECT " + sql + " FROM (SELECT " + quoteIdent(w.name) + "::" + formatBuiltin(base, typmod) + " AS value) AS v)"})
			}
		}
	}
	if d := c.typeChangeDemand(w, n); d != nil {
		c.addDemand(d)
	}
}

// isNotNullDomain reports whether a domain is NOT NULL.
func (s *schema) isNotNullDomain(oid uint32) bool {
	for d := s.types[oid]; d != nil && d.kind == 'd'; d = s.types[d.base] {
		if d.notNull {
			return true
		}
	}
	return false
}

// formatBuiltin returns the name of a built-in type, without asking the server.
func formatBuiltin(t *typ, _ int32) string { return quoteIdent(t.schema) + "." + quoteIdent(t.name) }

// integers are the bounds of types into which values of another type may not fit.
var integers = map[string][2]int64{"int2": {-1 << 15, 1<<15 - 1}, "int4": {-1 << 31, 1<<31 - 1}, "int8": {-1 << 62, 1 << 62}}

// typeChangeDemand returns the demand of a change of type. It is nil if the new type can hold
// every value, or if that is unknown.
func (c *comparison) typeChangeDemand(w, n *column) *Demand {
	oldType, oldMod := c.base.resolveDomain(w.typ, w.typmod)
	newType, mod := c.head.resolveDomain(n.typ, n.typmod)
	if oldType == nil || newType == nil || oldType.oid == newType.oid && oldMod == mod {
		return nil
	}
	d := &Demand{Kind: Becomes, Name: n.name, Columns: []string{w.name}, Type: n.typeText, as: newType, typmod: mod}
	from, to := integers[oldType.name], integers[newType.name]
	switch {
	case oldType.category == 'S' && newType.category == 'S':
		if mod < 4 || newType.name == "text" || oldMod >= 4 && oldMod <= mod {
			return nil
		}
		d.Most = int(mod) - 4
	case oldType.kind == 'e' && newType.kind == 'e':
		d.as, d.Labels = nil, newType.labels
		if !slices.ContainsFunc(oldType.labels, func(l string) bool { return !slices.Contains(newType.labels, l) }) {
			return nil
		}
	case oldType.category == 'S' && newType.category != 'A':
		d.Labels = newType.labels
	case from[1] > to[1] && to[1] > 0:
		d.Low, d.High = to[0], to[1]
	default:
		return nil
	}
	return d
}
