package fill

import (
	"context"
	"slices"
	"strings"
)

// Demand is a condition that a release makes on rows that were there before it, and
// that the schema they were written under does not make.
type Demand struct {
	Kind DemandKind
	// Table and Columns are what the base calls them; Table is qualified.
	Table   string
	Columns []string
	// Name is the constraint's or the index's; of a column that becomes required
	// or changes its type, the column's own after the release.
	Name string
	// Condition, over the columns of the base, holds for every row: of a CHECK, a domain,
	// the bounds of a partition.
	Condition string
	// Keys are the columns and expressions that no two rows agree in, among those
	// for which Where holds; "" is all.
	Keys  []string
	Where string
	// Nullable are those that take NULL, in which rows never agree.
	Nullable []string
	// Refers and Target are the table and the columns that a foreign key refers to.
	Refers string
	Target []string
	// Type is what the column becomes, Most the longest text that it takes then (0: any
	// length), Labels the only values.
	Type   string
	Most   int
	Labels []string
	// Low and High bound a narrower integer; both are 0 for none.
	Low, High int64
	// Now is what the release calls the table.
	Now string

	plain   string // the condition as the server has it
	value   bool   // it is a domain's: VALUE stands for the column
	exclude bool
	partial bool
	pairs   [][2]string
	full    bool // MATCH FULL
	as      *typ
	typmod  int32
}

// DemandKind is what a demand is about.
type DemandKind int

// The kinds of demands.
const (
	// Required is a column that takes no NULL any more.
	Required DemandKind = iota
	// Holds is a condition on each row.
	Holds
	// Differs is a key.
	Differs
	// Refers is a foreign key.
	Refers
	// Becomes is another type, which not every value of the old one has.
	Becomes
)

// Shape is what a database asks of its rows.
type Shape struct{ schema *schema }

// Read reads what a database asks of its rows. url connects as the owner of the tables.
func Read(ctx context.Context, url string) (*Shape, error) {
	conn, err := open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer shut(ctx, conn)
	s, err := readSchema(ctx, conn)
	if err != nil {
		return nil, err
	}
	return &Shape{s}, nil
}

// Demands are what head asks of rows of base that base does not: both are of one
// database, before a release and after it, in which tables and columns keep their
// numbers through every change of name.
func (base *Shape) Demands(head *Shape) []*Demand {
	var out []*Demand
	for _, t := range base.schema.tables {
		if now := head.schema.byOID[t.oid]; now != nil {
			c := comparison{base: base.schema, head: head.schema, was: t, now: now}
			out = append(out, c.demands()...)
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

// comparison finds what one table asks for that it did not.
type comparison struct {
	base, head *schema
	was, now   *table
	out        []*Demand
}

func (c *comparison) demands() []*Demand {
	for _, n := range c.now.columns {
		if w := c.before(n.index); w != nil {
			c.column(w, n)
		}
	}
	for _, k := range c.now.checks {
		columns, known := c.columns(k.columns)
		if known && len(columns) > 0 && !slices.ContainsFunc(c.was.checks, func(o *check) bool { return o.sql == k.sql }) {
			c.add(&Demand{Kind: Holds, Name: k.name, Columns: columns, Condition: c.condition(k.columns, k.sql), plain: k.sql})
		}
	}
	for _, k := range c.now.keys {
		columns, known := c.columns(k.columns)
		if !known || len(columns) == 0 && !k.exclude || slices.ContainsFunc(c.was.keys, func(o *key) bool {
			return o.exclude == k.exclude && slices.Equal(o.texts, k.texts) && o.where == k.where && slices.Equal(o.columns, k.columns)
		}) {
			continue
		}
		d := &Demand{Kind: Differs, Name: k.name, Columns: columns, Keys: k.texts, Where: k.where, exclude: k.exclude, partial: k.partial, pairs: k.pairs}
		for _, i := range k.columns {
			if !c.before(i).notNull {
				d.Nullable = append(d.Nullable, c.before(i).name)
			}
		}
		c.add(d)
	}
	for _, r := range c.now.refs {
		c.reference(r)
	}
	return c.out
}

func (c *comparison) add(d *Demand) {
	d.Table, d.Now = c.was.name(), c.now.name()
	c.out = append(c.out, d)
}

// before is what a column of the table was; nil: it is the release's own.
func (c *comparison) before(i int) *column {
	return c.was.numbered(c.now.columns[i].num)
}

func (t *table) numbered(num int16) *column {
	for _, o := range t.columns {
		if o.num == num {
			return o
		}
	}
	return nil
}

// columns are the names that columns had; known: they had any.
func (c *comparison) columns(list []int) (names []string, known bool) {
	for _, i := range list {
		if i < 0 || c.before(i) == nil {
			return nil, false
		}
		names = append(names, c.before(i).name)
	}
	return names, true
}

// condition says a condition on the columns as they are in terms of what they were.
func (c *comparison) condition(columns []int, sql string) string {
	same := true
	var list []string
	for _, i := range columns {
		w, n := c.before(i), c.now.columns[i]
		text := quote(w.name)
		if w.typeText != n.typeText {
			same, text = false, text+"::"+n.typeText
		}
		same = same && w.name == n.name
		list = append(list, text+" AS "+quote(n.name))
	}
	if same {
		return sql
	}
	return "(SELECT " + sql + " FROM (SELECT " + strings.Join(list, ", ") + ") AS v)"
}

func (c *comparison) reference(r *ref) {
	columns, known := c.columns(r.columns)
	to := c.base.byOID[r.table.oid]
	if !known || to == nil || slices.Contains(r.target, -1) {
		return
	}
	d := &Demand{Kind: Refers, Name: r.name, Columns: columns, Refers: to.name(), full: r.full}
	for _, i := range r.target {
		o := to.numbered(r.table.columns[i].num)
		if o == nil {
			return
		}
		d.Target = append(d.Target, o.name)
	}
	if !slices.ContainsFunc(c.was.refs, func(o *ref) bool {
		names, _ := c.was.names(o.columns)
		targets, _ := o.table.names(o.target)
		return o.table == to && slices.Equal(names, columns) && slices.Equal(targets, d.Target)
	}) {
		c.add(d)
	}
}

// names are those of columns; known: of all.
func (t *table) names(list []int) (out []string, known bool) {
	for _, i := range list {
		if i < 0 {
			return nil, false
		}
		out = append(out, t.columns[i].name)
	}
	return out, true
}

// column finds what a column asks for: a value in every row, another type, the
// conditions of a domain.
func (c *comparison) column(w, n *column) {
	if n.notNull && !w.notNull {
		c.add(&Demand{Kind: Required, Name: n.name, Columns: []string{w.name}})
	}
	old := map[string]bool{}
	for d := c.base.types[w.typ]; d != nil && d.kind == 'd'; d = c.base.types[d.base] {
		for _, def := range d.checks {
			old[checkExpression(def)] = true
		}
	}
	for d := c.head.types[n.typ]; d != nil && d.kind == 'd'; d = c.head.types[d.base] {
		if d.notNull && !c.base.required(w.typ) && !w.notNull {
			c.add(&Demand{Kind: Required, Name: n.name, Columns: []string{w.name}})
		}
		for _, def := range d.checks {
			if sql := checkExpression(def); !old[sql] {
				base, typmod := c.head.resolved(n.typ, n.typmod)
				c.add(&Demand{Kind: Holds, Name: d.name, Columns: []string{w.name}, plain: sql, value: true,
					Condition: "(SELECT " + sql + " FROM (SELECT " + quote(w.name) + "::" + spelled(base, typmod) + " AS value) AS v)"})
			}
		}
	}
	if d := c.becomes(w, n); d != nil {
		c.add(d)
	}
}

// required reports whether a domain takes no NULL.
func (s *schema) required(oid uint32) bool {
	for d := s.types[oid]; d != nil && d.kind == 'd'; d = s.types[d.base] {
		if d.notNull {
			return true
		}
	}
	return false
}

// spelled is the name of a built-in type, which needs no server to be said.
func spelled(t *typ, _ int32) string { return quote(t.schema) + "." + quote(t.name) }

// integers are the bounds of types that another one's values may not fit into.
var integers = map[string][2]int64{"int2": {-1 << 15, 1<<15 - 1}, "int4": {-1 << 31, 1<<31 - 1}, "int8": {-1 << 62, 1 << 62}}

// becomes is the demand of a change of type; nil: every value has the new one, or which
// have it is not known.
func (c *comparison) becomes(w, n *column) *Demand {
	was, oldMod := c.base.resolved(w.typ, w.typmod)
	is, mod := c.head.resolved(n.typ, n.typmod)
	if was == nil || is == nil || was.oid == is.oid && oldMod == mod {
		return nil
	}
	d := &Demand{Kind: Becomes, Name: n.name, Columns: []string{w.name}, Type: n.typeText, as: is, typmod: mod}
	from, to := integers[was.name], integers[is.name]
	switch {
	case was.category == 'S' && is.category == 'S':
		if mod < 4 || is.name == "text" || oldMod >= 4 && oldMod <= mod {
			return nil
		}
		d.Most = int(mod) - 4
	case was.kind == 'e' && is.kind == 'e':
		d.as, d.Labels = nil, is.labels
		if !slices.ContainsFunc(was.labels, func(l string) bool { return !slices.Contains(is.labels, l) }) {
			return nil
		}
	case was.category == 'S' && is.category != 'A':
		d.Labels = is.labels
	case from[1] > to[1] && to[1] > 0:
		d.Low, d.High = to[0], to[1]
	default:
		return nil
	}
	return d
}
