// Command pages writes the pages of docs/ that are made of examples: one for each migration tool, accidents
// that happened to others, and what changes for those who come from squawk. What onward says in them is what
// it says to the files beside this program. It runs in internal/site.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write(filepath.Join("..", "..", "docs")); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

// generated marks the pages that a run replaces.
const generated = "<!-- Generated from the examples in internal/site/pages. DO NOT EDIT. -->\n\n"

func write(docs string) error {
	pages, err := made(context.Background(), docs)
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

// made makes the pages, by their names in docs; what the tables there say of tools is asked, too.
func made(ctx context.Context, docs string) (map[string]string, error) {
	table, err := os.ReadFile(filepath.Join(docs, "runners.md"))
	if err != nil {
		return nil, err
	}
	pages, err := frameworks(ctx, string(table))
	if err != nil {
		return nil, err
	}
	if pages["accidents.md"], err = accidents(ctx); err != nil {
		return nil, err
	}
	if pages["squawk.md"], err = squawk(); err != nil {
		return nil, err
	}
	for name, text := range pages {
		pages[name] = generated + text
	}
	return pages, nil
}
