package facts

// codeFields encodes or decodes the facts: one order serves both.
func (f *Facts) codeFields(c *codec) {
	codeList(c, &f.Queries, func(q *Query) { q.codeFields(c) })
	codeList(c, &f.Models, func(m *Model) { m.codeFields(c) })
	codeList(c, &f.Calls, func(x *Call) {
		c.codeString(&x.Table)
		c.codeString(&x.Constant)
		c.codeString(&x.Class)
		c.codeInt(&x.Line)
		c.codeHow(&x.How)
		codeList(c, &x.Words, c.codeWord)
	})
	codeList(c, &f.Constants, func(x *ConstantText) {
		c.codeString(&x.Name)
		c.codeString(&x.Text)
		c.codeString(&x.Alias)
	})
	codeList(c, &f.Strings, func(s *String) {
		c.codeMark(&s.Mark)
		c.codeInt(&s.Line)
	})
	codeList(c, &f.Enums, func(e *Enum) {
		c.codeString(&e.Class)
		c.codeInt(&e.Line)
		codeList(c, &e.Labels, func(l *Label) {
			c.codeString(&l.Name)
			c.codeString(&l.Text)
			c.codeInt(&l.Line)
		})
	})
	codeList(c, &f.Types, c.codePlace)
	codeList(c, &f.Upserts, func(u *MapperUpsert) { u.codeFields(c) })
	codeList(c, &f.Settings, c.codePlace)
	codeList(c, &f.Compares, c.codeInt)
	codeList(c, &f.Builds, c.codeInt)
	codeList(c, &f.AllColumnsQueries, func(s *AllColumnsQuery) { s.codeFields(c) })
	c.codeBool(&f.Sqlx)
	c.codeBool(&f.Lax)
	codeList(c, &f.Structs, func(s *Struct) {
		c.codeString(&s.Class)
		c.codeInt(&s.Line)
		codeList(c, &s.Fields, c.codeWord)
		codeList(c, &s.Bases, c.codeBase)
	})
	codeList(c, &f.Rows, func(m *Model) { m.codeFields(c) })
	codeList(c, &f.Prefixes, func(p *Prefix) {
		c.codeString(&p.Module)
		c.codeString(&p.Text)
	})
	codeList(c, &f.PHPClasses, func(x *PHPClass) { x.codeFields(c) })
}

func (s *AllColumnsQuery) codeFields(c *codec) {
	c.codeRelation(&s.Relation)
	c.codeString(&s.As)
	c.codeInt(&s.Others)
	c.codeBool(&s.Exact)
	c.codeBool(&s.Fitting)
	c.codeBool(&s.Sqlx)
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
		c.codeInt(&w.Values)
		c.codeInt(&w.From)
		c.bad = c.bad || w.From < 0 || w.From > len(q.Relations)
		codeList(c, &w.Columns, func(g *Given) {
			c.codeString(&g.Column)
			c.codeString(&g.Value)
			c.codeBool(&g.Constant)
		})
	})
	codeList(c, &q.Functions, c.codeRelation)
	codeList(c, &q.Types, c.codeRelation)
	codeList(c, &q.Constants, func(x *Constant) {
		c.codeString(&x.Text)
		c.codeInt(&x.Line)
		c.codeString(&x.Column)
		codeList(c, &x.Of, func(n *int) { q.codeSource(c, n) })
		c.codeString(&x.Schema)
		c.codeString(&x.Type)
		c.codeString(&x.Function)
	})
	codeList(c, &q.Constraints, c.codePlace)
	codeList(c, &q.Upserts, func(u *Upsert) {
		q.codeSource(c, &u.Relation)
		c.codeInt(&u.Line)
		c.codeTarget(&u.Target)
	})
	c.codeBool(&q.Compares)
	c.codeBool(&q.Whole)
	c.codeString(&q.Row)
	picks := int(q.Picks)
	c.codeInt(&picks)
	q.Picks = Picks(picks)
	c.codeRelation(&q.Routine)
}

// codeSource encodes or decodes an index into the relations of a query, or a special value of
// Column.Of.
func (q *Query) codeSource(c *codec, n *int) {
	at := *n - NextLevel
	c.codeInt(&at)
	*n = at + NextLevel
	c.bad = c.bad || *n >= len(q.Relations)
}

func (m *Model) codeFields(c *codec) {
	c.codeString(&m.Schema)
	c.codeString(&m.Table)
	c.codeString(&m.Class)
	c.codeString(&m.Constant)
	c.codeInt(&m.Line)
	c.codeBool(&m.All)
	c.codeBool(&m.Row)
	c.codeBool(&m.Put)
	c.codeBool(&m.Guessed)
	c.codeBool(&m.Base)
	c.codeBool(&m.Derived)
	c.codeBool(&m.Names)
	c.codeString(&m.Scope)
	codeList(c, &m.Bases, c.codeBase)
	codeList(c, &m.Without, c.codePlace)
	codeList(c, &m.Fields, func(f *Field) {
		c.codeString(&f.Field)
		c.codeString(&f.Column)
		c.codeString(&f.Constant)
		c.codeInt(&f.Line)
		c.codeBool(&f.Left)
		null := int(f.Null)
		c.codeInt(&null)
		f.Null = Null(null)
		byDefault := int(f.Default)
		c.codeInt(&byDefault)
		f.Default = Default(byDefault)
	})
}

func (u *MapperUpsert) codeFields(c *codec) {
	c.codeInt(&u.Line)
	c.codeTarget(&u.Target)
	c.codeString(&u.Model)
	c.codeString(&u.Table)
	c.codeBool(&u.Keeper)
	c.codeBool(&u.Fields)
	c.codeBool(&u.Own)
	codeList(c, &u.Words, c.codeMark)
}

func (c *codec) codeTarget(t *Target) {
	codeList(c, &t.Columns, c.codeString)
	c.codeString(&t.Constraint)
	c.codeBool(&t.Open)
	c.codeBool(&t.Where)
}

func (c *codec) codeRelation(r *Relation) {
	c.codeString(&r.Schema)
	c.codeString(&r.Name)
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
	c.codeString(&b.Name)
	c.codeString(&b.Prefix)
}
