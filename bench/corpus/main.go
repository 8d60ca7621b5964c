// Command corpus writes a directory of migrations as a large project has them:
// a history that hangs together (what is altered was created before), in the
// usual mixture of tables, changes, indexes, data and functions.
//
//	go run ./bench/corpus -files 5000 -seed 1 -out DIR
//
// The same seed gives the same files. The files run on Postgres, statement by
// statement in the order of their names, after the schema that -before writes:
// the tables that were there before the first file. The directory holds the
// migrations only.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	files := flag.Int("files", 5000, "number of migrations")
	seed := flag.Uint64("seed", 1, "another seed gives other migrations")
	out := flag.String("out", "", "directory to write to; it is made")
	before := flag.String("before", "", "file for the schema that the migrations start from")
	flag.Parse()
	if *out == "" || *files < 1 || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := writeCorpus(*out, *before, *files, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "corpus:", err)
		os.Exit(3)
	}
}

// writeCorpus generates the files one by one: a corpus of any length needs no more
// memory than its schema.
func writeCorpus(out, before string, files int, seed uint64) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	g := newGenerator(seed)
	deployed := g.generateBaseSchema()
	if before != "" {
		if err := os.WriteFile(before, []byte(deployed), 0o644); err != nil {
			return err
		}
	}
	for i := range files {
		name, sql := g.nextMigration(i + 1)
		if err := os.WriteFile(filepath.Join(out, name), []byte(sql), 0o644); err != nil {
			return err
		}
	}
	return nil
}
