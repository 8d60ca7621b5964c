package usage

// pass writes the facts, or reads them: one order for both.
func (f *Facts) pass(c *codec) {
	list(c, &f.Queries, func(q *Query) { q.pass(c) })
	list(c, &f.Models, func(m *Model) { m.pass(c) })
	list(c, &f.Calls, func(x *Call) {
		c.string(&x.Table)
		c.string(&x.Constant)
		c.int(&x.Line)
		c.how(&x.How)
		list(c, &x.Words, c.word)
	})
	list(c, &f.Constants, func(x *ConstantText) {
		c.string(&x.Name)
		c.string(&x.Text)
	})
	list(c, &f.Strings, func(s *String) {
		c.mark(&s.Mark)
		c.int(&s.Line)
	})
	list(c, &f.Enums, func(e *Enum) {
		c.string(&e.Class)
		c.int(&e.Line)
		list(c, &e.Labels, func(l *Label) {
			c.string(&l.Name)
			c.string(&l.Text)
			c.int(&l.Line)
		})
	})
	list(c, &f.Types, c.place)
	list(c, &f.Upserts, func(u *MapperUpsert) { u.pass(c) })
	list(c, &f.Settings, c.place)
	list(c, &f.Compares, c.int)
	list(c, &f.Stars, func(s *Star) { s.pass(c) })
	c.bool(&f.Sqlx)
	c.bool(&f.Lax)
	list(c, &f.Structs, func(s *Struct) {
		c.string(&s.Class)
		c.int(&s.Line)
		list(c, &s.Fields, c.word)
		list(c, &s.Bases, c.base)
	})
}

func (s *Star) pass(c *codec) {
	c.relation(&s.Relation)
	c.string(&s.As)
	c.int(&s.Others)
	c.bool(&s.Exact)
	c.bool(&s.Fitting)
	c.bool(&s.Sqlx)
	list(c, &s.Scans, c.int)
}

func (q *Query) pass(c *codec) {
	c.int(&q.Line)
	c.bool(&q.Open)
	list(c, &q.Relations, c.relation)
	list(c, &q.Columns, func(x *Column) {
		c.string(&x.Name)
		c.int(&x.Line)
		c.how(&x.How)
		list(c, &x.Of, func(n *int) { q.source(c, n) })
	})
	list(c, &q.Writes, func(w *Write) {
		q.source(c, &w.Relation)
		c.bad = c.bad || w.Relation < 0
		c.how(&w.How)
		c.int(&w.Line)
		c.bool(&w.Listed)
		c.int(&w.Values)
		c.int(&w.From)
		c.bad = c.bad || w.From < 0 || w.From > len(q.Relations)
		list(c, &w.Columns, func(g *Given) {
			c.string(&g.Column)
			c.string(&g.Value)
			c.bool(&g.Constant)
		})
	})
	list(c, &q.Functions, c.relation)
	list(c, &q.Types, c.relation)
	list(c, &q.Constants, func(x *Constant) {
		c.string(&x.Text)
		c.int(&x.Line)
		c.string(&x.Column)
		list(c, &x.Of, func(n *int) { q.source(c, n) })
		c.string(&x.Schema)
		c.string(&x.Type)
		c.string(&x.Function)
	})
	list(c, &q.Constraints, c.place)
	list(c, &q.Upserts, func(u *Upsert) {
		q.source(c, &u.Relation)
		c.int(&u.Line)
		c.target(&u.Target)
	})
	c.bool(&q.Compares)
	c.relation(&q.Routine)
}

// source passes an index into the relations of a query, or what Column.Of has besides.
func (q *Query) source(c *codec, n *int) {
	at := *n - NextLevel
	c.int(&at)
	*n = at + NextLevel
	c.bad = c.bad || *n >= len(q.Relations)
}

func (m *Model) pass(c *codec) {
	c.string(&m.Schema)
	c.string(&m.Table)
	c.string(&m.Class)
	c.int(&m.Line)
	c.bool(&m.All)
	c.bool(&m.Row)
	c.bool(&m.Put)
	c.bool(&m.Guessed)
	c.bool(&m.Base)
	list(c, &m.Bases, c.base)
	list(c, &m.Without, c.place)
	list(c, &m.Fields, func(f *Field) {
		c.string(&f.Field)
		c.string(&f.Column)
		c.int(&f.Line)
		c.bool(&f.Left)
	})
}

func (u *MapperUpsert) pass(c *codec) {
	c.int(&u.Line)
	c.target(&u.Target)
	c.string(&u.Model)
	c.string(&u.Table)
	c.bool(&u.Keeper)
	c.bool(&u.Fields)
	c.bool(&u.Own)
	list(c, &u.Words, c.mark)
}

func (c *codec) target(t *Target) {
	list(c, &t.Columns, c.string)
	c.string(&t.Constraint)
	c.bool(&t.Open)
	c.bool(&t.Where)
}

func (c *codec) relation(r *Relation) {
	c.string(&r.Schema)
	c.string(&r.Name)
	c.int(&r.Line)
	c.how(&r.How)
}

func (c *codec) place(p *Place) {
	c.string(&p.Name)
	c.int(&p.Line)
}

func (c *codec) word(w *Word) {
	c.mark(&w.Mark)
	c.int(&w.Line)
}

func (c *codec) base(b *Base) {
	c.string(&b.Name)
	c.string(&b.Prefix)
}
