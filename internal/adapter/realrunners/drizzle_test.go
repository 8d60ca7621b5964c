package realrunners

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
)

func upDrizzle(t *testing.T) func(dir, url string) error { t.Helper(); return upDrizzleOf(t, "node") }

// upDrizzle1 runs Drizzle 1.0, which has a directory for each migration, and no journal.
func upDrizzle1(t *testing.T) func(dir, url string) error {
	t.Helper()
	return upDrizzleOf(t, "drizzle-1")
}

func upDrizzleOf(t *testing.T, part string) func(dir, url string) error {
	t.Helper()
	run := atOnce(t, func(url string) string { return url }, "node", "testdata/drizzle.cjs", installed(t, part))
	return func(dir, url string) error {
		if failed := run([][2]string{{dir, url}})[0]; failed != "" {
			return errors.New(failed)
		}
		return nil
	}
}

// writeJournal writes what Drizzle makes besides the files: a journal of them, or since 1.0 a snapshot in the directory of each.
func writeJournal(t *testing.T, dir string, names []string) {
	t.Helper()
	if parent := path.Dir(names[0]); parent != "." {
		write(t, dir, map[string]string{path.Dir(names[len(names)-1]) + "/snapshot.json": "{}"})
		return
	}
	var entries []string
	for i, n := range names {
		tag := strings.TrimSuffix(n, ".sql")
		entries = append(entries, fmt.Sprintf(`{"idx": %d, "version": "7", "when": %d, "tag": %q, "breakpoints": true}`, i, 1700000000000+i, tag))
	}
	write(t, dir, map[string]string{
		"meta/_journal.json": `{"version": "7", "dialect": "postgresql", "entries": [` + strings.Join(entries, ", ") + "]}",
	})
}
