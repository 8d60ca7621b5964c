package deployed

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/code/mentions"
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
	store := c.openStore("-names", identifiersVersion)
	positions := map[string]int{} // in c.files, of those to read
	for i, f := range c.files {
		if f.Observed || f.Facts != nil && f.Facts.OtherDatabase {
			continue
		}
		if data, ok := store.Get(c.ids[i]); ok && c.ids[i] != "" {
			c.names[i] = decodeMarks(data)
			continue
		}
		positions[f.Path] = i
	}
	var lock sync.Mutex
	bunches := slices.Collect(slices.Chunk(slices.Sorted(maps.Keys(positions)), filesAtOnce))
	adapter.EachParallel(len(bunches), func(n int) {
		texts, _ := c.base.ReadAll(bunches[n]) // files that cannot be read are skipped; c.err reports it
		for p, text := range texts {
			var marks []uint32
			if bytes.IndexByte(text[:min(len(text), 1<<10)], 0) < 0 { // else it is no text
				marks = mentions.FindIdentifiers(text)
			}
			lock.Lock()
			c.names[positions[p]] = marks
			if id := c.ids[positions[p]]; id != "" {
				store.Put(id, encodeMarks(marks))
			}
			lock.Unlock()
		}
	})
	_ = store.Save() // if this fails, the next run reads as much as this one
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
