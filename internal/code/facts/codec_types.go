package facts

import (
	"encoding/binary"
	"errors"
)

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
		c.codeInt(&w.Values)
		c.codeInt(&w.From)
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

// Facts are stored as numbers and names, without the text of the file.

// errFacts is the error for data that holds no facts.
var errFacts = errors.New("not the facts of a file")

// Append adds facts to a buffer, for Decode.
func (f *Facts) Append(out []byte) []byte {
	c := &codec{out: out, at: map[string]uint64{}}
	f.codeFields(c)
	return c.out
}

// Decode reads what Append wrote.
func Decode(data []byte) (*Facts, error) {
	c := &codec{in: data, reads: true}
	f := &Facts{}
	if f.codeFields(c); c.bad || len(c.in) > 0 {
		return nil, errFacts
	}
	return f, nil
}

// codec writes the values that it gets, or reads into them if reads is set. It writes each
// name once. After an error (bad) it reads nothing.
type codec struct {
	out []byte
	at  map[string]uint64 // the numbers of the names that it has written

	reads bool
	in    []byte
	names []string
	bad   bool
}

func (c *codec) codeInt(n *int) {
	if !c.reads {
		c.out = binary.AppendUvarint(c.out, uint64(*n))
		return
	}
	*n = c.decodeNumber()
}

func (c *codec) decodeNumber() int {
	n, size := binary.Uvarint(c.in)
	if size <= 0 || n > 1<<32 || c.bad {
		c.bad = true
		return 0
	}
	c.in = c.in[size:]
	return int(n)
}

func (c *codec) codeHow(h *How) { codeEnum(c, h) }

// codeEnum encodes or decodes one of a few values.
func codeEnum[T How | Picks | Null | Default](c *codec, v *T) {
	n := int(*v)
	c.codeInt(&n)
	*v = T(n)
}

func (c *codec) codeBool(b *bool) {
	n := 0
	if *b {
		n = 1
	}
	c.codeInt(&n)
	*b = n == 1
}

func (c *codec) codeBools(list ...*bool) {
	for _, b := range list {
		c.codeBool(b)
	}
}

// codeMark encodes four bytes, uncompressed: a mark is as good as random.
func (c *codec) codeMark(m *uint32) {
	switch {
	case !c.reads:
		c.out = binary.LittleEndian.AppendUint32(c.out, *m)
	case len(c.in) < 4:
		c.bad = true
	default:
		*m, c.in = binary.LittleEndian.Uint32(c.in), c.in[4:]
	}
}

func (c *codec) codeString(s *string) {
	if c.reads {
		*s = c.decodeString()
		return
	}
	if n, known := c.at[*s]; known {
		c.out = binary.AppendUvarint(c.out, n)
		return
	}
	c.out = append(c.out, 0)
	c.at[*s] = uint64(len(c.at) + 1)
	c.out = binary.AppendUvarint(c.out, uint64(len(*s)))
	c.out = append(c.out, *s...)
}

func (c *codec) codeStrings(list ...*string) {
	for _, s := range list {
		c.codeString(s)
	}
}

func (c *codec) decodeString() string {
	number := c.decodeNumber()
	if number > len(c.names) {
		c.bad = true
	}
	if c.bad {
		return ""
	}
	if number > 0 {
		return c.names[number-1]
	}
	n := c.decodeNumber()
	if n > len(c.in) {
		c.bad = true
		return ""
	}
	s := string(c.in[:n])
	c.in = c.in[n:]
	c.names = append(c.names, s)
	return s
}

// codeList encodes or decodes a list; each item takes at least one byte.
func codeList[T any](c *codec, items *[]T, f func(*T)) {
	n := len(*items)
	c.codeInt(&n)
	if c.reads {
		if n > len(c.in) {
			c.bad = true
		}
		if c.bad || n == 0 {
			return
		}
		*items = make([]T, n)
	}
	for i := range *items {
		if f(&(*items)[i]); c.bad {
			return
		}
	}
}
