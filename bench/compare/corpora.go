//go:build unix

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// corpus is a directory of SQL files, or a single one.
type corpus struct {
	name      string
	path      string // of the directory, or of the file
	files     int
	bytes     int64
	generated bool
}

// allCorpora are those that both tools are run on, the long one, and one small
// file.
type allCorpora struct {
	both  []corpus
	many  corpus
	small corpus
}

func makeCorpora(ctx context.Context, s settings) (allCorpora, error) {
	var all allCorpora
	few, err := generateCorpus(ctx, s.cache, s.files)
	if err != nil {
		return all, err
	}
	all.both = append(all.both, few)
	if s.corpus != "" {
		path, err := filepath.Abs(s.corpus)
		if err != nil {
			return all, err
		}
		given, err := surveyCorpus(path, path)
		if err != nil {
			return all, err
		}
		all.both = append(all.both, given)
	}
	if all.many, err = generateCorpus(ctx, s.cache, s.many); err != nil {
		return all, err
	}
	all.small, err = smallFile(s.cache)
	return all, err
}

// generateCorpus is the corpus of n files, made anew each time: a half-written one
// of an earlier run would be measured without anyone noticing.
func generateCorpus(ctx context.Context, cache string, n int) (corpus, error) {
	dir := filepath.Join(cache, "corpus-"+strconv.Itoa(n))
	if err := os.RemoveAll(dir); err != nil {
		return corpus{}, err
	}
	generate := exec.CommandContext(ctx, "go", "run", modulePath+"/bench/corpus", "-files", strconv.Itoa(n), "-seed", "1", "-out", dir)
	if out, err := generate.CombinedOutput(); err != nil {
		return corpus{}, fmt.Errorf("generate %d files: %w\n%s", n, err, out)
	}
	c, err := surveyCorpus(dir, "generated")
	c.generated = true
	if err == nil && c.files != n {
		err = fmt.Errorf("generate %d files: there are %d in %s", n, c.files, dir)
	}
	return c, err
}

// smallFile is one migration of usual size.
func smallFile(cache string) (corpus, error) {
	const sql = `-- The app shows who placed the order.
ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';
CREATE INDEX orders_channel_idx ON orders (channel);
ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);
`
	dir := filepath.Join(cache, "small")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return corpus{}, err
	}
	path := filepath.Join(dir, "0001_order_channel.sql")
	if err := os.WriteFile(path, []byte(sql), 0o644); err != nil {
		return corpus{}, err
	}
	return corpus{name: "one small file", path: path, files: 1, bytes: int64(len(sql)), generated: true}, nil
}

// surveyCorpus counts the SQL files below a directory.
func surveyCorpus(dir, name string) (corpus, error) {
	c := corpus{name: name, path: dir}
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !strings.HasSuffix(entry.Name(), ".sql") {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		c.files++
		c.bytes += info.Size()
		return nil
	})
	if err == nil && c.files == 0 {
		err = fmt.Errorf("no *.sql file below %s", dir)
	}
	return c, err
}
