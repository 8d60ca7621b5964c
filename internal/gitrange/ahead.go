package gitrange

import (
	"io/fs"
	"maps"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

// listing is what a directory holds; both are set when a part could be listed.
type listing struct {
	entries []fs.DirEntry
	err     error
}

// ahead lists a directory and everything below it, on all processors, for the
// walk that comes behind in its order.
func (w *walk) ahead(dir string) {
	if w.listed == nil {
		w.listed = map[string]listing{}
	}
	// From the top, until there are enough directories to share out.
	const enough = 64
	todo := []string{dir}
	for len(todo) > 0 && len(todo) < enough {
		todo = append(todo[1:], listInto(w.listed, todo[0])...)
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	found := make([]map[string]listing, min(runtime.GOMAXPROCS(0), len(todo)))
	for k := range found {
		workers.Go(func() {
			found[k] = map[string]listing{}
			for i := int(next.Add(1)) - 1; i < len(todo); i = int(next.Add(1)) - 1 {
				for below := []string{todo[i]}; len(below) > 0; {
					last := len(below) - 1
					below = append(below[:last], listInto(found[k], below[last])...)
				}
			}
		})
	}
	workers.Wait()
	for _, f := range found {
		maps.Copy(w.listed, f)
	}
}

// listInto lists one directory, and gives the directories in it.
func listInto(into map[string]listing, dir string) (below []string) {
	var l listing
	l.entries, l.err = os.ReadDir(dir)
	into[dir] = l
	for _, e := range l.entries {
		if e.IsDir() && e.Name() != ".git" {
			below = append(below, join(dir, e.Name()))
		}
	}
	return below
}
