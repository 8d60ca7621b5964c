package facts

import (
	"encoding/binary"
	"errors"
)

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

func (c *codec) codeInts(list ...*int) {
	for _, n := range list {
		c.codeInt(n)
	}
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
