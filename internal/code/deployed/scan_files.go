package deployed

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/cache"
	"github.com/onward-sql/onward/internal/gitrange"
)

// filesAtOnce is how many files are read at once.
const filesAtOnce = 256

// smallCode is the size up to which reading the code is as fast as reading the cache.
const smallCode = 1 << 20

// storage opens a file of the cache for what files of this size in all say.
type storage func(suffix, version string, size int64) *cache.Store

// openStorage returns a repository's files in a directory of the cache; "" for none.
func openStorage(dir, repo string) storage {
	name := sha256.Sum256([]byte(repo))
	return func(suffix, version string, size int64) *cache.Store {
		if size < smallCode {
			return cache.Open("", "", version)
		}
		return cache.Open(dir, hex.EncodeToString(name[:12])+suffix, version)
	}
}

// scanFiles calls scan with the text of each file, unless a file of the cache has the result for its content. It
// returns the results in the order of the files: nil for a file that cannot be read.
func scanFiles(tree gitrange.Tree, files []gitrange.File, store *cache.Store, scan func(text []byte) []byte) [][]byte {
	out := make([][]byte, len(files))
	var missing []int
	for i, f := range files {
		if data, ok := store.Get(f.ID); ok && f.ID != "" {
			out[i] = data
		} else {
			missing = append(missing, i)
		}
	}
	var lock sync.Mutex
	bunches := slices.Collect(slices.Chunk(missing, filesAtOnce))
	adapter.EachParallel(len(bunches), func(n int) {
		paths := make([]string, len(bunches[n]))
		for k, i := range bunches[n] {
			paths[k] = files[i].Path
		}
		texts, _ := tree.ReadAll(paths) // the caller skips files that cannot be read
		for _, i := range bunches[n] {
			text, ok := texts[files[i].Path]
			if !ok {
				continue
			}
			out[i] = scan(text)
			if id := files[i].ID; id != "" {
				lock.Lock()
				store.Put(id, out[i])
				lock.Unlock()
			}
		}
	})
	_ = store.Save() // if this fails, the next run reads as much as this one
	return out
}
