// Command locksdoc writes docs/locks.md, the reference of what each form of a
// statement locks, from the forms that the proof runs on servers. It runs in
// internal/effect.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	text, err := buildPage(filepath.Join("prove", "testdata"))
	if err == nil {
		err = os.WriteFile(filepath.Join("..", "..", "docs", "locks.md"), []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "locksdoc:", err)
		os.Exit(1)
	}
}
