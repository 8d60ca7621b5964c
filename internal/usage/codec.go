package usage

import (
	"encoding/binary"
	"errors"
)

// Facts are kept as numbers and names: no text of the file.

// errFacts is that of what is no facts.
var errFacts = errors.New("not the facts of a file")

// Append adds facts to a buffer, for Decode.
func (f *Facts) Append(out []byte) []byte {
	e := &encoder{out: out, at: map[string]uint64{}}
	list(e, f.Queries, func(q *Query) {
		e.int(q.Line)
		e.bool(q.Open)
		list(e, q.Relations, e.relation)
		list(e, q.Columns, func(c *Column) {
			e.string(c.Name)
			e.int(c.Line)
			e.int(int(c.How))
			list(e, c.Of, func(n *int) { e.int(*n + 2) })
		})
		list(e, q.Writes, func(w *Write) {
			e.int(w.Relation)
			e.int(int(w.How))
			e.int(w.Line)
			e.bool(w.Listed)
			e.int(w.Values)
			list(e, w.Columns, func(g *Given) {
				e.string(g.Column)
				e.string(g.Value)
				e.bool(g.Constant)
			})
		})
		list(e, q.Functions, e.relation)
		list(e, q.Types, e.relation)
		list(e, q.Constants, e.place)
		e.bool(q.Compares)
	})
	list(e, f.Models, func(m *Model) {
		e.string(m.Schema)
		e.string(m.Table)
		e.string(m.Class)
		e.int(m.Line)
		e.bool(m.All)
		e.bool(m.Row)
		e.bool(m.Put)
		list(e, m.Without, func(s *string) { e.string(*s) })
		list(e, m.Fields, func(x *Field) {
			e.string(x.Field)
			e.string(x.Column)
			e.int(x.Line)
			e.bool(x.Left)
		})
	})
	list(e, f.Calls, func(c *Call) {
		e.string(c.Table)
		e.int(c.Line)
		e.int(int(c.How))
		list(e, c.Words, func(w *Word) {
			e.int(int(w.Mark))
			e.int(w.Line)
		})
	})
	list(e, f.Strings, func(s *String) {
		e.out = binary.LittleEndian.AppendUint32(e.out, s.Mark)
		e.int(s.Line)
	})
	list(e, f.Enums, func(x *Enum) {
		e.string(x.Class)
		e.int(x.Line)
		list(e, x.Labels, func(l *Label) {
			e.string(l.Name)
			e.string(l.Text)
			e.int(l.Line)
		})
	})
	list(e, f.Upserts, func(n *int) { e.int(*n) })
	list(e, f.Settings, e.place)
	return e.out
}

// Decode reads what Append wrote.
func Decode(data []byte) (*Facts, error) {
	d := &decoder{in: data}
	f := &Facts{}
	read(d, &f.Queries, func(q *Query) {
		q.Line, q.Open = d.int(), d.bool()
		read(d, &q.Relations, d.relation)
		read(d, &q.Columns, func(c *Column) {
			c.Name, c.Line, c.How = d.string(), d.int(), How(d.int())
			read(d, &c.Of, func(n *int) { *n = d.int() - 2 })
			for _, of := range c.Of {
				d.bad = d.bad || of >= len(q.Relations)
			}
		})
		read(d, &q.Writes, func(w *Write) {
			w.Relation, w.How, w.Line, w.Listed, w.Values = d.int(), How(d.int()), d.int(), d.bool(), d.int()
			d.bad = d.bad || w.Relation >= len(q.Relations)
			read(d, &w.Columns, func(g *Given) { g.Column, g.Value, g.Constant = d.string(), d.string(), d.bool() })
		})
		read(d, &q.Functions, d.relation)
		read(d, &q.Types, d.relation)
		read(d, &q.Constants, d.place)
		q.Compares = d.bool()
	})
	read(d, &f.Models, func(m *Model) {
		m.Schema, m.Table, m.Class, m.Line = d.string(), d.string(), d.string(), d.int()
		m.All, m.Row, m.Put = d.bool(), d.bool(), d.bool()
		read(d, &m.Without, func(s *string) { *s = d.string() })
		read(d, &m.Fields, func(x *Field) { x.Field, x.Column, x.Line, x.Left = d.string(), d.string(), d.int(), d.bool() })
	})
	read(d, &f.Calls, func(c *Call) {
		c.Table, c.Line, c.How = d.string(), d.int(), How(d.int())
		read(d, &c.Words, func(w *Word) { w.Mark, w.Line = uint32(d.int()), d.int() })
	})
	read(d, &f.Strings, func(s *String) {
		if len(d.in) < 4 {
			d.bad = true
			return
		}
		s.Mark, d.in = binary.LittleEndian.Uint32(d.in), d.in[4:]
		s.Line = d.int()
	})
	read(d, &f.Enums, func(x *Enum) {
		x.Class, x.Line = d.string(), d.int()
		read(d, &x.Labels, func(l *Label) { l.Name, l.Text, l.Line = d.string(), d.string(), d.int() })
	})
	read(d, &f.Upserts, func(n *int) { *n = d.int() })
	read(d, &f.Settings, d.place)
	if d.bad || len(d.in) > 0 {
		return nil, errFacts
	}
	return f, nil
}

// encoder writes numbers, and each name once.
type encoder struct {
	out []byte
	at  map[string]uint64
}

func (e *encoder) int(n int) { e.out = binary.AppendUvarint(e.out, uint64(n)) }

func (e *encoder) bool(b bool) {
	if b {
		e.out = append(e.out, 1)
	} else {
		e.out = append(e.out, 0)
	}
}

func (e *encoder) string(s string) {
	if n, known := e.at[s]; known {
		e.out = binary.AppendUvarint(e.out, n)
		return
	}
	e.out = binary.AppendUvarint(e.out, 0)
	e.at[s] = uint64(len(e.at) + 1)
	e.out = binary.AppendUvarint(e.out, uint64(len(s)))
	e.out = append(e.out, s...)
}

func (e *encoder) relation(r *Relation) {
	e.string(r.Schema)
	e.string(r.Name)
	e.int(r.Line)
	e.int(int(r.How))
}

func (e *encoder) place(p *Place) {
	e.string(p.Name)
	e.int(p.Line)
}

func list[T any](e *encoder, items []T, f func(*T)) {
	e.int(len(items))
	for i := range items {
		f(&items[i])
	}
}

// decoder reads them. After something bad it gives nothing.
type decoder struct {
	in    []byte
	names []string
	bad   bool
}

func (d *decoder) int() int {
	n, size := binary.Uvarint(d.in)
	if size <= 0 || n > 1<<32 || d.bad {
		d.bad = true
		return 0
	}
	d.in = d.in[size:]
	return int(n)
}

func (d *decoder) bool() bool { return d.int() == 1 }

func (d *decoder) string() string {
	at := d.int()
	if at > len(d.names) {
		d.bad = true
	}
	if d.bad {
		return ""
	}
	if at > 0 {
		return d.names[at-1]
	}
	n := d.int()
	if n > len(d.in) {
		d.bad = true
		return ""
	}
	s := string(d.in[:n])
	d.in = d.in[n:]
	d.names = append(d.names, s)
	return s
}

func (d *decoder) relation(r *Relation) {
	r.Schema, r.Name, r.Line, r.How = d.string(), d.string(), d.int(), How(d.int())
}

func (d *decoder) place(p *Place) { p.Name, p.Line = d.string(), d.int() }

// read reads a list; each item is a byte at least.
func read[T any](d *decoder, to *[]T, f func(*T)) {
	n := d.int()
	if n > len(d.in) {
		d.bad = true
	}
	if d.bad || n == 0 {
		return
	}
	*to = make([]T, n)
	for i := range *to {
		if f(&(*to)[i]); d.bad {
			return
		}
	}
}
