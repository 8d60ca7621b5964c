// Command build makes the site of docs/, with the given mdBook. It fails if a link in it
// is broken or loads something from another host. It runs at the repository's root.
//
//	go run ./internal/site/build MDBOOK COMMANDS DIR
//
// COMMANDS has the pages of commands, from internal/cli/man.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/site"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: build MDBOOK COMMANDS DIR")
		os.Exit(2)
	}
	if err := buildSite(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func buildSite(mdbook, commands, to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	book, err := os.MkdirTemp("", "onward-site-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(book)
	if err := os.CopyFS(book, os.DirFS("site")); err != nil {
		return err
	}
	if err := site.StageDocs("docs", filepath.Join(book, "src")); err != nil {
		return err
	}
	if err := site.AddPages(commands, filepath.Join(book, "src"), "commands"); err != nil {
		return err
	}
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	cmd := exec.Command(mdbook, "build", "--dest-dir", to, book)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = os.Stdout, io.MultiWriter(os.Stderr, &output)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", mdbook, err)
	}
	if strings.Contains(output.String(), "WARN") {
		return fmt.Errorf("%s warned: see above", filepath.Base(mdbook))
	}
	list, err := site.FindFaults(to)
	if err != nil {
		return err
	}
	for _, f := range list {
		fmt.Fprintln(os.Stderr, f)
	}
	if len(list) > 0 {
		return fmt.Errorf("%d faults in %s", len(list), to)
	}
	return nil
}
