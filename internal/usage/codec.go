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
	c := &codec{out: out, at: map[string]uint64{}}
	f.pass(c)
	return c.out
}

// Decode reads what Append wrote.
func Decode(data []byte) (*Facts, error) {
	c := &codec{in: data, reads: true}
	f := &Facts{}
	if f.pass(c); c.bad || len(c.in) > 0 {
		return nil, errFacts
	}
	return f, nil
}

// codec writes what it is given, or reads it. It writes each name once. After something
// bad it reads nothing.
type codec struct {
	out []byte
	at  map[string]uint64

	reads bool
	in    []byte
	names []string
	bad   bool
}

func (c *codec) int(n *int) {
	if !c.reads {
		c.out = binary.AppendUvarint(c.out, uint64(*n))
		return
	}
	*n = c.number()
}

func (c *codec) number() int {
	n, size := binary.Uvarint(c.in)
	if size <= 0 || n > 1<<32 || c.bad {
		c.bad = true
		return 0
	}
	c.in = c.in[size:]
	return int(n)
}

func (c *codec) how(h *How) {
	n := int(*h)
	c.int(&n)
	*h = How(n)
}

func (c *codec) bool(b *bool) {
	n := 0
	if *b {
		n = 1
	}
	c.int(&n)
	*b = n == 1
}

// mark is four bytes: it is as good as random.
func (c *codec) mark(m *uint32) {
	switch {
	case !c.reads:
		c.out = binary.LittleEndian.AppendUint32(c.out, *m)
	case len(c.in) < 4:
		c.bad = true
	default:
		*m, c.in = binary.LittleEndian.Uint32(c.in), c.in[4:]
	}
}

func (c *codec) string(s *string) {
	if c.reads {
		*s = c.name()
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

func (c *codec) name() string {
	at := c.number()
	if at > len(c.names) {
		c.bad = true
	}
	if c.bad {
		return ""
	}
	if at > 0 {
		return c.names[at-1]
	}
	n := c.number()
	if n > len(c.in) {
		c.bad = true
		return ""
	}
	s := string(c.in[:n])
	c.in = c.in[n:]
	c.names = append(c.names, s)
	return s
}

// list passes a list; each item is a byte at least.
func list[T any](c *codec, items *[]T, f func(*T)) {
	n := len(*items)
	c.int(&n)
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
