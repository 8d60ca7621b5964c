//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/onward-sql/onward/bench/cost"
	migration "github.com/onward-sql/onward/internal/script"
)

// parseAll reads and parses the SQL files below a directory, on all processors,
// and does nothing with them but count their statements: what no audit can do
// without. It has the memory that onward check allows itself.
func parseAll(dir string) (statements int, err error) {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(118 << 20)
	var paths []string
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasSuffix(path, ".sql") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	var next, count atomic.Int64
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(paths); i = int(next.Add(1)) - 1 {
				text, err := os.ReadFile(paths[i])
				if err != nil {
					failed.Store(&err)
					continue
				}
				s, err := migration.BuildScript(migration.Source{Text: string(text), Parts: []migration.Part{{SQL: string(text)}}})
				if err != nil {
					failed.Store(&err)
					continue
				}
				count.Add(int64(len(s.Statements)))
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return int(count.Load()), nil
}

// parseCommand is the command that parses a corpus and nothing else.
func parseCommand(c corpus) (cost.Command, error) {
	self, err := os.Executable()
	return cost.Command{Name: "parsing of " + c.name, Path: self, Args: []string{"-parse", c.path}, Dir: c.path, Fine: []int{0}}, err
}
