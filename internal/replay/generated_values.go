package replay

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/wire"
)

// replacements maps values that the server made for the recording, such as a random UUID, to the values that it makes in the replay. The client may have
// sent them again.
type replacements struct {
	mu     sync.Mutex
	values map[string][]byte
	// lengths has their lengths.
	lengths map[int]bool
	// numbers came from sequences, by session: the client may send them again, as parameters.
	numbers map[int]map[int64]int64
}

// leastReplaced is how long such a value is at least. A shorter one, such as a number, may mean something else elsewhere.
const leastReplaced = 16

// mostReplaced bounds how many are remembered.
const mostReplaced = 100_000

// learnRow compares a row with the recorded one.
func (r *replacements) learnRow(recorded *Answer, row int, body []byte) {
	if recorded == nil || row >= len(recorded.rows) || bytes.Equal(recorded.rows[row], body) {
		return
	}
	before, now := splitCells(recorded.rows[row]), splitCells(body)
	if len(before) != len(now) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	takesNumber := numbering.MatchString(recorded.SQL)
	for i, value := range before {
		if takesNumber && i < len(recorded.Columns) && slices.Contains(integerTypes, recorded.Columns[i].Type) {
			x, whole := readNumber(value, recorded.Columns[i].Binary)
			if y, nowWhole := readNumber(now[i], recorded.Columns[i].Binary); whole && nowWhole && x != y {
				if r.numbers[recorded.Session] == nil {
					r.numbers[recorded.Session] = map[int64]int64{}
				}
				r.numbers[recorded.Session][x] = y
			}
		}
		if len(value) >= leastReplaced && len(now[i]) == len(value) && !bytes.Equal(value, now[i]) && len(r.values) < mostReplaced {
			r.values[string(value)] = bytes.Clone(now[i])
			r.lengths[len(value)] = true
		}
	}
}

// numbering matches statements whose results may be numbers of a sequence.
var numbering = lazyregexp.New(`(?i)\bnextval\b|\breturning\b`)

// integerTypes are the OIDs of the types that sequences give.
var integerTypes = []uint32{pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID}

// readNumber reads an integer.
func readNumber(data []byte, binaryFormat bool) (n int64, whole bool) {
	switch {
	case !binaryFormat:
		n, err := strconv.ParseInt(string(data), 10, 64)
		return n, err == nil
	case len(data) == 2:
		return int64(int16(binary.BigEndian.Uint16(data))), true //nolint:gosec // the bits of a signed number
	case len(data) == 4:
		return int64(int32(binary.BigEndian.Uint32(data))), true //nolint:gosec // as above
	case len(data) == 8:
		return int64(binary.BigEndian.Uint64(data)), true //nolint:gosec // as above
	}
	return 0, false
}

// writeNumber writes an integer in a format; nil if it has no room.
func writeNumber(n int64, binaryFormat bool, size int) []byte {
	if !binaryFormat {
		return strconv.AppendInt(nil, n, 10)
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(n))[8-size:] //nolint:gosec // the bits of a signed number
	if back, _ := readNumber(out, true); back != n {
		return nil
	}
	return out
}

// mergeNumbers returns the numbers of all sessions.
func (r *replacements) mergeNumbers() map[int64]int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[int64]int64{}
	for _, numbers := range r.numbers {
		maps.Copy(out, numbers)
	}
	return out
}

// replaceNumbers returns a Bind message of a session with the numbers of the replay.
func (r *replacements) replaceNumbers(session int, body []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	numbers := r.numbers[session]
	var m pgproto3.Bind
	if len(numbers) == 0 || m.Decode(body) != nil {
		return body
	}
	changed := false
	for i, value := range m.Parameters {
		isBinary := wire.IsBinary(m.ParameterFormatCodes, i)
		n, whole := readNumber(value, isBinary)
		now, known := numbers[n]
		if !whole || !known {
			continue
		}
		if written := writeNumber(now, isBinary, len(value)); written != nil {
			m.Parameters[i], changed = written, true
		}
	}
	if !changed {
		return body
	}
	frame, err := m.Encode(nil)
	if err != nil {
		return body
	}
	return frame[5:]
}

// replaceValues returns a message of the client with the values of the replay. The values have the same lengths.
func (r *replacements) replaceValues(kind byte, body []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.values) == 0 || kind != 'B' && kind != 'Q' && kind != 'd' {
		return body
	}
	out := body
	for length := range r.lengths {
		for i := 0; i+length <= len(body); i++ {
			value, found := r.values[string(body[i:i+length])]
			if !found {
				continue
			}
			if &out[0] == &body[0] {
				out = bytes.Clone(body)
			}
			copy(out[i:], value)
			i += length - 1
		}
	}
	return out
}
