//go:build unix

package compare

import (
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/measure"
	migration "github.com/onward-sql/onward/internal/script"
)

// RunParser only reads and parses the SQL files below a directory: the comparison runs it to see how long that takes.
func RunParser(args []string) { parseAll(args[0]) }

// parseAll reads and parses the SQL files below a directory, on all processors, and does nothing with them but count their statements:
// what no audit can do without. It has the memory that onward check allows itself.
func parseAll(dir string) (statements int) {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(118 << 20)
	var paths []string
	walkSQL(dir, func(path string, _ int64) { paths = append(paths, path) })
	var next, count atomic.Int64
	var failed atomic.Pointer[error]
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			if err := measure.Catch(func() {
				for i := int(next.Add(1)) - 1; i < len(paths); i = int(next.Add(1)) - 1 {
					text := string(measure.Must(os.ReadFile(paths[i])))
					s := measure.Must(migration.BuildScript(migration.Source{Text: text, Parts: []migration.Part{{SQL: text}}}))
					count.Add(int64(len(s.Statements)))
				}
			}); err != nil {
				failed.Store(&err)
			}
		})
	}
	workers.Wait()
	if err := failed.Load(); err != nil {
		measure.Check(*err)
	}
	return int(count.Load())
}

// parseCommand is the command that parses a corpus and nothing else.
func parseCommand(c corpus) cost.Command {
	return cost.Command{Name: "parsing of " + c.name, Path: measure.Must(os.Executable()), Args: []string{"child-parse", c.path}, Dir: c.path, Fine: []int{0}}
}
