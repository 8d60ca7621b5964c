// Command pages writes a page for each rule, and their index, into docs/rules.
// It runs in internal/rules, after gen: it is built with the list of rules.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onward-sql/onward/internal/rules/tools/page"
)

func main() {
	if err := writePages(filepath.Join("..", "..", "docs", "rules")); err != nil {
		fmt.Fprintln(os.Stderr, "pages:", err)
		os.Exit(1)
	}
}

func writePages(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files, err := page.BuildAll()
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	for _, path := range old {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// Pages of rules that are gone; what people wrote stays.
		if _, current := files[filepath.Base(path)]; !current && bytes.HasPrefix(data, []byte(page.Generated)) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
