package gitrange

import (
	"io/fs"
	"os"
	"runtime"
	"sync"
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
	var mu sync.Mutex
	more := sync.NewCond(&mu)
	todo, busy := []string{dir}, 0
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for {
				for len(todo) == 0 && busy > 0 {
					more.Wait()
				}
				if len(todo) == 0 {
					more.Broadcast()
					return
				}
				dir := todo[len(todo)-1]
				todo = todo[:len(todo)-1]
				busy++
				mu.Unlock()
				var l listing
				l.entries, l.err = os.ReadDir(dir)
				mu.Lock()
				busy--
				w.listed[dir] = l
				for _, e := range l.entries {
					if e.IsDir() && e.Name() != ".git" {
						todo = append(todo, join(dir, e.Name()))
						more.Signal()
					}
				}
				if len(todo) == 0 && busy == 0 {
					more.Broadcast()
				}
			}
		})
	}
	workers.Wait()
}
