// Command pages writes the pages of docs/ that are made of examples: one for each migration tool, accidents
// that happened to others, the differences for users of squawk, and a table in the page of all tools. Their output is onward's output for the
// files next to this program. It runs in internal/site.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
)

func main() {
	jsrun.RunChild()
	if err := writePages(filepath.Join("..", "..", "docs")); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

// generated marks the pages that a run replaces.
const generated = "<!-- Generated from the examples in internal/site/pages. DO NOT EDIT. -->\n\n"

func writePages(docs string) error {
	pages, err := makePages(context.Background(), docs)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(docs, "frameworks"), 0o755); err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(docs, filepath.FromSlash(name)), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// makePages returns the text of each page by its name in docs. It copies facts about tools from the table in docs/runners.md.
func makePages(ctx context.Context, docs string) (map[string]string, error) {
	table, err := os.ReadFile(filepath.Join(docs, "runners.md"))
	if err != nil {
		return nil, err
	}
	pages, err := makeFrameworks(ctx, string(table))
	if err != nil {
		return nil, err
	}
	if pages["accidents.md"], err = makeAccidents(ctx); err != nil {
		return nil, err
	}
	if pages["squawk.md"], err = makeSquawk(); err != nil {
		return nil, err
	}
	for name, text := range pages {
		pages[name] = generated + text
	}
	pages["runners.md"], err = insertCoverage(string(table), filepath.Join(docs, "..", "internal", "adapter", "realrunners", "testdata", "contract"))
	if err != nil {
		return nil, err
	}
	return pages, nil
}
