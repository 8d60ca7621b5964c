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

	migration "github.com/onward-sql/onward/internal/script"
)

// parseAll reads and parses the SQL files below a directory, on all processors,
// and does nothing with them: what no audit can do without. It has the memory
// that onward check allows itself.
func parseAll(dir string) error {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(118 << 20)
	var paths []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasSuffix(path, ".sql") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(paths); i = int(next.Add(1)) - 1 {
				text, err := os.ReadFile(paths[i])
				if err == nil {
					_, err = migration.Build(migration.Source{Text: string(text), Parts: []migration.Part{{SQL: string(text)}}})
				}
				if err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// parsing is the command that parses a corpus and nothing else.
func parsing(c corpus) (command, error) {
	self, err := os.Executable()
	return command{Name: "parsing of " + c.name, Path: self, Args: []string{"-parse", c.path}, Dir: c.path, Fine: []int{0}}, err
}
