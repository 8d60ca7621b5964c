package collect

import (
	"bytes"
	"encoding/binary"
)

// reader decodes the body of a protocol message. A missing field reads as zero or empty.
type reader struct{ b []byte }

func (r *reader) readInt16() int {
	if len(r.b) < 2 {
		r.b = nil
		return 0
	}
	v := binary.BigEndian.Uint16(r.b)
	r.b = r.b[2:]
	return int(v)
}

func (r *reader) readUint32() uint32 {
	if len(r.b) < 4 {
		r.b = nil
		return 0
	}
	v := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

// readText reads up to the next zero byte, or what there is.
func (r *reader) readText() []byte {
	v, rest, _ := bytes.Cut(r.b, []byte{0})
	r.b = rest
	return v
}

func (r *reader) readByte() byte {
	if len(r.b) == 0 {
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// readValue reads a value with its length; ok is false if the message was cut off.
func (r *reader) readValue() (v []byte, null, ok bool) {
	if len(r.b) < 4 {
		return nil, false, false
	}
	n := int32(r.readUint32())
	if n < 0 {
		return nil, true, true
	}
	if int(n) > len(r.b) {
		return nil, false, false
	}
	v, r.b = r.b[:n], r.b[n:]
	return v, false, true
}

// Column is one of a result, as the server describes it.
type Column struct {
	Name     string
	Type     uint32 // OID
	Modifier int32  // atttypmod, -1 for none
	Table    uint32 // OID of the table that it is a column of; 0 for an expression
	Number   int    // attnum there
}

// eachColumn calls f for the columns of a RowDescription. name is valid during the call only.
func eachColumn(body []byte, f func(i int, name []byte, c Column, binary bool)) int {
	in := reader{body}
	n := in.readInt16()
	for i := range n {
		name := in.readText()
		if len(in.b) < 18 {
			return i
		}
		c := Column{Table: in.readUint32(), Number: in.readInt16(), Type: in.readUint32()}
		in.readInt16()
		c.Modifier = int32(in.readUint32())
		f(i, name, c, in.readInt16() == 1)
	}
	return n
}

// readColumns returns the columns of a RowDescription.
func readColumns(body []byte) []Column {
	out := []Column{}
	eachColumn(body, func(_ int, name []byte, c Column, _ bool) {
		c.Name = string(name)
		out = append(out, c)
	})
	return out
}

// readOIDs returns the OIDs of Parse or ParameterDescription.
func readOIDs(in *reader) []uint32 {
	n := in.readInt16()
	if n == 0 {
		return nil
	}
	out := make([]uint32, min(n, len(in.b)/4))
	for i := range out {
		out[i] = in.readUint32()
	}
	return out
}

// errorCode finds the code of an error; the other fields hold values.
func errorCode(body []byte) string {
	in := reader{body}
	for {
		switch field := in.readByte(); field {
		case 0:
			return "XX000"
		case 'C':
			return string(in.readText())
		default:
			in.readText()
		}
	}
}

// parseCommandTag is a command's tag without its numbers, and the last of them.
func parseCommandTag(body []byte) (command []byte, rows int64) {
	body = bytes.TrimRight(body, "\x00")
	spaceIndex := bytes.IndexByte(body, ' ')
	if spaceIndex < 0 {
		return body, 0
	}
	for _, c := range body[bytes.LastIndexByte(body, ' ')+1:] {
		if c < '0' || c > '9' || rows > 1<<50 {
			return body, 0
		}
		rows = rows*10 + int64(c-'0')
	}
	return body[:spaceIndex], rows
}
