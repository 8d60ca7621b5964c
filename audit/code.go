package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"path"
	"runtime"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/cache"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/usage"
)

// code is the code at the base, read once: what of it each file says is kept by the
// content of the file, in the user's cache.
type code struct {
	base  gitrange.Tree
	files []usage.File // Facts are nil where one could not be read
	index *usage.Index
	err   error // what could not be read
	// lines are those of the files that evidence is shown of.
	lines map[string][]string
	// names are the identifiers of each file; see identifiers.
	names [][]uint32
}

const (
	// codeRoom is where the cache has it.
	codeRoom = "code"
	// codeBunch is how many bytes of files are read at once.
	codeBunch = 4 << 20
	// lineRunes bounds what is shown of a line.
	lineRunes = 200
	// smallCode is what is read as fast as a cache is.
	smallCode = 1 << 20
)

// readBase reads the files of a tree that skip does not leave out. dir is where it
// keeps what they say, "" for nowhere, and repo names the repository.
//
// recorded are the files of recordings, which are no part of the tree.
func readBase(base gitrange.Tree, dir, repo string, skip func(string) bool, recorded []usage.File) *code {
	c := &code{base: base, lines: map[string][]string{}}
	var list []gitrange.File
	size := int64(0)
	for _, f := range base.Files() {
		if mayBeCode(f) && !skip(f.Path) {
			list = append(list, f)
			size += f.Size
		}
	}
	name := sha256.Sum256([]byte(repo))
	if size < smallCode {
		dir = ""
	}
	store := cache.Open(dir, hex.EncodeToString(name[:12]), usage.Version)
	c.files = make([]usage.File, len(list))
	var missing []int
	for i, f := range list {
		c.files[i].Path = f.Path
		if f.ID != "" {
			if data, ok := store.Get(codeKey(f)); ok {
				if c.files[i].Facts, _ = usage.Decode(data); c.files[i].Facts != nil {
					continue
				}
			}
		}
		missing = append(missing, i)
	}
	c.read(list, missing)
	for _, i := range missing {
		if list[i].ID != "" && c.files[i].Facts != nil && c.files[i].Facts.Fault == "" {
			store.Put(codeKey(list[i]), c.files[i].Facts.Append(nil))
		}
	}
	_ = store.Save() // without it, the next run reads as much as this one
	c.files = append(c.files, recorded...)
	c.index = usage.NewIndex(c.files)
	return c
}

// mayBeCode reports whether a file is worth reading for what it says of a database.
func mayBeCode(f gitrange.File) bool {
	return f.Err == nil && !f.Symlink && f.Size <= gitrange.CodeFile
}

// codeKey is what a file is kept by: what is read of it depends on the language, too.
func codeKey(f gitrange.File) string { return f.ID + path.Ext(f.Path) }

// read reads files in bunches, the next one while the last is looked at.
func (c *code) read(list []gitrange.File, missing []int) {
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
					if text, ok := texts[list[i].Path]; ok {
						c.files[i].Facts = &usage.Facts{}
						if gitrange.Code(list[i].Path, text) {
							c.files[i].Facts = usage.Read(list[i].Path, text)
						}
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

// fetch reads the files that some places are in, at once.
func (c *code) fetch(uses []usage.Use) {
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
	texts, _ := c.base.ReadAll(missing) // what cannot be read again shows its place alone
	for p, text := range texts {
		c.lines[p] = strings.Split(string(text), "\n")
	}
}

// line is a line of a file for people.
func (c *code) line(file string, number int) string {
	c.fetch([]usage.Use{{Path: file}})
	lines := c.lines[file]
	if number < 1 || number > len(lines) {
		return ""
	}
	line := []rune(strings.TrimSpace(strings.ToValidUTF8(lines[number-1][:min(len(lines[number-1]), 4*lineRunes)], "")))
	return string(line[:min(len(line), lineRunes)])
}
