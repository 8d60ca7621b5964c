//go:build unix

package compare

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/bench/measure"
)

// corpus is a directory of SQL files, or a single one.
type corpus struct {
	name      string
	path      string // of the directory, or of the file
	files     int
	bytes     int64
	generated bool
}

// generateCorpus is the corpus of n files, generated again each time: a half-written one of an earlier run would be measured without
// anyone noticing.
func generateCorpus(b *measure.Bench, n int) corpus {
	dir := filepath.Join(b.Cache, "corpus-"+strconv.Itoa(n))
	measure.Check(os.RemoveAll(dir))
	b.Run(measure.Command{}, "go", "run", modulePath+"/bench/corpus", "-files", strconv.Itoa(n), "-seed", "1", "-out", dir)
	c := surveyCorpus(dir, "generated")
	if c.generated = true; c.files != n {
		measure.Check(fmt.Errorf("generate %d files: there are %d in %s", n, c.files, dir))
	}
	return c
}

// makeSmallFile makes one migration of usual size.
func makeSmallFile(b *measure.Bench) corpus {
	const sql = `-- The app shows who placed the order.
ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';
CREATE INDEX orders_channel_idx ON orders (channel);
ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);
`
	path := filepath.Join(b.Dir, "small", "0001_order_channel.sql")
	measure.WriteFile(path, sql)
	return corpus{name: "one small file", path: path, files: 1, bytes: int64(len(sql)), generated: true}
}

// surveyCorpus counts the SQL files below a directory.
func surveyCorpus(dir, name string) corpus {
	c := corpus{name: name, path: dir}
	walkSQL(dir, func(_ string, size int64) {
		c.files++
		c.bytes += size
	})
	if c.files == 0 {
		measure.Check(fmt.Errorf("no *.sql file below %s", dir))
	}
	return c
}

// walkSQL calls a function for each SQL file below a directory, with its size.
func walkSQL(dir string, visit func(path string, size int64)) {
	measure.Check(filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !strings.HasSuffix(path, ".sql") {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			visit(path, info.Size())
		}
		return err
	}))
}
