package deployed

import (
	"bytes"
	"encoding/binary"

	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/gitrange"
)

// identifiersVersion is the version of the results of [mentions.FindIdentifiers]: a cache of another version is not used.
const identifiersVersion = "1"

// readIdentifiers returns the names in each file of the code, as sorted marks. They are read when the first question
// needs them, and cached by the content of the file.
func (c *Files) readIdentifiers() [][]uint32 {
	if c.names != nil {
		return c.names
	}
	c.names = make([][]uint32, len(c.files))
	var files []gitrange.File
	var positions []int // in c.files
	for i, f := range c.list {
		if known := c.files[i].Facts; known == nil || !known.OtherDatabase {
			files, positions = append(files, f), append(positions, i)
		}
	}
	marks := scanFiles(c.base, files, c.store("-names", identifiersVersion, c.size), func(text []byte) []byte {
		if bytes.IndexByte(text[:min(len(text), 1<<10)], 0) >= 0 { // it is no text
			return nil
		}
		return encodeMarks(mentions.FindIdentifiers(text))
	})
	for k, i := range positions {
		c.names[i] = decodeMarks(marks[k])
	}
	return c.names
}

// encodeMarks writes the marks of names for the cache.
func encodeMarks(marks []uint32) []byte {
	out := make([]byte, 0, 4*len(marks))
	for _, m := range marks {
		out = binary.LittleEndian.AppendUint32(out, m)
	}
	return out
}

// decodeMarks reads what encodeMarks wrote.
func decodeMarks(data []byte) []uint32 {
	out := make([]uint32, len(data)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return out
}
