package collect

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Values serve one purpose: did a query get a value that was in another one's result? Only a hash of each is
// kept, until its sequence ends.
const (
	maxValue  = 64      // bytes of a value that is looked at
	maxGiven  = 8       // values of a query that are looked at
	maxSeen   = 4096    // values of results, in a sequence
	seenRows  = 64      // rows of a result
	seenCells = 32      // columns of a row
	maxFirst  = 1 << 17 // different values in the first column of a join
)

// hashes are the hashes of the values that a query gets.
type hashes struct {
	n      int8
	values [2 * maxGiven]uint64
}

func (h *hashes) addHash(v uint64) {
	if v != 0 && int(h.n) < len(h.values) {
		h.values[h.n] = v
		h.n++
	}
}

var valueSeed = maphash.MakeSeed()

// hashText is a value's hash; 0 for values that say nothing.
func hashText(v []byte) uint64 {
	if len(v) == 0 || len(v) > maxValue {
		return 0
	}
	switch string(v) {
	case "0", "1", "t", "f", "true", "false":
		return 0
	}
	return maphash.Bytes(valueSeed, v) | 1
}

// hashBinary is the hash that a value in binary has as a text, where its length says that
// it is a whole number or a UUID.
func hashBinary(v []byte) uint64 {
	var text [40]byte
	switch len(v) {
	case 2:
		return hashText(strconv.AppendInt(text[:0], int64(int16(binary.BigEndian.Uint16(v))), 10))
	case 4:
		return hashText(strconv.AppendInt(text[:0], int64(int32(binary.BigEndian.Uint32(v))), 10))
	case 8:
		return hashText(strconv.AppendInt(text[:0], int64(binary.BigEndian.Uint64(v)), 10))
	case 16:
		b := text[:36]
		hex.Encode(b[:8], v[:4])
		hex.Encode(b[9:13], v[4:6])
		hex.Encode(b[14:18], v[6:8])
		hex.Encode(b[19:23], v[8:10])
		hex.Encode(b[24:], v[10:])
		b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
		return hashText(b)
	}
	return hashText(v)
}

// hasTextualBinary reports whether a type's binary form is its text.
func hasTextualBinary(oid uint32) bool {
	switch oid {
	case 18, 19, 25, 114, 705, 1042, 1043:
		return true
	}
	return false
}

// literalHashes returns the hashes of the values in a text itself.
func literalHashes(sql string) (h hashes) {
	if len(sql) > maxTextValues {
		return h
	}
	for offset := 0; int(h.n) < maxGiven; {
		x := pgparse.NextLexeme(sql, offset)
		offset = x.End
		switch text := sql[x.Start:x.End]; x.Kind {
		case pgparse.LexemeEnd:
			return h
		case pgparse.LexemeNumber:
			h.addHash(hashText([]byte(text)))
		case pgparse.LexemeString:
			if strings.HasPrefix(text, "'") && len(text) <= maxValue {
				h.addHash(hashText([]byte(unquoteText(text))))
			}
		}
	}
	return h
}

// maxTextValues is the longest text whose literals are looked at.
const maxTextValues = 16 << 10

// result is what is known of the rows that a query gives.
type result struct {
	open   bool // its begin was seen
	trips  int  // round trips that the query had to wait for
	oids   [seenCells]uint32
	binary uint32 // a bit for each column

	values  []uint64 // what later queries may be given
	joined  bool     // the first column's values count
	rows    int64
	first   map[uint64]struct{} // values of the first column
	parents int64
}

// resetResult begins the next result of a session.
func (r *result) resetResult() {
	r.open, r.trips, r.rows, r.parents, r.binary = false, 0, 0, 0, 0
	r.values = r.values[:0]
	if len(r.first) > 1024 {
		r.first = nil
	}
	clear(r.first)
}

// addRow takes one row.
func (r *result) addRow(body []byte) {
	r.rows++
	look := r.rows <= seenRows
	if !r.joined && !look {
		return
	}
	in := reader{body}
	n := in.readInt16()
	for i := 0; i < n && i < seenCells; i++ {
		v, null, ok := in.readValue()
		if !ok {
			return
		}
		if i == 0 && r.joined {
			r.countParent(v)
		}
		if !look {
			return
		}
		if null {
			continue
		}
		var h uint64
		if r.binary&(1<<i) != 0 && !hasTextualBinary(r.oids[i]) {
			h = hashBinary(v)
		} else {
			h = hashText(v)
		}
		if h != 0 {
			r.values = append(r.values, h)
		}
	}
}

// countParent counts a value of the first column if it is new. Beyond some number, every value counts.
func (r *result) countParent(v []byte) {
	if len(r.first) >= maxFirst {
		r.parents++
		return
	}
	if r.first == nil {
		r.first = map[uint64]struct{}{}
	}
	h := maphash.Bytes(valueSeed, v)
	if _, ok := r.first[h]; !ok {
		r.first[h] = struct{}{}
		r.parents++
	}
}

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

// eachColumn calls f with the types of a RowDescription's columns.
func eachColumn(body []byte, f func(i int, oid uint32, binary bool)) {
	in := reader{body}
	for i := range in.readInt16() {
		if in.readText(); len(in.b) < 18 {
			return
		}
		in.b = in.b[6:] // its table's OID and number
		oid := in.readUint32()
		in.b = in.b[6:] // size and modifier
		f(i, oid, in.readInt16() == 1)
	}
}

// readColumnTypes returns the types of a RowDescription's columns.
func readColumnTypes(body []byte) []uint32 {
	out := []uint32{}
	eachColumn(body, func(_ int, oid uint32, _ bool) { out = append(out, oid) })
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
