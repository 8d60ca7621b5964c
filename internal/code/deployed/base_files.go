package deployed

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/cache"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/code/read"
	"github.com/onward-sql/onward/internal/gitrange"
)

// Files is the code at the base, read once. The facts of each file are cached by its
// content, in the user's cache.
type Files struct {
	base  gitrange.Tree
	files []index.File // Facts are nil for a file that could not be read
	index *index.Index
	err   error // why some code could not be read
	// lines are the lines of the files that have evidence.
	lines map[string][]string
	// names are the identifiers of each file; see readIdentifiers.
	names [][]uint32
	// list has the first files as the tree knows them, and size is that of all of them. store has the cache's files.
	list  []gitrange.File
	size  int64
	store storage
}

const (
	// codeRoom is the directory of the facts in the user's cache.
	codeRoom = "code"
	// codeBunch is how many bytes of files are read at once.
	codeBunch = 4 << 20
	// lineRunes bounds the length of a line that is shown.
	lineRunes = 200
)

// readBase reads the files of a tree that skip does not exclude.
//
// recorded are the files of recordings, which are not in the tree.
func readBase(base gitrange.Tree, open storage, skip func(string) bool, recorded []index.File) *Files {
	c := &Files{base: base, lines: map[string][]string{}, store: open}
	for _, f := range base.Files() {
		if mayBeCode(f) && !skip(f.Path) {
			c.list = append(c.list, f)
			c.size += f.Size
		}
	}
	store := open("", read.Version, c.size)
	c.files = make([]index.File, len(c.list))
	var missing []int
	for i, f := range c.list {
		c.files[i].Path = f.Path
		if f.ID != "" {
			if data, ok := store.Get(codeKey(f)); ok {
				if c.files[i].Facts, _ = facts.Decode(data); c.files[i].Facts != nil {
					continue
				}
			}
		}
		missing = append(missing, i)
	}
	c.readFiles(missing)
	for _, i := range missing {
		if list := c.list; list[i].ID != "" && c.files[i].Facts != nil && c.files[i].Facts.Fault == "" {
			store.Put(codeKey(list[i]), c.files[i].Facts.Append(nil))
		}
	}
	_ = store.Save() // if this fails, the next run reads as much as this one
	c.files = append(c.files, recorded...)
	c.index = index.NewIndex(c.files)
	return c
}

// mayBeCode reports whether a file may say something about a database.
func mayBeCode(f gitrange.File) bool {
	return f.Err == nil && !f.Symlink && f.Size <= gitrange.CodeFile
}

// codeKey returns the cache key of a file: the facts depend on its language, too.
func codeKey(f gitrange.File) string { return f.ID + path.Ext(f.Path) }

// readFiles reads files in batches. It reads the next batch while it analyses the last one.
func (c *Files) readFiles(missing []int) {
	list := c.list
	bunches := make(chan []int, 1)
	go func() {
		defer close(bunches)
		for len(missing) > 0 {
			n, size := 0, int64(0)
			for n < len(missing) && size < codeBunch {
				size += max(list[missing[n]].Size, 1<<10)
				n++
			}
			bunches <- missing[:n]
			missing = missing[n:]
		}
	}()
	var lock sync.Mutex
	var workers sync.WaitGroup
	for range max(1, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for bunch := range bunches {
				paths := make([]string, len(bunch))
				for k, i := range bunch {
					paths[k] = list[i].Path
				}
				texts, err := c.base.ReadAll(paths)
				for _, i := range bunch {
					switch text, ok := texts[list[i].Path]; {
					case !ok:
						_, err := c.base.ReadAll([]string{list[i].Path})
						c.files[i].Facts = &facts.Facts{Fault: fmt.Sprint(err)}
					case gitrange.IsCode(list[i].Path, text):
						c.files[i].Facts = read.Read(list[i].Path, text)
					default:
						c.files[i].Facts = read.ReadRows(list[i].Path, text)
					}
				}
				if err != nil {
					lock.Lock()
					c.err = errors.Join(c.err, err)
					lock.Unlock()
				}
			}
		})
	}
	workers.Wait()
}

// readFilesOf reads the files of some uses, all at once.
func (c *Files) readFilesOf(uses []index.Use) {
	var missing []string
	for _, e := range uses {
		if _, read := c.lines[e.Path]; !read {
			c.lines[e.Path] = nil
			missing = append(missing, e.Path)
		}
	}
	if len(missing) == 0 {
		return
	}
	texts, _ := c.base.ReadAll(missing) // if a file cannot be read again, its place is shown without the line
	for p, text := range texts {
		c.lines[p] = strings.Split(string(text), "\n")
	}
}

// sourceLine returns a line of a file for people.
func (c *Files) sourceLine(file string, number int) string {
	c.readFilesOf([]index.Use{{Path: file}})
	lines := c.lines[file]
	if number < 1 || number > len(lines) {
		return ""
	}
	line := []rune(strings.TrimSpace(strings.ToValidUTF8(lines[number-1][:min(len(lines[number-1]), 4*lineRunes)], "")))
	return string(line[:min(len(line), lineRunes)])
}

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
