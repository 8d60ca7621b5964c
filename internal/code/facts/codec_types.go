package facts

// codeFields encodes or decodes the facts: one order serves both.
func (f *Facts) codeFields(c *codec) {
	codeList(c, &f.Queries, func(q *Query) { q.codeFields(c) })
	codeList(c, &f.Models, func(m *Model) { m.codeFields(c) })
	codeList(c, &f.Calls, func(x *Call) {
		c.codeStrings(&x.Table, &x.Constant, &x.Class)
		c.codeInt(&x.Line)
		c.codeHow(&x.How)
		codeList(c, &x.Words, c.codeWord)
	})
	codeList(c, &f.Constants, func(x *ConstantText) {
		c.codeStrings(&x.Name, &x.Text, &x.Alias)
	})
	codeList(c, &f.Strings, func(s *String) {
		c.codeMark(&s.Mark)
		c.codeInt(&s.Line)
	})
	codeList(c, &f.Enums, func(e *Enum) {
		c.codeString(&e.Class)
		c.codeInt(&e.Line)
		codeList(c, &e.Labels, func(l *Label) {
			c.codeStrings(&l.Name, &l.Text)
			c.codeInt(&l.Line)
		})
	})
	codeList(c, &f.Types, c.codePlace)
	codeList(c, &f.Upserts, func(u *MapperUpsert) { u.codeFields(c) })
	codeList(c, &f.Settings, c.codePlace)
	codeList(c, &f.Compares, c.codeInt)
	codeList(c, &f.Builds, c.codeInt)
	codeList(c, &f.AllColumnsQueries, func(s *AllColumnsQuery) { s.codeFields(c) })
	c.codeBools(&f.Sqlx, &f.Lax, &f.OtherDatabase)
	codeList(c, &f.Structs, func(s *Struct) {
		c.codeString(&s.Class)
		c.codeInt(&s.Line)
		codeList(c, &s.Fields, c.codeWord)
		codeList(c, &s.Bases, c.codeBase)
	})
	codeList(c, &f.Rows, func(m *Model) { m.codeFields(c) })
	codeList(c, &f.Prefixes, func(p *Prefix) {
		c.codeStrings(&p.Module, &p.Text)
	})
	codeList(c, &f.PHPClasses, func(x *PHPClass) { x.codeFields(c) })
}

func (s *AllColumnsQuery) codeFields(c *codec) {
	c.codeRelation(&s.Relation)
	c.codeString(&s.As)
	c.codeInt(&s.Others)
	c.codeBools(&s.Exact, &s.Fitting, &s.Sqlx)
	codeList(c, &s.Scans, c.codeInt)
}

func (q *Query) codeFields(c *codec) {
	c.codeInt(&q.Line)
	c.codeBool(&q.Open)
	codeList(c, &q.Relations, c.codeRelation)
	codeList(c, &q.Columns, func(x *Column) {
		c.codeString(&x.Name)
		c.codeInt(&x.Line)
		c.codeHow(&x.How)
		codeList(c, &x.Of, func(n *int) { q.codeSource(c, n) })
	})
	codeList(c, &q.Writes, func(w *Write) {
		q.codeSource(c, &w.Relation)
		c.bad = c.bad || w.Relation < 0
		c.codeHow(&w.How)
		c.codeInt(&w.Line)
		c.codeBool(&w.Listed)
		c.codeInts(&w.Values, &w.From)
		c.bad = c.bad || w.From < 0 || w.From > len(q.Relations)
		codeList(c, &w.Columns, func(g *Given) {
			c.codeStrings(&g.Column, &g.Value)
			c.codeBool(&g.Constant)
		})
	})
	codeList(c, &q.Functions, func(f *FunctionCall) {
		c.codeRelation(&f.Relation)
		c.codeInt(&f.Args)
	})
	codeList(c, &q.Types, c.codeRelation)
	codeList(c, &q.Collations, c.codeRelation)
	codeList(c, &q.TextSearches, c.codeRelation)
	codeList(c, &q.Constants, func(x *Constant) {
		c.codeString(&x.Text)
		c.codeInt(&x.Line)
		c.codeString(&x.Column)
		codeList(c, &x.Of, func(n *int) { q.codeSource(c, n) })
		c.codeStrings(&x.Schema, &x.Type, &x.Function)
	})
	codeList(c, &q.Constraints, c.codePlace)
	codeList(c, &q.Upserts, func(u *Upsert) {
		q.codeSource(c, &u.Relation)
		c.codeInt(&u.Line)
		c.codeTarget(&u.Target)
	})
	c.codeBools(&q.Compares, &q.Whole)
	c.codeString(&q.Row)
	codeEnum(c, &q.Picks)
	c.codeRelation(&q.Routine)
}

// codeSource encodes or decodes an index into the relations of a query, or a special value of
// Column.Of.
func (q *Query) codeSource(c *codec, n *int) {
	offset := *n - NextLevel
	c.codeInt(&offset)
	*n = offset + NextLevel
	c.bad = c.bad || *n >= len(q.Relations)
}

func (m *Model) codeFields(c *codec) {
	c.codeStrings(&m.Schema, &m.Table, &m.Class, &m.Constant)
	c.codeInt(&m.Line)
	c.codeBools(&m.All, &m.Row, &m.Put, &m.Guessed, &m.Base, &m.Derived, &m.Names)
	c.codeString(&m.Scope)
	codeList(c, &m.Bases, c.codeBase)
	codeList(c, &m.Without, c.codePlace)
	codeList(c, &m.Fields, func(f *Field) {
		c.codeStrings(&f.Field, &f.Column, &f.Constant)
		c.codeInt(&f.Line)
		c.codeBool(&f.Left)
		codeEnum(c, &f.Null)
		codeEnum(c, &f.Default)
	})
}

func (u *MapperUpsert) codeFields(c *codec) {
	c.codeInt(&u.Line)
	c.codeTarget(&u.Target)
	c.codeStrings(&u.Model, &u.Table)
	c.codeBools(&u.Keeper, &u.Fields, &u.Own)
	codeList(c, &u.Words, c.codeMark)
}

func (c *codec) codeTarget(t *Target) {
	codeList(c, &t.Columns, c.codeString)
	c.codeString(&t.Constraint)
	c.codeBools(&t.Open, &t.Where)
}

func (c *codec) codeRelation(r *Relation) {
	c.codeStrings(&r.Schema, &r.Name)
	c.codeInt(&r.Line)
	c.codeHow(&r.How)
}

func (c *codec) codePlace(p *Place) {
	c.codeString(&p.Name)
	c.codeInt(&p.Line)
}

func (c *codec) codeWord(w *Word) {
	c.codeMark(&w.Mark)
	c.codeInt(&w.Line)
}

func (c *codec) codeBase(b *Base) {
	c.codeStrings(&b.Name, &b.Prefix)
}
