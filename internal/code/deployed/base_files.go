package deployed

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
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
