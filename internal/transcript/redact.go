package transcript

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"strconv"
	"strings"
)

// Redact replaces matches in all that the transcript has: statements, parameters, rows of COPY and of results, errors, names. All messages keep their lengths.
// The transcript can be replayed: what was equal is equal.
func (t *Transcript) Redact(r *Redactor) {
	for i := range t.Sessions {
		s := &t.Sessions[i]
		s.Parameters = maps.Clone(s.Parameters)
		for name, value := range s.Parameters {
			s.Parameters[name] = r.RedactText(value)
		}
	}
	copies := map[int][]*Event{} // COPY data of sessions: a row may be in two messages
	for i := range t.Events {
		e := &t.Events[i]
		if e.Source == Client && e.Kind == 'd' {
			copies[e.Session] = append(copies[e.Session], e)
			continue
		}
		if e.Source == Client {
			r.redactCopy(copies[e.Session])
			delete(copies, e.Session)
		}
		r.redactEvent(e)
	}
	for _, list := range copies {
		r.redactCopy(list)
	}
}

// redactCopy replaces what matches in the data of a COPY.
func (r *Redactor) redactCopy(list []*Event) {
	var all bytes.Buffer
	for _, e := range list {
		all.Write(e.Body)
	}
	rest := []byte(r.RedactText(all.String()))
	for _, e := range list {
		e.Body, rest = rest[:len(e.Body):len(e.Body)], rest[len(e.Body):]
	}
}

// redactEvent replaces what matches in a message. Lengths and numbers between the texts stay.
func (r *Redactor) redactEvent(e *Event) {
	f := fields{body: bytes.Clone(e.Body), redactor: r}
	switch string(rune(e.Source)) + string(rune(e.Kind)) {
	case "cQ", "cf":
		f.redactText()
	case "cP":
		f.redactText()
		f.redactText()
	case "cB":
		f.redactText()
		f.redactText()
		formats := f.readFormats()
		f.redactValues(f.readCount(), func(i int) bool { return isBinary(formats, i) })
	case "cF":
		f.skipBytes(4)
		formats := f.readFormats()
		f.redactValues(f.readCount(), func(i int) bool { return isBinary(formats, i) })
	case "cE", "cD", "cC":
		f.redactText()
	case "sD": // the formats are not in the message
		f.redactValues(f.readCount(), func(int) bool { return true })
	case "sV":
		f.redactValues(1, func(int) bool { return true })
	case "sE":
		for len(f.body) > f.place {
			kind := f.body[f.place]
			f.skipBytes(1)
			if bytes.IndexByte([]byte("MDHWqdnsct"), kind) >= 0 { // the others are codes, such as the SQLSTATE
				f.redactText()
			} else {
				f.skipBytes(bytes.IndexByte(f.body[f.place:], 0) + 1)
			}
		}
	case "sT":
		for range f.readCount() {
			f.redactText()
			f.skipBytes(18)
		}
	case string(rune(Test)) + "\x00":
		f.redactNext(len(f.body))
	}
	e.Body = f.body
}

// redactBinary replaces a whole number, or a UUID, in its place.
func (r *Redactor) redactBinary(value []byte) {
	var number int64
	switch len(value) {
	case 2:
		number = int64(int16(binary.BigEndian.Uint16(value))) //nolint:gosec // the bits of a signed number
	case 4:
		number = int64(int32(binary.BigEndian.Uint32(value))) //nolint:gosec // as above
	case 8:
		number = int64(binary.BigEndian.Uint64(value)) //nolint:gosec // as above
	case 16:
		text := hex.EncodeToString(value)
		text = strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
		if replacement, err := hex.DecodeString(strings.ReplaceAll(r.RedactText(text), "-", "")); err == nil && len(replacement) == len(value) {
			copy(value, replacement)
		}
		return
	default:
		return
	}
	replacement, err := strconv.ParseInt(r.RedactText(strconv.FormatInt(number, 10)), 10, 64)
	if err == nil && replacement != number {
		copy(value, binary.BigEndian.AppendUint64(nil, uint64(replacement))[8-len(value):]) //nolint:gosec // as above
	}
}

// fields walks through the body of a message. A body that ends early ends the walk.
type fields struct {
	body     []byte
	place    int
	redactor *Redactor
}

func (f *fields) skipBytes(n int) { f.place = min(f.place+n, len(f.body)) }

// readCount reads a number of things.
func (f *fields) readCount() int {
	if len(f.body)-f.place < 2 {
		f.place = len(f.body)
		return 0
	}
	n := binary.BigEndian.Uint16(f.body[f.place:])
	f.place += 2
	return int(n)
}

// readFormats reads the formats of values.
func (f *fields) readFormats() []int16 {
	var out []int16
	for range f.readCount() {
		out = append(out, int16(f.readCount())) //nolint:gosec // 0 or 1
	}
	return out
}

// isBinary reports whether a value is in binary: no format means text, one is for all.
func isBinary(formats []int16, i int) bool {
	if len(formats) == 1 {
		i = 0
	}
	return i < len(formats) && formats[i] == 1
}

// redactText replaces in a text that ends with a zero byte.
func (f *fields) redactText() {
	end := bytes.IndexByte(f.body[f.place:], 0)
	if end < 0 {
		end = len(f.body) - f.place
	}
	f.redactNext(end)
	f.skipBytes(1)
}

// redactValues replaces in values with their lengths before them. mayBeBinary reports whether a value may be in binary.
func (f *fields) redactValues(count int, mayBeBinary func(i int) bool) {
	for i := range count {
		if len(f.body)-f.place < 4 {
			f.place = len(f.body)
			return
		}
		size := int32(binary.BigEndian.Uint32(f.body[f.place:])) //nolint:gosec // -1 is NULL
		f.place += 4
		if size <= 0 {
			continue
		}
		value := f.body[f.place:min(f.place+int(size), len(f.body))]
		before := string(value)
		if f.redactNext(len(value)); mayBeBinary(i) && before == string(value) {
			f.redactor.redactBinary(value)
		}
	}
}

// redactNext replaces in the next bytes.
func (f *fields) redactNext(size int) {
	copy(f.body[f.place:], f.redactor.RedactText(string(f.body[f.place:f.place+size])))
	f.place += size
}
