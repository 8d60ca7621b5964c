// Command pages writes a page for each rule, and their index, into docs/rules, and the texts for assistants into docs/assistants.
// It runs in internal/rules, after gen: it is built with the list of rules.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/onward-sql/onward/internal/rules/tools/page"
)

func main() {
	docs := filepath.Join("..", "..", "docs")
	if err := errors.Join(writePages(filepath.Join(docs, "rules")), writeAssistants(filepath.Join(docs, "assistants"))); err != nil {
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

// writeAssistants writes the skill and the text for AGENTS.md.
func writeAssistants(dir string) error {
	skill, err := page.FormatSkill()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{"SKILL.md": skill, "AGENTS.md": page.FormatGuide()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
